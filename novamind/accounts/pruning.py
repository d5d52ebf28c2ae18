"""What signing in leaves behind and nobody needs: who signed in when stands in the audit trail."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.sessions.models import Session

from novamind.accounts.models import SignIn, TokenFamily
from novamind.clock import now

KEPT = timedelta(days=30)


def prune() -> int:
    """Delete sign-ins, token families and sessions that have been over for a month; how many rows."""
    before = now() - KEPT
    old = [
        SignIn.objects.filter(started_at__lt=before),
        TokenFamily.objects.filter(started_at__lt=before),
        Session.objects.filter(expire_date__lt=now()),
    ]
    return sum(rows.delete()[0] for rows in old)
