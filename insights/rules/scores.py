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
#: Within so long before it the newest score is held against the best: three months, ours.
BEST_OF: Final = timedelta(days=90)
NEEDS: Final = ((ConsentPurpose.TREATMENT, ConsentStream.QUESTIONNAIRES),)


def statements(patient: Patient) -> Iterator[Statement]:
    """The newest score of each instrument against the one before it, or the best of the last months. One query."""
    rows = Assessment.objects.filter(patient=patient, score__isnull=False, instrument__in=instruments())
    newest: dict[str, list[Assessment]] = {}
    for row in rows.order_by("-at", "-recorded_at"):
        newest.setdefault(row.instrument, []).append(row)
    for name, (last, *earlier) in newest.items():
        by = instrument(name)
        if earlier and by.reliable_points and last.at + HOLDS > clock.now():
            other = _moved_from(by, last, earlier)
            if other is not None:
                yield _of(patient, by, last, other)


def _moved_from(by: Instrument, last: Assessment, earlier: list[Assessment]) -> Assessment | None:
    """From which score the newest is a reliable change: the one before, or, where small steps for the worse add up, the
    best of the last 90 days."""
    previous, points = earlier[0], by.reliable_points or 0
    if abs(_worse_by(by, last, previous)) >= points:
        return previous
    lately = [one for one in earlier if one.at >= last.at - BEST_OF]
    best = max(lately, key=lambda one: _worse_by(by, last, one), default=None)
    if best is None or _worse_by(by, last, previous) < 0 or _worse_by(by, last, best) < points:
        return None
    return best


def _worse_by(by: Instrument, last: Assessment, other: Assessment) -> int:
    """Points by which the newer score is worse; negative where it is better."""
    moved = (last.score or 0) - (other.score or 0)
    return moved if by.reliable_worse == "higher" else -moved


def _of(patient: Patient, by: Instrument, last: Assessment, previous: Assessment) -> Statement:
    moved = (last.score or 0) - (previous.score or 0)
    way = "higher" if moved > 0 else "lower"
    on = display.day(clock.local(previous.at, patient.tz).date())
    return Statement(
        key=f"{by.id}:{way}:{last.pk}",  # new answers are news, whatever was dismissed before
        type=InsightType.SYMPTOM,
        description=(
            f"{by.short}: {_said(by, last)}, {abs(moved)} points {way} than {_said(by, previous)} on {on}: "
            f"a reliable change, which is {by.reliable_points} points or more."
        ),
        method=f"Difference of two scores against the published reliable change ({by.reliable_source})",
        needs=NEEDS,
        tier=Tier.ACT if way == by.reliable_worse else Tier.KNOW,
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
