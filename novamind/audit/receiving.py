"""Bodies are taken in before a transaction opens: a caller who sends slowly must hold no lock of the database."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from novamind import answers
from novamind.accounts.authentication import proves_somebody
from novamind.accounts.second_factor import is_open_to_all, is_passed
from novamind.limits import FORM_ROOM_BYTES, MB, STRANGER_BYTES

#: ``ValueError`` is what an odd ``charset`` makes of a field.
_BROKEN = (BadRequest, SuspiciousOperation, MultiPartParserError, UnreadablePostError, ValueError)


def is_stranger(request: HttpRequest) -> bool:
    """Whether nobody is signed in and no token claims somebody; whatever is sent is turned away unread.

    A token may claim what it likes with a small body, which its endpoint judges; for more it must prove it.
    """
    if request.user.is_authenticated:
        return False
    if "Authorization" not in request.headers or not hasattr(_view(request), "cls"):  # pages know no tokens
        return True
    return _length(request) > STRANGER_BYTES and not proves_somebody(request)


def refuse_unread(request: HttpRequest, *, is_open: bool = False) -> HttpResponse | None:
    """413 for a body that its length alone makes too much, of anybody or of this caller; nothing of it is read.

    A stranger's is left to the endpoint or page that turns strangers away unread. Doors that are open to all would read
    it (``is_open`` says so where the view does not), and so would the pages that ask for a second factor.
    """
    length = _length(request)
    if length > settings.UPLOAD_LIMIT_MB * MB + FORM_ROOM_BYTES:
        return answers.too_large(request)
    if length <= STRANGER_BYTES:
        return None
    half_way = request.user.is_authenticated and not is_passed(request)
    if half_way or (is_stranger(request) and (is_open or is_open_to_all(_view(request)))):
        return answers.too_long_for_a_stranger(request)
    return None


def receive(request: HttpRequest) -> HttpResponse | None:
    """Take in the whole body, files through the upload handler; the refusal if that fails, else None."""
    try:
        if request.method == "POST" and request.content_type == "multipart/form-data":
            _ = request.POST
        else:
            _ = request.body, request.POST  # a form's fields as well, so that a broken one is refused here
    except RequestDataTooBig:
        return answers.too_long(request)
    except _BROKEN:
        return answers.unreadable(request)
    return None


def _view(request: HttpRequest) -> Any:
    return request.resolver_match.func if request.resolver_match else None


def _length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0
