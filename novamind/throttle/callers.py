"""Whose rate a request uses: a person's, a device's, or that of the address it comes from."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken

from novamind.throttle.counter import counter
from novamind.throttle.rates import RATES, TooMany
from novamind.throttle.window import Claim

_SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}


def require_room(request: HttpRequest, ip: str | None) -> None:
    """Count the request; ``TooMany`` where the caller's rate is used up. Nothing is read of its body."""
    if settings.RATE_LIMITING_ENABLED:
        _take([_claim(kind, caller) for kind, caller in _callers(request, ip or "no address")])


def count_export(user_id: UUID, *, patients: int, in_one_piece: bool = False) -> None:
    """Count one export of so many patients; ``TooMany``, and an alert, beyond an hour's or a day's share.

    Asked by whatever lets charts leave as a file, before it gathers them. A file that cannot be parted
    (``in_one_piece``) takes an hour's share at most; all of it counts in the day's, and the alert is sent too.
    """
    if not settings.RATE_LIMITING_ENABLED:
        return
    caller, share = f"user {user_id}", RATES["export_patients"].limit
    in_the_hour = min(patients, share) if in_one_piece else patients
    claims = [
        _claim("export", caller),
        _claim("export_patients", caller, in_the_hour),
        _claim("export_patients_day", caller, patients),
    ]
    try:
        _take(claims)
    except TooMany as refusal:
        _alert(refusal.kind, user_id)
        raise
    if patients > share:
        _alert("export_patients, in one piece", user_id)


def _alert(kind: str, user_id: UUID) -> None:
    import logging

    log = logging.getLogger(settings.ADMINS_ALERT_LOGGER)
    log.critical("exports beyond the hourly share (%s) by %s", kind, user_id, extra={"severity": "HIGH"})


def _take(claims: list[Claim]) -> None:
    if refused := counter().take(claims):
        number, wait = refused
        kind = claims[number].key.split(":")[2]
        raise TooMany(kind, max(1, int(-(-wait // 1))))


def _claim(kind: str, caller: str, cost: int = 1) -> Claim:
    """The key tells callers apart and names nobody."""
    digest = salted_hmac("novamind.throttle", caller, algorithm="sha256").hexdigest()[:32]
    return Claim(f"novamind:rate:{kind}:{digest}", RATES[kind], cost)


def _callers(request: HttpRequest, ip: str) -> list[tuple[str, str]]:
    kind, user = _kind(request), getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return [(kind, f"user {user.pk}")]
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if not token:
        return [("stranger", f"ip {ip}")]
    try:
        return [(kind, f"user {AccessToken(token.strip())['user_id']}")]  # its signature proves who it is
    except (TokenError, KeyError, ImproperlyConfigured):
        # A device's token, or one made up: each has its own rate, and all from one address share another.
        return [("unproven", f"ip {ip}"), (kind, f"token {scheme} {token}")]


def _kind(request: HttpRequest) -> str:
    match: Any = request.resolver_match
    view = match.func if match else None
    marked = getattr(view, "rate", None) or getattr(getattr(view, "cls", None), "rate", None)
    if marked and (request.method not in _SAFE or marked == "export"):
        return marked
    return "read" if request.method in _SAFE else "write"
