"""Sign-ins that failed too often, counted by :mod:`novamind.audit.attempts`: the same for every process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from novamind.accounts.known import known_browser
from novamind.audit.attempts import Claim, take, take_back
from novamind.audit.models import Attempt
from novamind.origin import client_ip

WINDOW = timedelta(minutes=15)
PER_ADDRESS = 5  # of one e-mail address, from one IP address
PER_IP = 100
PER_SECOND_FACTOR = 10  # of one account, from anywhere: who gets here knows its password


class ThrottledBackend:
    """First of the authentication backends: stops the sign-in before a password is hashed.

    It marks the request ``too_many_attempts``, so that the page and the API can say why. Nobody can lock a colleague
    out from elsewhere: only failures from the caller's own IP address count; nor from beside them: a browser that this
    account has signed in with is counted by itself (:mod:`novamind.accounts.known`).
    """

    def authenticate(self, request: HttpRequest | None, username: str | None = None, **credentials: Any) -> None:
        if request is None or not settings.RATE_LIMITING_ENABLED:
            return
        given = {"username": username} | credentials
        place = Claim("place", str(client_ip(request)), PER_IP, WINDOW)
        if place.is_used_up() and (known_browser(request, address_of(given)) or _judged_whole(request, given)):
            place = replace(place, at_most=None)
        rows = take([*_claims(request, given), place])
        _tries(request).append(rows or [])
        if rows is None:
            request.too_many_attempts = True  # type: ignore[attr-defined]
            raise PermissionDenied("too many attempts")


def _claims(request: HttpRequest, given: Mapping[str, Any]) -> list[Claim]:
    who = digest_of(given, request)
    here = Claim("sign_in", f"{client_ip(request)} {who}", PER_ADDRESS, WINDOW)
    return [here, Claim("second_factor", who, PER_SECOND_FACTOR, WINDOW)] if "second_factor_of" in given else [here]


def _judged_whole(request: HttpRequest, given: Mapping[str, Any]) -> bool:
    """Whether password and code were given at once, as the API takes them.

    Then a place with many failures is no reason to refuse: who has both is who they say. But nothing is told of the one
    without the other (``judged_whole``), so that nobody learns there which of many passwords is right.
    """
    if given.get("code") and "second_factor_of" not in given:
        request.judged_whole = True  # type: ignore[attr-defined]
    return getattr(request, "judged_whole", False)


def _tries(request: HttpRequest) -> list[list[Attempt]]:
    if not hasattr(request, "tries"):
        request.tries = []  # type: ignore[attr-defined]
    return request.tries  # type: ignore[attr-defined]


def count_failure(request: HttpRequest | None) -> None:
    """The last try of this request was wrong, and counts."""
    if request is not None and (tries := _tries(request)):
        tries.pop()


def take_back_right_ones(request: HttpRequest) -> None:
    """What was tried in this request and was not wrong counts no more."""
    if rows := [row for rows in _tries(request) for row in rows]:
        take_back(rows)


def digest_of(credentials: Mapping[str, Any], request: HttpRequest | None = None) -> str:
    """Tells typed addresses apart without keeping them, and without asking whether an account has one.

    A second factor is counted beside its account's password, and a browser the account is known by beside all others.
    """
    user, address = credentials.get("second_factor_of"), address_of(credentials)
    counted = f"second factor of {user.pk}" if user else address
    browser = known_browser(request, address) if request else ""
    digest = salted_hmac("novamind.audit.throttle", f"{counted}{browser}", algorithm="sha256")
    return digest.hexdigest()[:32]


def address_of(credentials: Mapping[str, Any]) -> str:
    """The address that was typed, or that of the account whose second factor is asked for."""
    user = credentials.get("second_factor_of")
    return str((user.email if user else credentials.get("username")) or "").strip().lower()
