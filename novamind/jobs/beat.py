"""Celery's beat, reduced to one entry that runs in its own process: the tick needs no broker and no free worker."""

from __future__ import annotations

import logging
from typing import Any

from celery.beat import Scheduler
from django.db import close_old_connections

from novamind.jobs.tick import tick

logger = logging.getLogger(__name__)


class TickScheduler(Scheduler):
    """Calls the tick where other schedulers send a message; a tick message nobody takes would pile up."""

    producer = None  # Celery's own would wait here until the broker is back

    def install_default_entries(self, data: Any) -> None:
        """No entries but ours."""

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        close_old_connections()
        try:
            tick()
        except Exception as error:  # the database may be restarting; the next tick tries again
            logger.error("tick failed (%s)", type(error).__name__, exc_info=True)
        finally:
            close_old_connections()
