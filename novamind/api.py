"""What every endpoint shares: one form of error, cursor pages, nothing kept in caches."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework import exceptions, serializers, status
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

from novamind.accounts.rights import Refused
from novamind.audit.recording import saw, unseen
from novamind.audit.records import PatientRecord
from novamind.jobs.idempotency import KeyReused, Once, WrongKey, once
from novamind.limits import LIMITS
from novamind.phi.cipher import Altered
from novamind.phi.keys import KeyUnavailable
from novamind.throttle.rates import TooMany, waiting

KEY_HEADER = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="sent twice under one key, it happens once"
)

logger = logging.getLogger(__name__)

SIGN_OUT = {"account_logout", "admin:logout"}


class CursorPages(CursorPagination):
    """Pages that stay in place while rows are added, and never count."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = LIMITS["page"].value
    ordering = "-created_at"

    def decode_cursor(self, request: Any) -> Any:
        """As ever; a position that is no time, made up by the caller, is no cursor either."""
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None and not _is_time(cursor.position):
            raise exceptions.NotFound(self.invalid_cursor_message)
        return cursor

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> Any:
        """As ever; the row that only tells whether there is a next page is not noted as seen."""
        with unseen():
            page = super().paginate_queryset(queryset, request, view)
        for row in page or []:
            if isinstance(row, PatientRecord):
                saw(row.key_owner)
        return page


def _is_time(text: str) -> bool:
    try:
        at = datetime.fromisoformat(text)
        at.astimezone(UTC)  # a time of the year 1 may have no such moment
    except (ValueError, OverflowError):
        return False
    return at.tzinfo is not None


class Conflict(exceptions.APIException):
    """409: what was sent was made from an older state, or what it would make exists."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"
    default_detail = "This was changed meanwhile. Load it again."


class KeyWithAnotherBody(exceptions.APIException):
    """422: the Idempotency-Key named another request before."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "key_reused"
    default_detail = "This Idempotency-Key came with another request before."


class InvalidRequest(exceptions.APIException):
    """400 with a code and a sentence; ``line`` where a file's line is to blame."""

    status_code = status.HTTP_400_BAD_REQUEST

    def __init__(self, code: str, detail: str, line: int | None = None) -> None:
        super().__init__(detail, code)
        self.line = line


class ShareField(serializers.FloatField):
    """A share from 0 to 1; NaN, which no comparison refuses, is no number."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=1, **kwargs)

    def to_internal_value(self, data: Any) -> float:
        share = float(super().to_internal_value(data))
        if math.isnan(share):
            self.fail("invalid")
        return share


def claim(request: Request, view: str) -> Once:
    """The ``Idempotency-Key`` of a write, claimed: 400 ``wrong_key``, 422 ``key_reused`` with another body.

    Parameters
    ----------
    view : str
        What is written, and of whom where the address says so: a key of one chart is none of another.
    """
    key = request.headers.get("Idempotency-Key")
    try:
        return once(user=request.user, view=view, key=key, body=request._request.body)
    except WrongKey:
        raise InvalidRequest("wrong_key", "An Idempotency-Key has 1 to 255 visible ASCII characters.") from None
    except KeyReused:
        raise KeyWithAnotherBody from None


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Every error as ``{"code", "detail", "fields"?, "line"?, "request_id"}``."""
    request_id = getattr(context["request"]._request, "request_id", None)
    if isinstance(error, KeyUnavailable | Altered):
        logger.exception("a key or a ciphertext failed")
        body = _body("keys_unavailable", "The record cannot be opened now. Please try again.", request_id)
        return Response(body, status=status.HTTP_503_SERVICE_UNAVAILABLE)
    if isinstance(error, TooMany):
        body = _body("rate_limited", waiting(error.wait_s), request_id)
        return Response(body, status=status.HTTP_429_TOO_MANY_REQUESTS, headers={"Retry-After": str(error.wait_s)})
    if isinstance(error, SuspiciousOperation):  # too many fields, too long a field: Django's own limits
        error = exceptions.ParseError("The request has too many or too long fields.")
    response = drf_exception_handler(error, context)
    if response is None:
        if isinstance(error, DatabaseError):
            return None  # the audit middleware answers 503
        logger.exception("unexpected error")
        body = _body("unexpected", "Something went wrong here. The administrators were told.", request_id)
        return Response(body, status=status.HTTP_500_INTERNAL_SERVER_ERROR)
    response.data = _body_of(error, request_id)
    return response


def _body(code: str, detail: str, request_id: str | None, **more: Any) -> dict[str, Any]:
    return {"code": code, "detail": detail, **more, "request_id": request_id}


def _body_of(error: Exception, request_id: str | None) -> dict[str, Any]:
    if isinstance(error, Http404):
        return _body("not_found", "Not found.", request_id)
    if isinstance(error, Refused):
        return _body(error.code, error.detail, request_id)
    if isinstance(error, PermissionDenied):
        return _body("role_required", "Your role does not include this.", request_id)
    assert isinstance(error, exceptions.APIException)
    if isinstance(error, exceptions.ValidationError):
        fields = error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
        return _body("invalid", "Some fields are missing or wrong.", request_id, fields=fields)
    codes = error.get_codes()
    more = {"line": error.line} if isinstance(error, InvalidRequest) and error.line is not None else {}
    return _body(codes if isinstance(codes, str) else error.default_code, _sentence(error), request_id, **more)


def _sentence(error: exceptions.APIException) -> str:
    """What a token's refusal says in a dictionary of its own, as a sentence too."""
    return str(error.detail["detail"] if isinstance(error.detail, dict) else error.detail)


class NoStoreMiddleware:
    """No cache, neither browser nor proxy, keeps what a signed-in person was shown."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store, private")
        match = request.resolver_match
        if match is not None and match.view_name in SIGN_OUT and request.method == "POST":
            # Also what the browser kept for its "back" button.
            response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
        return response
