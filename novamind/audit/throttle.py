"""Sign-ins that failed too often, counted in the trail itself: the same for every process, and after a restart."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from novamind import clock
from novamind.audit.models import AuditEvent, EventType
from novamind.audit.origin import client_ip

WINDOW = timedelta(minutes=15)
PER_ADDRESS = 5  # of one e-mail address, from one IP address
PER_IP = 100


class ThrottledBackend:
    """First of the authentication backends: stops the sign-in before a password is hashed.

    It marks the request ``too_many_attempts``, so that the page and the API can say why. Nobody can lock a colleague
    out from elsewhere: only failures from the caller's own IP address count.
    """

    def authenticate(self, request: HttpRequest | None, username: str | None = None, **credentials: Any) -> None:
        if request is None or not settings.RATE_LIMITING_ENABLED:
            return
        failed = AuditEvent.objects.filter(
            event_type=EventType.SIGN_IN_FAILED, at__gt=clock.now() - WINDOW, ip=client_ip(request)
        )
        of_address = failed.filter(object_id=address_digest(username))
        if of_address.count() >= PER_ADDRESS or failed.count() >= PER_IP:
            request.too_many_attempts = True  # type: ignore[attr-defined]
            raise PermissionDenied("too many attempts")


def address_digest(address: object) -> str:
    """Tells typed addresses apart without keeping them, and without asking whether an account has one."""
    typed = str(address or "").strip().lower()
    return salted_hmac("novamind.audit.throttle", typed, algorithm="sha256").hexdigest()[:32]
