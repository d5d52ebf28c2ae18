"""One middleware for the request's transaction and its audit row.

An unsafe method runs in one transaction that holds the change, its jobs and its audit row, and rolls back when the
answer is a refusal. A safe method runs without one and has its row before the first byte leaves. A refusal is written
in a transaction of its own. If a row cannot be written, the answer is 503 and carries nothing of a patient.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import Error, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import Resolver404, resolve

from novamind.audit.models import EventType, Outcome
from novamind.audit.origin import client_ip, plain, session_hash
from novamind.audit.recording import Ledger, recorded, write_event
from novamind.phi.cipher import Altered
from novamind.phi.keys import KeyUnavailable

logger = logging.getLogger(__name__)

#: Nothing of a patient is served here; sign-ins are recorded by their own receivers.
EXEMPT = (
    "/health/",
    "/metrics",
    "/static/",
    "/favicon.ico",
    "/accounts/login/",
    "/api/v1/auth/login",
    "/api/schema",
    "/api/docs",
)
SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}
FORM_ROOM = 64 * 1024  # what a form adds around its file
_PARAMETER = re.compile(r"[a-z_]\w{0,39}", re.ASCII)  # a name of ours; a sentence or a NUL is not kept

View = Callable[..., HttpResponse]


def own_transaction(view: View) -> View:
    """For a view that waits or streams: it opens its own transactions and writes what it must within them."""
    view.own_transaction = True  # type: ignore[attr-defined]
    return view


class AuditMiddleware:
    """See the module's first lines."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(EXEMPT):
            return self.get_response(request)
        request.request_id = str(uuid4())  # type: ignore[attr-defined]
        request.started = time.monotonic()  # type: ignore[attr-defined]
        with recorded(actor_label="anonymous", request_id=request.request_id, role="") as ledger:  # type: ignore[attr-defined]
            request.ledger = ledger  # type: ignore[attr-defined]
            ledger.identify = partial(identify, request, ledger)
            response = self._answer(request, ledger)
        response.headers["X-Request-ID"] = ledger.request_id
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A page that needs a key it cannot have: 503; the API says so itself."""
        if not isinstance(error, KeyUnavailable | Altered):
            return None
        logger.exception("a key or a ciphertext failed")
        return _plain(request, 503, "keys_unavailable", "The record cannot be opened now. Please try again.")

    def _answer(self, request: HttpRequest, ledger: Ledger) -> HttpResponse:
        if _too_large(request):
            response = too_large(request)
        elif request.method in SAFE or _has_own_transaction(request):
            response = self.get_response(request)
        else:
            return self._change(request, ledger)
        return self._with_row(request, response, ledger)

    def _change(self, request: HttpRequest, ledger: Ledger) -> HttpResponse:
        try:
            with transaction.atomic():
                response = self.get_response(request)
                if response.status_code < 400:
                    _write(request, response, ledger)
                else:
                    transaction.set_rollback(True)
        except Error:
            logger.exception("the change or its audit row could not be written")
            _undo(ledger)
            return unavailable(request)
        except Exception:  # an incomplete record, or a bug: the change was rolled back
            _undo(ledger)
            raise
        if response.status_code >= 400:
            _undo(ledger)
            return self._with_row(request, response, ledger)
        return response

    def _with_row(self, request: HttpRequest, response: HttpResponse, ledger: Ledger) -> HttpResponse:
        try:
            with transaction.atomic():
                _write(request, response, ledger)
        except Error:
            logger.exception("the audit row could not be written")
            return unavailable(request)
        return response


def _undo(ledger: Ledger) -> None:
    for undo in ledger.undo:
        undo()


def _write(request: HttpRequest, response: HttpResponse, ledger: Ledger) -> None:
    identify(request, ledger)
    refused = response.status_code >= 400
    if refused:
        ledger.unexplained.clear()  # what was looked up was not shown
    match = request.resolver_match
    write_event(
        ledger,
        event_type=_event_type(request, ledger, refused),
        action=(match.view_name if match and match.view_name else request.method or ""),
        outcome=_outcome(response),
        object_label=ledger.object_label,
        object_id=ledger.object_id,
        path=plain(request.path, 300),
        method=(request.method or "")[:8],
        query_params=sorted(name for name in request.GET if _PARAMETER.fullmatch(name))[:20],
        status_code=response.status_code,
        duration_ms=round((time.monotonic() - request.started) * 1000),  # type: ignore[attr-defined]
        ip=client_ip(request),
        user_agent=plain(request.headers.get("User-Agent", ""), 200),
        session_hash=session_hash(request),
    )


def identify(request: HttpRequest, ledger: Ledger) -> None:
    """Put the signed-in user on the ledger; after the view, because tokens sign in there."""
    user: Any = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        ledger.actor_id, ledger.actor_label, ledger.role = user.pk, user.email, user.role_label


def _event_type(request: HttpRequest, ledger: Ledger, refused: bool) -> str:
    if refused:
        return EventType.API_RESPONSE
    if ledger.event_type:
        return ledger.event_type
    if not ledger.patients:
        return EventType.API_ACCESS
    return EventType.DATA_ACCESS if request.method in SAFE else EventType.MODIFICATION


def _outcome(response: HttpResponse) -> str:
    if response.status_code >= 500:
        return Outcome.FAILED
    return Outcome.REFUSED if response.status_code >= 400 else Outcome.SUCCESS


def _has_own_transaction(request: HttpRequest) -> bool:
    try:
        return getattr(resolve(request.path_info).func, "own_transaction", False)
    except Resolver404:
        return False


def _too_large(request: HttpRequest) -> bool:
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return False
    return length > settings.UPLOAD_LIMIT_MB * 1024 * 1024 + FORM_ROOM


def too_large(request: HttpRequest) -> HttpResponse:
    """413, decided from the length alone: the body is never read."""
    detail = f"The file is larger than {settings.UPLOAD_LIMIT_MB} MB, the most that can be uploaded here."
    return _plain(request, 413, "too_large", detail)


def unavailable(request: HttpRequest) -> HttpResponse:
    """503 without a word about anybody."""
    return _plain(request, 503, "audit_unavailable", "The record of this request cannot be kept now. Please try again.")


def _plain(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        body = {"code": code, "detail": detail, "request_id": getattr(request, "request_id", None)}
        return JsonResponse(body, status=status)
    return HttpResponse(f"<!doctype html><title>Novamind</title><p>{detail}</p>", status=status)
