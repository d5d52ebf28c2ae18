"""The one Celery task: a message says which row to look at."""

import logging
from uuid import UUID

from django.db import close_old_connections

from novamind.celery import app
from novamind.jobs.runner import run_job
from novamind.jobs.sending import TASK

logger = logging.getLogger(__name__)


@app.task(name=TASK)
def run(job_id: str) -> None:
    """Run the job, if it is free. Never raises: Celery would write the error's text to the log."""
    try:
        close_old_connections()  # one that is too old, or that a restart of the server has broken
        run_job(UUID(job_id))
    except Exception as error:  # the database is away, or the row could not be ended; the tick tries again
        logger.error("job could not be handled (%s)", type(error).__name__, extra={"job_id": job_id})
