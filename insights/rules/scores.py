"""Questionnaires: a change that the published number of points calls reliable."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from insights.statements import Evidence, InsightType, Statement, Tier
from novamind import clock, display
from novamind.measures import Abstained, Window
from patients.instruments import Instrument, instrument, instruments
from patients.models import Assessment, ConsentPurpose, ConsentStream, Patient

#: For so long after the newest answers their change is still news.
HOLDS: Final = timedelta(days=28)
NEEDS: Final = ((ConsentPurpose.TREATMENT, ConsentStream.QUESTIONNAIRES),)


def statements(patient: Patient) -> Iterator[Statement]:
    """The newest score of each instrument against the one before it. One query."""
    rows = Assessment.objects.filter(patient=patient, score__isnull=False, instrument__in=instruments())
    newest: dict[str, list[Assessment]] = {}
    for row in rows.order_by("-at", "-recorded_at"):
        newest.setdefault(row.instrument, []).append(row)
    for name, found in newest.items():
        by = instrument(name)
        if len(found) > 1 and by.reliable_points and found[0].at + HOLDS > clock.now():
            last, previous = found[0], found[1]
            if abs((last.score or 0) - (previous.score or 0)) >= by.reliable_points:
                yield _of(patient, by, last, previous)


def _of(patient: Patient, by: Instrument, last: Assessment, previous: Assessment) -> Statement:
    moved = (last.score or 0) - (previous.score or 0)
    way = "higher" if moved > 0 else "lower"
    on = display.day(clock.local(previous.at, patient.tz).date())
    return Statement(
        key=f"{by.id}:{way}",
        type=InsightType.SYMPTOM,
        description=(
            f"{by.short}: {_said(by, last)}, {abs(moved)} points {way} than {_said(by, previous)} on {on}: "
            f"a reliable change, which is {by.reliable_points} points or more."
        ),
        method=f"Difference of two scores against the published reliable change ({by.reliable_source})",
        needs=NEEDS,
        tier=Tier.ACT if moved > 0 else Tier.KNOW,  # every total of the library is worse when it is higher
        strength=3.0 * abs(moved) / (by.reliable_points or 1),  # a reliable change stands beside a week of z = 3
        confidence=Abstained("not_an_estimate"),
        confidence_is="",
        window=Window(previous.at, max(last.at, previous.at)),
        expires_at=last.at + HOLDS,
        evidence=tuple(Evidence(by.id, one.at, one.score or 0, "points") for one in (previous, last)),
    )


def _said(by: Instrument, one: Assessment) -> str:
    band = by.band(one.score or 0)
    return f"{one.score} ({band})" if band else str(one.score)
