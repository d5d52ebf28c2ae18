"""The child that runs a job says every few seconds that it is still alive."""

from __future__ import annotations

import logging
from threading import Event, Thread
from types import TracebackType

from django.conf import settings
from django.db import DatabaseError, connection

from novamind.jobs import attempts
from novamind.jobs.models import Job
from novamind.jobs.work import Work

logger = logging.getLogger(__name__)


class Lease:
    """Renews the lease of a job while it runs, from a thread with a database connection of its own.

    When the attempt is no longer the current one, ``work.lost`` is set: the next ``step`` stops the job.
    """

    def __init__(self, job: Job, work: Work) -> None:
        self.job, self.work = job, work
        self._over = Event()
        self._thread = Thread(target=self._renew, name=f"lease-{job.pk}", daemon=True)

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _renew(self) -> None:
        try:
            while not self._over.wait(settings.JOB_RENEW_S):
                if not self._renewed():
                    self.work.lost.set()
                    return
        finally:
            connection.close()

    def _renewed(self) -> bool:
        try:
            return attempts.renew(self.job)
        except DatabaseError as error:
            # A restart of the database is survived: the lease outlasts two missed renewals.
            logger.warning("lease not renewed (%s)", type(error).__name__, extra={"job_id": self.job.pk})
            connection.close()
            return True
