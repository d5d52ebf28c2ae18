"""The second factor: who needs one, whether this sign-in used one, and whether that was moments ago."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY, get_authentication_records
from allauth.mfa.models import Authenticator
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse

from novamind.accounts.roles import DEVICE, PATIENT

View = Callable[..., HttpResponse]

FRESH_S = 600
PRIMARY = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
#: Open with a password alone: setting the second factor up, giving it, going away.
BEFORE_IT = {
    "account_logout",
    "account_reauthenticate",
    "favicon",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_index",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
}


def is_required_of(user: Any) -> bool:
    """Everybody but patients and their devices: staff, superusers, and whoever has no role yet."""
    return user.is_staff or user.is_superuser or not user.roles or bool(user.roles - {PATIENT, DEVICE})


def is_set_up_by(user: Any) -> bool:
    """Whether the user has an authenticator app or a passkey; recovery codes alone are none."""
    return Authenticator.objects.filter(user_id=user.pk, type__in=PRIMARY).exists()


def last_used(request: HttpRequest) -> float | None:
    """When a second factor was given in this session (seconds since 1970)."""
    records = get_authentication_records(request, request.user)  # type: ignore[arg-type]
    return max((record["at"] for record in records if record.get("method") == "mfa"), default=None)


def record(session: Any, user: Any, kind: str) -> None:
    """Note in a session that a second factor was given now, where no request of the browser says so."""
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "mfa", "type": kind, "at": time.time()}]
    session["account_authentication_methods_user"] = str(user.pk)


def is_passed(request: HttpRequest) -> bool:
    """Whether whoever is signed in gave the second factor in this session, or needs none."""
    return not is_required_of(request.user) or last_used(request) is not None


def is_fresh(request: HttpRequest) -> bool:
    """Whether one was given in the last ten minutes."""
    used = last_used(request)
    return used is not None and 0 <= time.time() - used < FRESH_S


def just_signed_in(request: HttpRequest) -> bool:
    """Whether anything at all was shown in the last ten minutes, a password too."""
    records = get_authentication_records(request, request.user)  # type: ignore[arg-type]
    return any(0 <= time.time() - record["at"] < FRESH_S for record in records)


def fresh_second_factor(view: View) -> Any:
    """A page that reveals or gives away much: it asks for the second factor again, then goes on.

    What a form held when the ten minutes ended is not kept: it would lie in the session in clear.
    """

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, **kwargs) if is_fresh(request) else ask_for_it(request)

    checked.fresh_second_factor = True  # type: ignore[attr-defined]
    return checked


def ask_for_it(request: HttpRequest) -> HttpResponse:
    """To the page that asks for it and comes back here; the API is told with 403 ``second_factor_required``."""
    if request.path_info.startswith("/api/"):
        detail = "Sign in with your second factor first."
        return JsonResponse({"code": "second_factor_required", "detail": detail, "request_id": None}, status=403)
    page = "mfa_reauthenticate" if is_set_up_by(request.user) else "mfa_index"
    return redirect(f"{reverse(page)}?{urlencode({REDIRECT_FIELD_NAME: request.get_full_path()})}")


class SecondFactorMiddleware:
    """Closed by default: staff get no page, no admin and no API from a session without its second factor."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: View, args: Any, kwargs: Any) -> HttpResponse | None:
        """After the URL is known and before its view runs."""
        if not request.user.is_authenticated or is_passed(request):
            return None
        match = request.resolver_match
        if (match is not None and match.view_name in BEFORE_IT) or is_open_to_all(view):
            return None
        return ask_for_it(request)


def is_open_to_all(view: Any) -> bool:
    """Views of the API all say that they need no sign-in, and then ask for one themselves."""
    endpoint = getattr(view, "cls", None)
    return not (getattr(view, "login_required", True) if endpoint is None else endpoint.authentication_classes)
