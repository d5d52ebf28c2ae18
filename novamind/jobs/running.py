"""One attempt at a job, in one stride or in two: until it asks for something, and on from the answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import ExitStack
from typing import Any

from novamind.audit.recording import Ledger, resumed
from novamind.jobs import attempts
from novamind.jobs.finish import Finish, LeaseLost
from novamind.jobs.kinds import kind_named
from novamind.jobs.lease import Lease
from novamind.jobs.models import Job
from novamind.jobs.services import loaded_args
from novamind.jobs.work import Work, working_on

logger = logging.getLogger(__name__)


def ledger_of(job: Job) -> Ledger:
    """What the job sees and changes is on record under its id."""
    return Ledger(actor_label=f"system:{job.kind}", actor_id=job.actor, request_id=str(job.pk))


class Attempt:
    """A claimed job while it runs. Each stride stands under this job's record and lease, whoever runs beside it."""

    question: Any

    def __init__(self, job: Job) -> None:
        self.job = job
        self._work = Work(job.pk, job.pipeline_id, job.actor, job.attempts)
        self._ledger = ledger_of(job)
        self._lease = ExitStack()
        self._generator: Generator[Any, Any, Finish | None] | None = None

    def begin(self) -> bool:
        """Run to the end, or to the question the job asks; whether it asked."""
        return self._stride(self._call)

    def answered(self, answer: Any) -> None:
        """Go on to the end."""
        self._stride(lambda: self._step(lambda generator: generator.send(answer)))

    def failed(self, error: Exception) -> None:
        """End as if the question had raised the error."""
        self._stride(lambda: self._step(lambda generator: generator.throw(error)))

    def close(self) -> None:
        """Give the lease up, however the attempt ended."""
        self._lease.close()

    def _call(self) -> Finish | None:
        self._lease.enter_context(Lease(self.job, self._work))
        outcome = kind_named(self.job.kind).function(**loaded_args(self.job.args))
        if not isinstance(outcome, Generator):
            return outcome
        self._generator = outcome
        return self._step(next)

    def _step(self, go: Callable[[Any], Any]) -> Finish | None:
        """The generator's result; raises :class:`_Asked` when it asks instead."""
        try:
            question = go(self._generator)
        except StopIteration as end:
            result: Finish | None = end.value
            return result
        raise _Asked(question)

    def _stride(self, go: Callable[[], Finish | None]) -> bool:
        job, work, ledger = self.job, self._work, self._ledger
        with working_on(work), resumed(ledger):
            try:
                outcome = go()
                self.close()
                attempts.finish(job, outcome or Finish(), work, ledger)
            except _Asked as asked:
                self.question = asked.question
                return True
            except LeaseLost:
                self._undo()
                logger.warning("attempt %d was overtaken; its result is dropped", job.attempts, extra=self._about)
            except Exception as error:
                self._undo()
                logger.error("attempt %d of %s failed", job.attempts, job.kind, exc_info=error, extra=self._about)
                attempts.fail(job, error, work, ledger)
        return False

    def _undo(self) -> None:
        """Take back what no transaction holds (a stored file)."""
        self.close()
        for undo in reversed(self._ledger.undo):
            undo()

    @property
    def _about(self) -> dict[str, Any]:
        return {"job_id": self.job.pk}


class _Asked(Exception):
    """The job waits for the answer to its question."""

    def __init__(self, question: Any) -> None:
        self.question = question
        super().__init__()


def answer_together(asking: list[Attempt]) -> None:
    """Answer the questions of jobs of one kind at once; if that fails, each has failed, and tries again alone."""
    kind = kind_named(asking[0].job.kind)
    try:
        if kind.together is None:
            raise TypeError(f"{kind.name} asks, and nothing answers it (together=)")
        answers = kind.together([attempt.question for attempt in asking])
    except Exception as error:
        for attempt in asking:
            attempt.failed(error)
        return
    for attempt, answer in zip(asking, answers, strict=True):
        attempt.answered(answer)
