"""Runs of models: each leaves an event of its own, also where it fails or abstains."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from uuid import UUID

from django.db import transaction

from novamind.audit.models import EventType, Outcome
from novamind.audit.recording import current, write_event
from novamind.measures import Abstained


class NobodyActs(RuntimeError):
    """A model was about to run outside a request, a job or a command that says who acts."""


@dataclass
class Run:
    """What a run says of itself beside its time."""

    status: str = "ok"
    reason: str = ""
    more: dict[str, str] = field(default_factory=dict)

    def recalled(self, abstention: str = "") -> None:
        """The same input had been given before, and what it gave then was taken from its record."""
        self.status, self.reason = "recalled", abstention

    def counted(self, *, computed: int, recalled: int) -> None:
        """Of several inputs, how many were computed and how many were recalled from their records."""
        self.more |= {"computed": str(computed), "recalled": str(recalled)}
        if recalled and not computed:
            self.recalled()

    def abstained(self, why: Abstained) -> None:
        """The model gave no answer, and said why."""
        self.status, self.reason = "abstained", why.code


@contextmanager
def model_run(
    *,
    model: str,
    version: str,
    patients: Iterable[UUID] = (),
    kind: str = EventType.MODEL_INFERENCE,
    purpose: str | None = None,
) -> Iterator[Run]:
    """Around whatever runs, trains or promotes a model or supports a decision: one event with model, version, status,
    duration and the patients concerned.

    The event is a row of the transaction that is open, if any: open none around work that takes long. An error is
    recorded and goes on.

    Raises
    ------
    NobodyActs
        No ledger is open, so that nobody would stand in the trail.
    """
    ledger = current()
    if ledger is None:
        raise NobodyActs(f"{model} runs for nobody; open novamind.audit.recording.recorded() around it")
    ledger.identify()  # a request learns who asks only when somebody wants to know
    own = replace(ledger, patients=set(patients), unexplained=[])
    run, started, outcome = Run(), time.monotonic(), Outcome.SUCCESS
    try:
        yield run
    except Abstained as why:
        run.abstained(why)
        raise
    except BaseException as error:
        run.status, run.reason, outcome = "failed", type(error).__name__, Outcome.FAILED
        raise
    finally:
        said = {"model": model, "version": version, "status": run.status, "reason": run.reason} | run.more
        with transaction.atomic():
            write_event(
                own,
                event_type=kind,
                action=kind.lower(),
                outcome=outcome,
                object_label=f"model {model}"[:80],
                object_id=version,
                purpose=purpose,
                duration_ms=round((time.monotonic() - started) * 1000),
                details={name: value for name, value in said.items() if value},
            )
