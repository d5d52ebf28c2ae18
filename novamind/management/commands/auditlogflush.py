"""``manage.py auditlogflush``: django-auditlog's own would remove every field difference; ours keeps six years."""

from __future__ import annotations

from typing import Any

from auditlog.management.commands.auditlogflush import Command as Flush
from django.core.management.base import CommandError

from novamind.audit.commands import WatchedCommand
from novamind.audit.retention import TooYoung, require_kept


class Command(WatchedCommand, Flush):
    """Stands before django-auditlog's: this app is the first of the installed ones."""

    help = "Remove field differences older than six years (--before-date). Events of the trail are never removed."

    def handle(self, *args: Any, **options: Any) -> Any:
        try:
            require_kept(None if options["truncate"] else options["before_date"])
        except TooYoung as why:
            raise CommandError(str(why)) from None
        return super().handle(*args, **options)
