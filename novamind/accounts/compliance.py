"""What this app can say of its own safety, counted now."""

from __future__ import annotations

import os
from collections.abc import Iterator

from django.conf import settings

from novamind.accounts.models import DeviceToken, User
from novamind.accounts.roles import CLINICAL_ADMIN
from novamind.accounts.second_factor import is_required_of, is_set_up_by
from novamind.frame import Check


def checks() -> Iterator[Check]:
    """Second factors, passwords, and tokens of devices nobody ended."""
    staff = [user for user in User.objects.filter(is_active=True).prefetch_related("groups") if is_required_of(user)]
    without = sum(not is_set_up_by(user) for user in staff)
    yield Check(
        "second_factor",
        "Everybody who must have a second factor has one",
        "fails" if without else "holds",
        f"{len(staff) - without} of {len(staff)} active accounts",
        "Remind those without; nothing opens for them meanwhile. Close accounts that are not used.",
        CLINICAL_ADMIN,
        due_days=14,
    )
    breached = settings.BREACHED_PASSWORDS_FILE
    readable = bool(breached) and os.access(breached, os.R_OK)
    yield Check(
        "breached_passwords",
        "New passwords are compared with breached ones",
        "holds" if readable else "fails" if breached else "not configured",
        f"a list of {os.path.getsize(breached):,} bytes" if readable else "no list that can be read",
        "Put a sorted list of SHA-1 digests where BREACHED_PASSWORDS_FILE says.",
        CLINICAL_ADMIN,
        due_days=90,
    )
    alive = DeviceToken.objects.alive()
    orphaned = alive.filter(user__is_active=False).count()
    unused = alive.filter(last_used_at=None).count()
    yield Check(
        "device_tokens",
        "No device of a closed account holds a token that counts",
        "fails" if orphaned else "holds",
        f"{orphaned} of {alive.count()} tokens in force; {unused} were never used",
        "End them on the patient's page of devices.",
        CLINICAL_ADMIN,
        due_days=1,
    )
