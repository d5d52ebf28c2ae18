"""What the job that runs here and now is, and how long each of its steps takes."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Event
from typing import Any
from uuid import UUID

from novamind.jobs.finish import LeaseLost
from novamind.measures import Abstained

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Work:
    """The attempt in hand: whose it is, its steps so far, and whether another worker took it over."""

    job_id: UUID
    pipeline_id: UUID
    actor: UUID | None
    attempt: int
    steps: list[dict[str, Any]] = field(default_factory=list)
    lost: Event = field(default_factory=Event)


_current: ContextVar[Work | None] = ContextVar("work", default=None)


def current_work() -> Work | None:
    """The attempt that this thread is at; None outside jobs."""
    return _current.get()


@contextmanager
def working_on(work: Work) -> Iterator[Work]:
    """Jobs enqueued inside inherit pipeline and actor; steps are kept on ``work``."""
    token = _current.set(work)
    try:
        yield work
    finally:
        _current.reset(token)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Time one step of a pipeline: one log line ``pipeline.<name>.execution_time`` and an entry on the job.

    Raises
    ------
    LeaseLost
        Another worker has taken the job over, so that going on would be wasted.
    """
    work = current_work()
    if work is not None and work.lost.is_set():
        raise LeaseLost
    started, status = time.monotonic(), "ok"
    try:
        yield
    except Abstained:
        status = "abstained"
        raise
    except BaseException:
        status = "failed"
        raise
    finally:
        _report(work, name, status, round(time.monotonic() - started, 4))


def _report(work: Work | None, name: str, status: str, seconds: float) -> None:
    about = {"step": name, "status": status, "seconds": seconds}
    logger.info(
        "pipeline.%s.execution_time",
        name,
        extra=about | ({"pipeline_id": work.pipeline_id, "job_id": work.job_id} if work else {"pipeline_id": None}),
    )
    if work is not None:
        work.steps.append(about | {"attempt": work.attempt})
