"""The people of the synthetic clinic."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import Group

from novamind.accounts.models import User
from novamind.accounts.roles import CLINICAL_ADMIN, NURSE_PRACTITIONER, PSYCHIATRIST, THERAPIST

PASSWORD = "synthetic-clinic-2027"  # noqa: S105  (printed by the demo, which refuses a public address)

#: address, name, role; the first of each team leads it (see patients.demo)
PEOPLE = [
    ("ada.north@demo.novamind.test", "Dr Ada North", PSYCHIATRIST),
    ("noor.north@demo.novamind.test", "Noor Haddad, NP", NURSE_PRACTITIONER),
    ("tom.north@demo.novamind.test", "Tom Berger", THERAPIST),
    ("sam.south@demo.novamind.test", "Dr Sam Okafor", PSYCHIATRIST),
    ("ines.south@demo.novamind.test", "Inês Duarte, NP", NURSE_PRACTITIONER),
    ("admin@demo.novamind.test", "Robin Clarke", CLINICAL_ADMIN),
]


def seed(say: Callable[[str], None]) -> None:
    """Create the clinic's people once."""
    for email, name, role in PEOPLE:
        if User.objects.filter(email=email).exists():
            continue
        administrator = role == CLINICAL_ADMIN
        user = User.objects.create_user(email, PASSWORD, display_name=name, is_staff=administrator)
        user.groups.add(Group.objects.get(name=role))
        say(f"{name}, {role}")


def logins() -> list[tuple[str, str, str]]:
    """Who may sign in to the demo: (name and role, address, password)."""
    return [(f"{name} ({role})", email, PASSWORD) for email, name, role in PEOPLE]
