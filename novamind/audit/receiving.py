"""Bodies are taken in before a transaction opens: a caller who sends slowly must hold no lock of the database."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from novamind import answers
from novamind.limits import FORM_ROOM_BYTES

#: ``ValueError`` is what an odd ``charset`` makes of a field.
_BROKEN = (BadRequest, SuspiciousOperation, MultiPartParserError, UnreadablePostError, ValueError)


def is_stranger(request: HttpRequest) -> bool:
    """Whether nobody is signed in and no token claims somebody; whatever is sent is turned away unread."""
    user: Any = request.user
    return "Authorization" not in request.headers and not user.is_authenticated


def receive(request: HttpRequest) -> HttpResponse | None:
    """Take in the whole body, files through the upload handler; the refusal if that fails, else None.

    A body whose length alone is too much is not read.
    """
    if _length(request) > settings.UPLOAD_LIMIT_MB * 1024 * 1024 + FORM_ROOM_BYTES:
        return answers.too_large(request)
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


def _length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0
