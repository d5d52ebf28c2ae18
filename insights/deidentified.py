"""Rows for research without the identifiers of 45 CFR 164.514(b)(2), checked once more as text: see
docs/research-export.md."""

from __future__ import annotations

import io
import secrets
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.utils.crypto import salted_hmac

from insights.cohort import DAYS, Total, allowing_all, kept_series, last_day, totals
from insights.research_columns import (
    COLUMNS,
    OLDER,
    OLDEST_TOLD,
    ORIGIN_DAYS,
    SERIES,
    codebook,
    misfits,
    version_of,
)
from novamind.accounts.models import User
from novamind.audit.exporting import csv_line
from novamind.audit.recording import aggregates, saw, unseen
from novamind.phi.detection import Identifiers, Level, find
from novamind.phi.detection.many import Matcher
from patients.identifiers import of
from patients.models import ConsentPurpose, ConsentStream, Patient

#: What is asked of every person, stream by stream, while the file is made.
PURPOSES: Final = (ConsentPurpose.TREATMENT, ConsentPurpose.RESEARCH)
STREAMS: Final = tuple(dict.fromkeys(feature.stream for feature in SERIES.values()))
#: So many days or fewer are cut from each end of a person's days: else everybody's first and last day would be those
#: of the file.
CUT_DAYS: Final = 28


class IdentifierFound(Exception):
    """The finished text holds what identifies somebody; says how often, never what."""


@dataclass(frozen=True, slots=True)
class Person:
    """One person's rows under a study id; ``patient_id`` is for the trail and stands in no row."""

    patient_id: UUID
    study_id: str
    rows: dict[str, list[list[Any]]]


@dataclass(frozen=True, slots=True)
class Deidentified:
    """The files, and who is in them."""

    content: bytes
    people: int
    rows: int


def deidentified(user: User) -> Deidentified | None:
    """The last :data:`DAYS` days of the patients in this user's regular care who allow research, as a zip; ``None``
    where nobody does.

    Who is in it is noted as seen.

    Raises
    ------
    IdentifierFound
        The last check found one: there is no file then.
    """
    with aggregates():
        mine = set(Patient.objects.changeable_by(user).order_by().values_list("pk", flat=True))
    allowed = {stream: allowing_all(mine, PURPOSES, stream) for stream in STREAMS}
    last = last_day()
    kept = kept_series(set().union(*allowed.values()), last)
    scores = _scores(allowed[ConsentStream.QUESTIONNAIRES], last)
    people = []
    known: list[Identifiers] = []
    with unseen(), aggregates():  # some have no row that is left: only who is in the file is disclosed
        for patient in Patient.objects.filter(pk__in=set(kept) | set(scores)).order_by():
            may = {stream for stream, who in allowed.items() if patient.pk in who}
            one = _person(patient, kept.get(patient.pk, {}), scores.get(patient.pk, []), may, last)
            if one is not None:
                people.append(one)
                known.append(of(patient))
    if not people:
        return None
    _check(people, known)
    for one in people:
        saw(one.patient_id)
    return _zipped(sorted(people, key=lambda one: one.study_id))


def _scores(patients: set[UUID], last: date) -> dict[UUID, list[Total]]:
    """Totals of wordings that the library has: of another one neither range nor direction is known."""
    found: dict[UUID, list[Total]] = {}
    for one in totals(patients, last):
        if one.version == version_of(one.instrument):
            found.setdefault(one.patient, []).append(one)
    return found


def cuts(patient_id: UUID) -> tuple[int, int]:
    """How many days, 0 to :data:`CUT_DAYS`, are cut from a person's beginning and end.

    The same in every file, under the secret key of the clinic: drawn anew they could be averaged out.
    """
    digest = salted_hmac("insights.research_cut", str(patient_id), algorithm="sha256").digest()
    begin, end = (int.from_bytes(part) % (CUT_DAYS + 1) for part in (digest[:8], digest[8:16]))
    return begin, end


def _person(patient: Patient, series: dict[str, Any], scores: list[Total], may: set[str], last: date) -> Person | None:
    """One person's rows, on days counted from an origin of the person's own; ``None`` where there is none."""
    study_id = secrets.token_hex(8)  # of nothing: not even who made it can make it again
    begin, end = cuts(patient.pk)
    first = last - timedelta(days=DAYS - 1)
    origin = first - timedelta(days=secrets.randbelow(ORIGIN_DAYS + 1))
    since, until = first + timedelta(days=begin), last - timedelta(days=end)
    days = [
        [study_id, (first - origin).days + at, *values]
        for at, values in enumerate(_days(series, may))
        if any(value is not None for value in values) and since <= first + timedelta(days=at) <= until
    ]
    answers = [
        [study_id, (one.on - origin).days, one.instrument, one.version, one.score]
        for one in scores
        if since <= one.on <= until
    ]
    if not days and not answers:
        return None
    age = patient.age if patient.age <= OLDEST_TOLD else OLDER
    rows = {"people.csv": [[study_id, age, patient.sex]], "days.csv": days, "questionnaires.csv": answers}
    return Person(patient.pk, study_id, rows)


def _days(series: dict[str, Any], may: set[str]) -> Iterator[list[float | None]]:
    """A row a day: each series that is allowed, to three significant digits; ``None`` where not known."""
    nothing = np.full(DAYS, np.nan)
    table = [
        series.get(name, nothing) if feature.stream in may else nothing
        for name, feature in SERIES.items()
    ]  # fmt: skip
    for values in np.array(table).T:
        yield [float(f"{value:.3g}") if np.isfinite(value) else None for value in values]


def _text(rows: Iterable[list[Any]]) -> bytes:
    return b"".join(csv_line(row) for row in rows)


def _check(people: list[Person], known: list[Identifiers]) -> None:
    """Every cell holds what its column may hold; and the words that stand in cells are searched for identifiers, of
    any kind and everybody's. Numbers are not: among so many some are a record number by chance."""
    found, words = 0, set()
    for one in people:
        for table, rows in one.rows.items():
            for row in rows:
                found += misfits(table, row)
                words |= {cell for cell in row[1:] if isinstance(cell, str)}
    found += _mentions(words, known)
    if found:
        raise IdentifierFound(f"{found} places")


def _mentions(words: Iterable[str], known: list[Identifiers]) -> int:
    everybody = Matcher(known)
    return sum(len(find(word, Level.STRICT)) + everybody.count(word) for word in words)


def _zipped(people: list[Person]) -> Deidentified:
    target, count = io.BytesIO(), 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, columns in COLUMNS.items():
            rows = [row for one in people for row in one.rows[name]]
            count += len(rows)
            archive.writestr(_entry(name), _text([list(columns), *rows]))
        archive.writestr(_entry("columns.csv"), _text(list(row) for row in codebook()))
    return Deidentified(target.getvalue(), len(people), count)


def _entry(name: str) -> zipfile.ZipInfo:
    """Of a fixed time: the file's own would date everybody's last days."""
    return zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
