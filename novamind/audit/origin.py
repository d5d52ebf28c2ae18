"""Where a request came from, told by the socket and by proxies we count, never by the caller."""

from __future__ import annotations

import hashlib
import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_ip(request: HttpRequest) -> str | None:
    """The address of the caller: the socket's, or the entry our outermost trusted proxy appended."""
    address = request.META.get("REMOTE_ADDR") or ""
    if settings.TRUSTED_PROXY_COUNT:
        hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
        if len(hops) >= settings.TRUSTED_PROXY_COUNT:
            address = hops[-settings.TRUSTED_PROXY_COUNT]
    try:
        return str(ipaddress.ip_address(address.partition("%")[0]))  # PostgreSQL knows no IPv6 scope
    except ValueError:
        return None  # a Unix socket has no address


def plain(text: str, length: int) -> str:
    """Text of the caller's that any database takes: shortened, without NUL."""
    return text.replace("\x00", "")[:length]


def session_hash(request: HttpRequest) -> str:
    """Tells sessions apart in the trail without giving one away."""
    key = getattr(getattr(request, "session", None), "session_key", None)
    return hashlib.sha256(key.encode()).hexdigest()[:32] if key else ""
