"""One middleware for the request's transaction and its audit row.

An unsafe method runs in one transaction that holds the change, its jobs and its audit row, and rolls back when the
answer is a refusal; its body was received before. A safe method runs without one and has its row before the first byte
leaves. A refusal is written in a transaction of its own. If a row cannot be written, the answer is 503 and carries
nothing of a patient.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.db import Error, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, ResolverMatch, resolve

from novamind import answers
from novamind.audit.models import EventType, Outcome
from novamind.audit.origin import kept_path, plain, session_hash
from novamind.audit.receiving import is_stranger, receive, refuse_unread
from novamind.audit.recording import STRANGER, Ledger, recorded, write_event
from novamind.audit.showing import shows_contents
from novamind.audit.throttle import take_back_right_ones
from novamind.origin import client_ip
from novamind.phi.cipher import Altered
from novamind.phi.keys import KeyUnavailable
from novamind.throttle.callers import require_room
from novamind.throttle.rates import TooMany

logger = logging.getLogger(__name__)

#: Views that serve nothing of a patient; sign-ins are recorded by their own receivers. Names and not paths: what a
#: path begins with says nothing of the view behind it.
EXEMPT = {
    *("live", "ready", "metrics", "favicon", "schema", "docs"),
    *("account_login", "account_inactive", "mfa_authenticate", "mfa_login_webauthn", "api:login"),
    *("openid_connect_login", "openid_connect_callback", "socialaccount_login_cancelled", "socialaccount_login_error"),
}
#: Of these, what keeps a session or a row for whoever asks: at the rate of strangers.
COUNTED = {"mfa_login_webauthn", "openid_connect_login", "openid_connect_callback"}
SIGN_IN = {"account_login", "admin:login"}
SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}
_PARAMETER = re.compile(r"[a-z_]\w{0,39}", re.ASCII)  # a name of ours; a sentence or a NUL is not kept

View = Callable[..., HttpResponse]


def own_transaction(view: View) -> View:
    """For a view that waits or streams: it opens its own transactions and writes what it must within them."""
    view.own_transaction = True  # type: ignore[attr-defined]
    return view


@contextmanager
def changed_before_waiting(request: HttpRequest, status: int) -> Iterator[None]:
    """What such a view changes before it waits: the change, its jobs and its audit row in one transaction.

    The row says that the change was answered ``status``; the answer itself has a row of its own. Whatever is raised
    within undoes everything.
    """
    ledger: Ledger = request.ledger  # type: ignore[attr-defined]
    try:
        with transaction.atomic():
            yield
            _write(request, HttpResponse(status=status), ledger)
    except Exception:
        _undo(ledger)
        raise
    ledger.undo.clear()


class AuditMiddleware:
    """See the module's first lines."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        match = request.resolver_match = _match(request.path_info)
        if match is not None and match.view_name in EXEMPT:
            refusal = _without_room(request) if match.view_name in COUNTED else None
            refusal = refusal or refuse_unread(request, is_open=True)
            refusal = refusal or (None if request.method in SAFE else receive(request))
            response = refusal or self.get_response(request)
            take_back_right_ones(request)
            return response
        request.request_id = str(uuid4())  # type: ignore[attr-defined]
        request.started = time.monotonic()  # type: ignore[attr-defined]
        request.came_signed_in = request.user.is_authenticated  # type: ignore[attr-defined]
        with recorded(actor_label=STRANGER, request_id=request.request_id, role="") as ledger:  # type: ignore[attr-defined]
            request.ledger = ledger  # type: ignore[attr-defined]
            ledger.identify = partial(identify, request, ledger)
            try:
                response = self._answer(request, ledger)
                take_back_right_ones(request)
            except Error:
                logger.exception("the change or its audit row could not be written")
                response = answers.unavailable(request)
            finally:
                for end in ledger.ending:
                    end()
        response.headers["X-Request-ID"] = ledger.request_id
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A view that needs a key or a database it cannot have: 503; of keys the API says so itself."""
        if isinstance(error, TooMany):
            return answers.too_many(request, error.wait_s)
        if isinstance(error, KeyUnavailable | Altered):
            logger.exception("a key or a ciphertext failed")
            return answers.keys_unavailable(request)
        if isinstance(error, Error):
            logger.exception("the database failed")
            return answers.unavailable(request)
        return None

    def _answer(self, request: HttpRequest, ledger: Ledger) -> HttpResponse:
        if refusal := _without_room(request) or refuse_unread(request):
            response = refusal
        elif request.method in SAFE or is_stranger(request):
            response = self.get_response(request)
        elif refusal := receive(request):
            response = refusal
        elif getattr(request.resolver_match and request.resolver_match.func, "own_transaction", False):
            response = self.get_response(request)
        else:
            return self._change(request, ledger)
        return self._with_row(request, response, ledger)

    def _change(self, request: HttpRequest, ledger: Ledger) -> HttpResponse:
        try:
            with transaction.atomic():
                response = self.get_response(request)
                refused = _outcome(request, response) != Outcome.SUCCESS
                if refused:
                    transaction.set_rollback(True)
                else:
                    _write(request, response, ledger)
        except Exception:  # no row, an incomplete record, or a bug: the change was rolled back
            _undo(ledger)
            raise
        if refused:
            _undo(ledger)
            return self._with_row(request, response, ledger)
        return response

    def _with_row(self, request: HttpRequest, response: HttpResponse, ledger: Ledger) -> HttpResponse:
        with transaction.atomic():
            _write(request, response, ledger)
        return response


def _without_room(request: HttpRequest) -> HttpResponse | None:
    try:
        require_room(request, client_ip(request))
    except TooMany as refusal:
        return answers.too_many(request, refusal.wait_s)
    return None


def _match(path: str) -> ResolverMatch | None:
    try:
        return resolve(path)
    except Resolver404:
        return None


def _undo(ledger: Ledger) -> None:
    for undo in ledger.undo:
        undo()


def _write(request: HttpRequest, response: HttpResponse, ledger: Ledger) -> None:
    identify(request, ledger)
    outcome = _outcome(request, response)
    if outcome != Outcome.SUCCESS:
        ledger.unexplained.clear()  # what was looked up was not shown
    match = request.resolver_match
    write_event(
        ledger,
        event_type=_event_type(request, ledger, outcome),
        action=(match.view_name if match and match.view_name else request.method or ""),
        outcome=outcome,
        object_label=ledger.object_label,
        object_id=ledger.object_id,
        path=kept_path(request),
        method=(request.method or "")[:8],
        query_params=_parameters(request),
        status_code=response.status_code,
        duration_ms=round((time.monotonic() - request.started) * 1000),  # type: ignore[attr-defined]
        ip=client_ip(request),
        user_agent=plain(request.headers.get("User-Agent", ""), 200),
        session_hash=session_hash(request),
        details=ledger.details,
        contents=shows_contents(request, ledger),
    )


def identify(request: HttpRequest, ledger: Ledger) -> None:
    """Put the signed-in user on the ledger; after the view, because tokens sign in there."""
    user: Any = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        ledger.actor_id, ledger.actor_label, ledger.role = user.pk, user.trail_label, user.role_label


def _event_type(request: HttpRequest, ledger: Ledger, outcome: str) -> str:
    if outcome != Outcome.SUCCESS:
        return EventType.API_RESPONSE
    if not ledger.patients and not ledger.object_id:
        return EventType.API_ACCESS
    if ledger.event_type:
        return ledger.event_type
    if request.method in SAFE:
        return EventType.DATA_ACCESS
    return EventType.DELETION if request.method == "DELETE" else EventType.MODIFICATION


def _outcome(request: HttpRequest, response: HttpResponse) -> str:
    if response.status_code >= 500:
        return Outcome.FAILED
    refused = response.status_code >= 400 or _sends_to_sign_in(request, response)
    return Outcome.REFUSED if refused else Outcome.SUCCESS


def _sends_to_sign_in(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether the caller must sign in first and is to come back.

    Whoever came signed in is never told so: they may name that page themselves (``next``), and what they did is not to
    be undone by it: a sign-out, say.
    """
    if response.status_code != 302 or request.came_signed_in:  # type: ignore[attr-defined]
        return False
    target = urlsplit(response.headers.get("Location", ""))
    match = _match(target.path)
    return match is not None and match.view_name in SIGN_IN and f"{REDIRECT_FIELD_NAME}=" in target.query


def _parameters(request: HttpRequest) -> list[str]:
    """Names of the query's parameters, read as they stand: ``request.GET`` refuses some that must be recorded."""
    pairs = request.META.get("QUERY_STRING", "").split("&")
    return sorted({name for pair in pairs if _PARAMETER.fullmatch(name := pair.partition("=")[0])})[:20]
