"""Sign-ins that failed too often, counted in the trail itself: the same for every process, and after a restart."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from novamind import clock
from novamind.accounts.known import known_browser
from novamind.audit.models import AuditEvent, EventType
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
        failed = AuditEvent.objects.filter(event_type=EventType.SIGN_IN_FAILED, at__gt=clock.now() - WINDOW)
        from_here = failed.filter(ip=client_ip(request))
        given = {"username": username} | credentials
        of_this = Q(object_id=digest_of(given, request))
        if (
            from_here.filter(of_this).count() >= PER_ADDRESS
            or (from_here.count() >= PER_IP and not known_browser(request, address_of(given)))
            or ("second_factor_of" in credentials and failed.filter(of_this).count() >= PER_SECOND_FACTOR)
        ):
            request.too_many_attempts = True  # type: ignore[attr-defined]
            raise PermissionDenied("too many attempts")


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
