"""Sessions of the browser: fifteen idle minutes, twelve hours in all, and none that was ended."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import auth
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.contrib.sessions import middleware
from django.db import Error
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from novamind import answers
from novamind.accounts.known import make_known
from novamind.accounts.models.sign_ins import SignIn
from novamind.clock import now

logger = logging.getLogger(__name__)

SESSION_KEY = "sign_in"
_KEY = re.compile(r"[a-z0-9]{32}")


class SessionMiddleware(middleware.SessionMiddleware):
    """Django's, which never asks the database for a key that it cannot have given out (PostgreSQL refuses a NUL)."""

    def process_request(self, request: HttpRequest) -> None:
        """A malformed cookie is no cookie."""
        if not _KEY.fullmatch(request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")):
            request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
        super().process_request(request)


class SignInMiddleware:
    """A session whose sign-in is no longer alive is nobody's.

    Whatever a person does counts as activity; what a page does by itself (``X-Background: 1``) does not, so that a
    dashboard left open ends its sign-in like any other page.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Outside the request's transaction: its row is not to be locked while a page is made, and a refusal is
        # activity too.
        try:
            if request.user.is_authenticated and not _goes_on(request):
                logout(request)
        except Error:
            logger.exception("the sign-in could not be checked")
            return answers.unavailable(request)
        response = self.get_response(request)
        if (user := getattr(request, "signed_in_now", None)) is not None:
            make_known(response, user)
        return response


def _goes_on(request: HttpRequest) -> bool:
    alive = SignIn.objects.alive().filter(pk=sign_in_of(request), user=request.user.pk)
    if request.headers.get("X-Background"):
        return alive.exists()
    return bool(alive.update(last_active_at=now()))


def sign_in_of(request: HttpRequest) -> UUID | None:
    """The sign-in this session names."""
    try:
        return UUID(str(request.session.get(SESSION_KEY)))
    except ValueError:
        return None


@receiver(user_logged_in)
def begin(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """A sign-in of a browser; one by token has no session."""
    if request.session.get(auth.SESSION_KEY) != str(user.pk):
        return
    moment = now()
    browser = request.headers.get("User-Agent", "")
    row = SignIn.objects.create(
        user=user, started_at=moment, last_active_at=moment, browser=browser.replace("\x00", "")[:200]
    )
    request.session[SESSION_KEY] = str(row.pk)
    request.signed_in_now = user  # type: ignore[attr-defined]


@receiver(user_logged_out)
def end(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """Sent before the session is emptied."""
    SignIn.objects.filter(pk=sign_in_of(request)).end()
