"""Where a request came from, told by the socket and by proxies we count, never by the caller."""

from __future__ import annotations

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
