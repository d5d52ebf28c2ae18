"""What audit and encryption cost a patient's page: the same page with and without them, turn by turn.

"Without" replaces functions in this process only; Novamind has no such switch.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import date
from typing import Any
from unittest.mock import patch

from benchmarks.figures import Figure
from benchmarks.recordings import synthetic
from benchmarks.throwaway import postgres_clinic, signed_in

TURNS, WARM, DAYS, TARGET = 30, 2, 28, 15.0
ALL = "audit and encryption"
#: Seconds by the clock, and of this process's processor.
Took = tuple[float, float]


def measure() -> list[Figure]:
    """The share of each in the time of the Actigraphy page, per cent: the median of the pairs."""
    with postgres_clinic():
        client, chart = _chart()
        as_is, *less = _turns(_opening(client, f"{chart}actigraphy/"))
    seconds = [taken for taken, _ in as_is]
    whole = Figure(f"Actigraphy page, {DAYS} days", 1e3 * min(seconds), 1e3 * statistics.median(seconds), "ms")
    return [whole, *(figure for name, took in zip(WITHOUT, less, strict=True) for figure in _shares(name, as_is, took))]


def _shares(name: str, as_is: list[Took], less: list[Took]) -> list[Figure]:
    figures = []
    for clock, what in enumerate(("time", "processor time of the web server")):
        pairs = sorted(1 - without[clock] / page[clock] for page, without in zip(as_is, less, strict=True))
        share = 100 * statistics.median(pairs)
        aim = {"target": f"<= {TARGET:g} %", "met": share <= TARGET} if name == ALL else {}
        figures.append(Figure(f"{name}, share of {what}", share, share, "%", **aim))  # type: ignore[arg-type]
    return figures


def _turns(page: Callable[[], None]) -> list[list[Took]]:
    """Both times of the page as it is, then without each of WITHOUT; the order rotates: none is always first."""
    ways: list[Callable[[], AbstractContextManager[Any]]] = [nullcontext, *WITHOUT.values()]
    took: list[list[Took]] = [[] for _ in ways]
    for turn in range(TURNS + WARM):
        for place in range(len(ways)):
            at = (place + turn) % len(ways)
            with ways[at]():
                begun = time.perf_counter(), time.process_time()
                page()
                taken = time.perf_counter() - begun[0], time.process_time() - begun[1]
            if turn >= WARM:
                took[at].append(taken)
    return took


def _opening(client: Any, address: str) -> Callable[[], None]:
    def page() -> None:
        assert client.get(address).status_code == 200

    return page


def _chart() -> tuple[Any, str]:
    from django.conf import settings
    from django.contrib.auth.models import Group

    from actigraphy.services import ingest_recording
    from novamind.accounts.models import User
    from novamind.jobs.runner import run_waiting
    from novamind.phi.uploads import sealed_upload
    from patients.models import CareTeam
    from patients.services import create_patient, join_team

    user = User.objects.create_user("a@benchmark.test", "benchmark", display_name="A")
    user.groups.add(Group.objects.get(name="psychiatrist"))
    team = CareTeam.objects.create(name="a")
    join_team(team=team, user=user)
    born = date(1980, 1, 1)
    patient = create_patient(by=user, first_name="Ada", last_name="Berg", date_of_birth=born, mrn="1", phone="22000000")
    ingest_recording(patient=patient, upload=sealed_upload(synthetic(DAYS), "a.awd"), by=user, device_type="actiwatch")
    run_waiting()
    settings.RATE_LIMITING_ENABLED = False  # nobody opens so many pages a minute
    return signed_in(user), f"/patients/{patient.pk}/"


@contextmanager
def _without_everything() -> Iterator[None]:
    with _without_event(), _without_oracle(), _without_decryption():
        yield


@contextmanager
def _without_event() -> Iterator[None]:
    with patch("novamind.audit.middleware.write_event", lambda *args, **facts: None):
        yield


@contextmanager
def _without_oracle() -> Iterator[None]:
    """Nothing reads statements, no row notes whose it is."""
    from django.db import connection

    from novamind.audit import records

    nothing = patch.multiple(records, saw=lambda owner: None, unattributed=lambda what: None)
    with nothing, patch.object(connection, "execute_wrappers", []):
        yield


@contextmanager
def _without_decryption() -> Iterator[None]:
    """Values open at the price of finding them in a dictionary, as if the column held them in clear."""
    from novamind.phi import cipher, fields

    def known(stored: bytes, **where: Any) -> bytes:
        if stored not in _OPENED:
            _OPENED[stored] = cipher.decrypt(stored, **where)
        return _OPENED[stored]

    with patch.object(fields, "cipher", _Cipher(cipher, known)):
        yield


class _Cipher:
    """The module of that name, with another ``decrypt``."""

    def __init__(self, module: Any, decrypt: Callable[..., bytes]) -> None:
        self.encrypt, self.decrypt = module.encrypt, decrypt


_OPENED: dict[bytes, bytes] = {}

WITHOUT: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    ALL: _without_everything,
    "the audit event": _without_event,
    "the completeness check": _without_oracle,
    "decrypting fields": _without_decryption,
}
