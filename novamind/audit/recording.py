"""The ledger of one request or job: whose records it touched, and whether that is known completely.

Every model that belongs to a patient inherits :class:`novamind.audit.records.PatientRecord`, which notes each row it
loads or saves here. Beside it an oracle watches every SQL statement: one that touches a patient table in a way no row
is noted for (``values()``, ``count()``, raw SQL) makes the ledger incomplete unless the code declared that it answers
with aggregates (:func:`aggregates`) or notes itself what it shows (:func:`unseen`).

What is read with no ledger open (a thread that a view started, a stream after its view returned) is told where the
process is watched: web server, worker, scheduler and our commands.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import transaction

from novamind import frame
from novamind.audit import changes
from novamind.audit.models import AuditEvent, AuditEventPatient, Outcome, Purpose


class IncompleteAudit(Exception):
    """Patient tables were read and it is not known whose rows: a bug in Novamind, never in its caller."""


@dataclass
class Ledger:
    """Who acts, and whose records were touched so far."""

    actor_label: str
    request_id: str
    actor_id: UUID | None = None
    role: str = "system"
    patients: set[UUID] = field(default_factory=set)
    treated: set[UUID] = field(default_factory=set)
    unexplained: list[str] = field(default_factory=list)
    event_type: str | None = None
    purpose: str | None = None
    object_label: str = ""
    object_id: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    undo: list[Callable[[], None]] = field(default_factory=list)
    ending: list[Callable[[], None]] = field(default_factory=list)
    identify: Callable[[], None] = lambda: None
    closed: bool = False

    @property
    def complete(self) -> bool:
        """Whether every touch of a patient table has a patient to show for it, or was declared."""
        return not self.unexplained


#: Who has not signed in. A chart is shown to nobody whose name is not known.
STRANGER = "anonymous"

_current: ContextVar[Ledger | None] = ContextVar("ledger", default=None)
_expected: ContextVar[bool] = ContextVar("expected", default=False)
_silent: ContextVar[bool] = ContextVar("silent", default=False)
#: Of the process and not of a context: a thread that a view starts inherits no context.
_watchers: set[object] = set()


def current() -> Ledger | None:
    """The ledger of the request or job that runs now, if any; one that closed takes no more."""
    ledger = _current.get()
    return None if ledger is None or ledger.closed else ledger


def watch(connection: Any, **kwargs: Any) -> None:
    """Let the oracle read every statement of a new connection, whichever thread opened it.

    First in the list: ``execute_wrapper()`` takes its own away from the end.
    """
    if _oracle not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, _oracle)


def watch_process(**kwargs: Any) -> None:
    """From now on this process touches patients' records on record only."""
    _watchers.add("process")


@contextmanager
def watched() -> Iterator[None]:
    """The same while this lasts, for all threads."""
    _watchers.add(watcher := object())
    try:
        yield
    finally:
        _watchers.discard(watcher)


def _unattended(what: str) -> None:
    """Patients' records are touched and nobody stands for it: raise in tests, alert in production."""
    if _watchers:
        _tell(what[:200], "patients' records were touched outside any request, job or command on record")


@contextmanager
def recorded(
    *, actor_label: str, request_id: str, actor_id: UUID | None = None, role: str = "system"
) -> Iterator[Ledger]:
    """Open a ledger around a request, a job or a command; the caller writes the event."""
    with resumed(Ledger(actor_label=actor_label, request_id=request_id, actor_id=actor_id, role=role)) as ledger:
        yield ledger


@contextmanager
def resumed(ledger: Ledger) -> Iterator[Ledger]:
    """Go on under a ledger that was opened before: of work that takes turns with other work."""
    token, ledger.closed = _current.set(ledger), False
    try:
        yield ledger
    finally:
        ledger.closed = True
        _current.reset(token)


def saw(patient_id: UUID | None) -> None:
    """Note that a record of this patient was loaded, saved or shown."""
    if patient_id is None or _silent.get():
        return
    ledger = current()
    if ledger is None:
        _unattended("a record of a patient")
    else:
        ledger.patients.add(patient_id)


def unattributed(what: str) -> None:
    """Note that something of a patient was loaded and it is not known whose."""
    if _silent.get():
        return
    ledger = current()
    if ledger is None:
        _unattended(what)
    else:
        ledger.unexplained.append(what[:200])


def note_object(event_type: str, label: str, object_id: object) -> None:
    """Say what the event is about when the method and the URL do not (a creation, a model run)."""
    ledger = current()
    if ledger is not None:
        ledger.event_type, ledger.object_label, ledger.object_id = event_type, label, str(object_id)


def note_type(event_type: str) -> None:
    """Say what was done to the charts touched when the method does not (a search by POST reads and changes nothing)."""
    ledger = current()
    if ledger is not None:
        ledger.event_type = event_type


def note_treatment(patient_id: UUID) -> None:
    """Say that the door has just found this patient in the actor's regular care: why is not asked again."""
    ledger = current()
    if ledger is not None:
        ledger.treated.add(patient_id)


def note_purpose(purpose: str) -> None:
    """Say what the charts are touched for, when it is not their treatment (or whatever the grant says)."""
    ledger = current()
    if ledger is not None:
        ledger.purpose = purpose


def note_details(**details: int) -> None:
    """Keep counts with the event: how much was sent, and how much of it was taken. Never a value."""
    ledger = current()
    if ledger is not None:
        ledger.details.update(details)


def on_rollback(undo: Callable[[], None]) -> None:
    """Call this when the request's transaction does not commit (a stored file is deleted again)."""
    ledger = current()
    if ledger is not None:
        ledger.undo.append(undo)


def at_the_end(end: Callable[[], None]) -> None:
    """Call this when the request is over, after its transaction and its row: a lock is let go of."""
    ledger = current()
    if ledger is not None:
        ledger.ending.append(end)


@contextmanager
def expected() -> Iterator[None]:
    """The statements within load whole rows, each of which notes itself."""
    token = _expected.set(True)
    try:
        yield
    finally:
        _expected.reset(token)


@contextmanager
def aggregates() -> Iterator[None]:
    """The statements within answer with counts or existence over patients, not with anybody's record."""
    with expected():
        yield


@contextmanager
def unseen() -> Iterator[None]:
    """Rows loaded within are sifted in memory and not shown; the caller notes the ones that are, with :func:`saw`."""
    token = _silent.set(True)
    try:
        with expected():
            yield
    finally:
        _silent.reset(token)


@lru_cache(maxsize=1)
def patient_tables() -> re.Pattern[str]:
    """Matches a statement that names a table of patient records."""
    from novamind.audit.records import PatientRecord

    return _naming([model for model in apps.get_models() if issubclass(model, PatientRecord)])


@lru_cache(maxsize=1)
def noted_tables() -> re.Pattern[str]:
    """Of these, the ones whose writes the database notes by itself."""
    return _naming(changes.watched())


def _naming(models: list[Any]) -> re.Pattern[str]:
    tables = sorted(model._meta.db_table for model in models)
    return re.compile(r"\b(" + "|".join(map(re.escape, tables)) + r")\b") if tables else re.compile(r"(?!)")


def _oracle(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
    if not isinstance(sql, str):
        return execute(sql, params, many, context)
    ledger = current()
    if ledger is None:
        if _watchers and not _expected.get() and patient_tables().search(sql):
            _unattended(sql)
        return execute(sql, params, many, context)
    writes = context["connection"].vendor == "postgresql" and changes.is_write(sql)
    if (writes or not _expected.get()) and patient_tables().search(sql):
        if not _expected.get():
            ledger.unexplained.append(sql[:200])
        if writes and noted_tables().search(sql):
            return _signed(ledger, context["connection"], lambda: execute(sql, params, many, context))
    return execute(sql, params, many, context)


def _signed(ledger: Ledger, database: Any, write: Callable[[], Any]) -> Any:
    """Write rows of a chart so that the database's own note of it names this request."""
    ledger.identify()
    take_back = changes.say(database, request_id=ledger.request_id, actor=str(ledger.actor_id or ""))
    try:
        return write()
    finally:
        if take_back:
            changes.say(database, request_id="", actor="")


def require_complete(ledger: Ledger) -> None:
    """Raise in tests, alert in production, when it is not known whose records were touched, or by whom."""
    if not ledger.complete:
        _tell(ledger.unexplained[0], f"incomplete audit in {ledger.request_id}")
    if ledger.patients and ledger.actor_id is None and ledger.actor_label == STRANGER:
        _tell("by nobody", f"records of patients were shown to nobody known in {ledger.request_id}")


def _tell(what: str, alert: str) -> None:
    if settings.ENVIRONMENT == "test":
        raise IncompleteAudit(what)
    logging.getLogger(settings.ADMINS_ALERT_LOGGER).critical(alert, extra={"severity": "HIGH"})


def write_event(
    ledger: Ledger,
    *,
    event_type: str,
    action: str,
    outcome: str = Outcome.SUCCESS,
    object_label: str = "",
    object_id: object = "",
    purpose: str | None = None,
    contents: bool = False,
    **facts: Any,
) -> AuditEvent:
    """Write one event and the patients it touched; raises whatever the database raises, and then nothing is shown.

    ``purpose`` where the caller knows better than whose charts were touched; ``contents`` where several were shown with
    what stands in them. ``facts`` are further columns of :class:`AuditEvent` (path, method, status_code, details …).
    """
    if outcome == Outcome.SUCCESS:
        require_complete(ledger)
    opened = contents or len(ledger.patients) == 1
    whole, each = _purposes(ledger, purpose or ledger.purpose)
    event = AuditEvent(
        event_type=event_type,
        actor_id=ledger.actor_id,
        actor_label=ledger.actor_label[:160],
        role=ledger.role[:120],
        action=action[:80],
        outcome=outcome,
        object_label=object_label,
        object_id=str(object_id)[:64],
        purpose=whole,
        request_id=ledger.request_id,
        app_version=settings.VERSION,
        **facts,
    )
    with transaction.atomic(savepoint=False):  # else it may be sealed before its patients are there
        event.save(force_insert=True)
        AuditEventPatient.objects.bulk_create(
            AuditEventPatient(event=event, patient_id=patient, at=event.at, purpose=why, opened=opened)
            for patient, why in sorted(each.items())
        )
    return event


def _purposes(ledger: Ledger, stated: str | None) -> tuple[str, dict[UUID, str]]:
    """Why the request was made, and why each chart was touched.

    What is stated holds for all; else an app above knows of some charts (emergency access), and the rest are treated.
    The event has the purpose that all its charts share, else treatment.
    """
    if not ledger.patients:
        return stated or Purpose.OPERATIONS, {}
    if stated:
        return stated, dict.fromkeys(ledger.patients, stated)
    asked = ledger.patients - ledger.treated
    known = frame.audit_purposes(ledger.actor_id, asked) if ledger.actor_id and asked else {}
    each = {patient: known.get(patient, Purpose.TREATMENT) for patient in ledger.patients}
    shared = set(each.values())
    return shared.pop() if len(shared) == 1 else Purpose.TREATMENT, each
