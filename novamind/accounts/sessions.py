"""Sessions of the browser."""

import re

from django.conf import settings
from django.contrib.sessions import middleware
from django.http import HttpRequest

_KEY = re.compile(r"[a-z0-9]{32}")


class SessionMiddleware(middleware.SessionMiddleware):
    """Django's, which never asks the database for a key that it cannot have given out (PostgreSQL refuses a NUL)."""

    def process_request(self, request: HttpRequest) -> None:
        """A malformed cookie is no cookie."""
        if not _KEY.fullmatch(request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")):
            request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
        super().process_request(request)
