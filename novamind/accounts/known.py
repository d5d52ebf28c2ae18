"""Browsers that somebody has signed in with: a signed cookie, good for nothing but being counted by itself.

Whoever guesses at a colleague's password, from the desk beside or in the colleague's name a hundred times, has another
browser; the colleague's own goes on (OWASP: device cookies).
"""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

KEPT_S = 60 * 24 * 3600
_SALT = "novamind.accounts.known"


def cookie_name() -> str:
    """With the prefix that browsers hold to the host, where there is TLS."""
    return "__Host-known" if settings.HARDENED else "known"


def make_known(response: HttpResponse, user: Any) -> None:
    """Give the browser the cookie; several people of one browser take turns."""
    value = signing.dumps([_digest(user.email), secrets.token_hex(8)], salt=_SALT)
    response.set_cookie(
        cookie_name(), value, max_age=KEPT_S, secure=settings.HARDENED, httponly=True, samesite="Strict"
    )


def known_browser(request: HttpRequest, address: str) -> str:
    """Which browser of this address's it is; empty for one that is not known by it."""
    try:
        known, browser = signing.loads(request.COOKIES.get(cookie_name(), ""), salt=_SALT, max_age=KEPT_S)
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    return f"|{browser}" if known == _digest(address) else ""


def _digest(address: str) -> str:
    """The cookie lies in the browser after its owner has left: it names nobody."""
    return salted_hmac(_SALT, address.strip().lower(), algorithm="sha256").hexdigest()[:32]
