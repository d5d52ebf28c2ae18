"""What the audit middleware answers itself, in the API's form or as a page; never a word about anybody."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from novamind.limits import JSON_BYTES, MB, STRANGER_BYTES
from novamind.throttle.rates import waiting

TITLES = {400: "Not understood", 413: "Too large", 503: "Not now"}


def too_large(request: HttpRequest) -> HttpResponse:
    """413."""
    detail = f"The file is larger than {settings.UPLOAD_LIMIT_MB} MB, the most that can be uploaded here."
    return _plain(request, 413, "too_large", detail)


def too_long(request: HttpRequest) -> HttpResponse:
    """413 for a body that is no file and is larger than any form or JSON of ours."""
    return _plain(
        request,
        413,
        "too_large",
        f"What was sent is larger than {JSON_BYTES // MB} MB, the most that can be read here without a file.",
    )


def too_long_for_a_stranger(request: HttpRequest) -> HttpResponse:
    """413 for whoever has not signed in."""
    detail = f"Without a sign-in no more than {STRANGER_BYTES // 1024} kB can be sent here. Sign in first."
    return _plain(request, 413, "too_large", detail)


def unreadable(request: HttpRequest) -> HttpResponse:
    """400."""
    return _plain(request, 400, "parse_error", "What was sent is cut off, malformed, or has too many fields.")


def too_many(request: HttpRequest, wait_s: int) -> HttpResponse:
    """429, with ``Retry-After``."""
    if request.path_info.startswith("/api/"):
        response = _plain(request, 429, "rate_limited", waiting(wait_s))
    else:
        # A patient whose answers are not taken now reads whom to call instead.
        crisis_text = settings.CRISIS_TEXT if request.path_info.startswith("/patients/mine/") else ""
        about = {"detail": waiting(wait_s), "crisis_text": crisis_text}
        response = render(request, "429.html", about, status=429)
    response.headers["Retry-After"] = str(wait_s)
    return response


def keys_unavailable(request: HttpRequest) -> HttpResponse:
    """503."""
    return _plain(request, 503, "keys_unavailable", "The record cannot be opened now. Please try again.")


def unavailable(request: HttpRequest) -> HttpResponse:
    """503, when the database or the trail in it does not take what it must."""
    return _plain(request, 503, "audit_unavailable", "Novamind's records cannot be kept now. Please try again.")


def _plain(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse:
    if request.path_info.startswith("/api/"):
        body = {"code": code, "detail": detail, "request_id": getattr(request, "request_id", None)}
        return JsonResponse(body, status=status)
    # Rendered without the request: what asks the database for the frame would fail as the request did.
    about = {"title": TITLES[status], "detail": detail}
    if status >= 500:  # whoever has just written of harming themselves reads this instead of an answer
        about["crisis_text"] = settings.CRISIS_TEXT
    return HttpResponse(render_to_string("plain.html", about), status=status)
