"""``manage.py verify_audit``: whether the audit trail is what it was; exit 1 when not."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings

from novamind.audit.commands import WatchedCommand
from novamind.audit.verifying import verify

SHOWN = 50


class Command(WatchedCommand):
    """Walks the chain of seals and compares it with the anchors outside."""

    help = "Verify the chain of seals over the audit trail and its anchors."

    def handle(self, *args: Any, **options: Any) -> None:
        check, found = verify()
        self.stdout.write(f"{check.events} events, {check.seals} seals")
        if not settings.AUDIT_ANCHOR_URL:
            self.stdout.write("no anchors: AUDIT_ANCHOR_URL is not set, so a tail that was cut off is not seen")
        for finding in found[:SHOWN]:
            self.stdout.write(f"  {finding.what}")
        if found:
            self.stdout.write(f"{len(found)} findings")
            sys.exit(1)
        self.stdout.write("the chain holds")
