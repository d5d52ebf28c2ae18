"""``manage.py phi_audit``: look for patients' identifiers where none may stand; exit 1 when some are found."""

from __future__ import annotations

import sys
from typing import Any

from novamind.audit.commands import WatchedCommand
from patients.identifiers import scan_everything


class Command(WatchedCommand):
    """Counts per place; what was found is never printed."""

    help = "Search columns, sessions, caches, file names and logs for identifiers of any patient."

    def handle(self, *args: Any, **options: Any) -> None:
        done = scan_everything()
        seconds = (done.finished_at - done.started_at).total_seconds()
        self.stdout.write(
            f"{done.patients} patients ({done.unreadable} unreadable), {done.characters} characters, {seconds:.1f} s"
        )
        for place, count in sorted(done.findings.items()):
            self.stdout.write(f"  {place}: {count}")
        if done.findings:
            sys.exit(1)
        self.stdout.write("  nothing found")
