"""The people of the synthetic clinic."""

from __future__ import annotations

import time
from collections.abc import Callable

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.mfa.utils import decrypt
from django.contrib.auth.models import Group

from novamind.accounts.adapters import secrets_of
from novamind.accounts.codes import STEP_S, code_at
from novamind.accounts.models import UsedCode, User
from novamind.accounts.roles import CLINICAL_ADMIN, NURSE_PRACTITIONER, PATIENT, PSYCHIATRIST, RESEARCHER, THERAPIST

PASSWORD = "synthetic-clinic-2027"  # noqa: S105  (printed by the demo, which refuses a public address)

#: address, name, role; the first of each team leads it (see patients.demo)
PEOPLE = [
    ("ada.north@demo.novamind.test", "Dr Ada North", PSYCHIATRIST),
    ("noor.north@demo.novamind.test", "Noor Haddad, NP", NURSE_PRACTITIONER),
    ("tom.north@demo.novamind.test", "Tom Berger", THERAPIST),
    ("sam.south@demo.novamind.test", "Dr Sam Okafor", PSYCHIATRIST),
    ("ines.south@demo.novamind.test", "Inês Duarte, NP", NURSE_PRACTITIONER),
    ("admin@demo.novamind.test", "Robin Clarke", CLINICAL_ADMIN),
    ("rita@demo.novamind.test", "Rita Solberg", RESEARCHER),
    ("mara@demo.novamind.test", "Mara Ellingsen", PATIENT),
]


def seed(say: Callable[[str], None]) -> None:
    """Create the clinic's people once."""
    for email, name, role in PEOPLE:
        if User.objects.filter(email=email).exists():
            continue
        administrator = role == CLINICAL_ADMIN
        user = User.objects.create_user(email, PASSWORD, display_name=name, is_staff=administrator)
        user.groups.add(Group.objects.get(name=role))
        if role != PATIENT:  # who may sign in without a second factor
            with secrets_of(user):
                TOTP.activate(user, generate_totp_secret())
        say(f"{name}, {role}")


def logins() -> list[tuple[str, str, str]]:
    """Who may sign in to the demo: (name and role, address, password)."""
    return [(f"{name} ({role})", email, PASSWORD) for email, name, role in PEOPLE]


def code_of(email: str) -> tuple[str, int]:
    """The code this person's authenticator app would show, one not used yet, and the seconds until it counts.

    Raises
    ------
    LookupError
        Nobody of the demo has this address and an app.
    """
    authenticator = (
        Authenticator.objects.filter(user__email=email.strip().lower(), type=Authenticator.Type.TOTP)
        .select_related("user")
        .first()
    )
    if authenticator is None:
        raise LookupError(email)
    with secrets_of(authenticator.user):
        secret = decrypt(authenticator.data["secret"])
    current = int(time.time()) // STEP_S
    used = set(UsedCode.objects.filter(user=authenticator.user).values_list("step", flat=True))
    step = next(step for step in range(current, current + len(used) + 1) if step not in used)
    # One step ahead is taken too; a code further ahead counts once its step is the next.
    return code_at(secret, step), max(0, (step - 1) * STEP_S - int(time.time()))
