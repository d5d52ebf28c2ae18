"""Who may see whom, the patient list and the search among 10,000 patients (PostgreSQL)."""

from __future__ import annotations

import gc
from datetime import date, timedelta
from typing import Any

import numpy as np

from benchmarks.figures import Figure, seconds
from benchmarks.throwaway import postgres_clinic, signed_in

PATIENTS, OWN = 10_000, 300
PRIMARY_KEYS = "the same rows by primary key"
BARE = "the same texts fetched and decrypted, nothing else"
FIRST = (
    "Ada",
    "Bo",
    "Chidi",
    "Dana",
    "Eli",
    "Fatou",
    "Gus",
    "Hana",
    "Ines",
    "Jon",
    "Kari",
    "Lou",
    "Mia",
    "Noor",
    "Omar",
)
LAST = ("Berg", "Diaz", "Eide", "Frost", "Garcia", "Holm", "Ito", "Jansen", "Khan", "Lind", "Moen", "Novak", "Okafor")


def measure() -> list[Figure]:
    """A clinician of 300 patients, and one of all 10,000."""
    with postgres_clinic():
        few, all_of_them = _clinic()
        return [*_figures(few, OWN), *_figures(all_of_them, PATIENTS)]


def _figures(user: Any, number: int) -> list[Figure]:
    from django.urls import reverse

    from novamind.phi import cipher
    from novamind.phi.keys import engine_by_number, forget_keys, let_keys_age
    from patients.models import Patient
    from patients.services import find_patients

    keys = list(Patient.objects.visible_to(user).values_list("pk", flat=True))
    assert len(keys) == number
    client = signed_in(user)

    def page() -> None:
        assert client.get(reverse("patients:list")).status_code == 200

    def search() -> None:
        assert client.post(reverse("patients:search"), {"q": "Novak"}).status_code in {200, 302}

    rows = Patient.objects.visible_to(user).order_by().values_list("pk", "search_text")
    engines = {cipher.key_number(sealed): engine_by_number(cipher.key_number(sealed)) for _, sealed in rows}

    def bare() -> None:
        for pk, sealed in rows.all():
            bound = b"|".join([sealed[:5], b"patients_patient", b"search_text", pk.bytes])
            engines[int.from_bytes(sealed[1:5], "big")].decrypt(sealed[5:17], sealed[17:], bound)

    def cold() -> None:
        forget_keys()
        find_patients(user, "Novak", at_most=50)

    def idle() -> None:
        let_keys_age()
        find_patients(user, "Novak", at_most=50)

    gc.collect()
    gc.freeze()  # as the web process does when it has started
    times = seconds(
        lambda: list(Patient.objects.visible_to(user).values_list("pk", flat=True)),
        lambda: list(Patient.objects.filter(pk__in=keys).values_list("pk", flat=True)),
        lambda: Patient.objects.visible_to(user).filter(pk=keys[0]).exists(),
        page,
        search,
        lambda: find_patients(user, "Novak", at_most=50),
        bare,
        idle,
        cold,
        times=9,
    )
    visible, by_key, single, listed, searched, found, least, aged, unread = times

    def ms(
        name: str,
        took: tuple[float, float],
        limit: float | None = None,
        target_ms: float = 0.0,
        of: str = PRIMARY_KEYS,
    ) -> Figure:
        best, median = (1e3 * s for s in took)
        return Figure(
            f"{name}, {number} of {PATIENTS} patients", best, median, "ms",
            None if limit is None else took[0] / limit, "" if limit is None else of,
            f"<= {target_ms:g} ms" if target_ms else "", best <= target_ms if target_ms else None,
        )  # fmt: skip

    return [
        ms("visible_to, keys", visible, by_key[0]),
        ms("visible_to, one patient", single),
        ms("list page", listed, target_ms=200.0),
        ms("search page by surname", searched, target_ms=200.0),
        ms("search by surname, service alone", found, least[0], 200.0, BARE),
        ms("the same after five idle minutes", aged, least[0], 200.0, BARE),
        ms("the same with no key in memory", unread, least[0], of=BARE),
    ]


def _clinic() -> tuple[Any, Any]:
    """10,000 patients, of whom one clinician's team cares for 300 and another's for all."""
    from django.contrib.auth.models import Group
    from django.db import connection, transaction

    from novamind.accounts.models import User
    from patients.models import CareAssignment, CareTeam, Membership, Patient
    from patients.services import create_patient, sync_team_grants

    rng = np.random.default_rng(0)
    with transaction.atomic():
        people = [
            create_patient(
                by=None,
                first_name=FIRST[rng.integers(len(FIRST))],
                last_name=LAST[rng.integers(len(LAST))],
                date_of_birth=date(1940, 1, 1) + timedelta(days=int(rng.integers(25_000))),
                mrn=f"SYN-{number:05d}",
            )
            for number in range(PATIENTS)
        ]
    users = []
    for name, cared_for in (("few", people[:OWN]), ("all", people)):
        user = User.objects.create_user(f"{name}@benchmark.test", "benchmark", display_name=name)
        user.groups.add(Group.objects.get(name="psychiatrist"))
        team = CareTeam.objects.create(name=name)
        Membership.objects.create(team=team, user=user)
        CareAssignment.objects.bulk_create([CareAssignment(team=team, patient=patient) for patient in cared_for])
        users.append(user)
    sync_team_grants()
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {Patient._meta.db_table}")
        cursor.execute("ANALYZE")
    return users[0], users[1]
