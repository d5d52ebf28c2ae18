"""What every command of ours inherits: patients' records are touched on record, or it is told."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from novamind.audit.recording import watched


class WatchedCommand(BaseCommand):
    """A command that reads or writes charts opens a ledger (``recorded()``); what it touches without one is told."""

    def execute(self, *args: Any, **options: Any) -> Any:
        with watched():
            return super().execute(*args, **options)
