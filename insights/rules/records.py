"""What is counted or on record: days without data, questionnaires left out, changes of medication."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

import numpy as np

from insights.rules.series import FEATURES
from insights.science.own_week import LEAST_OWN, OWN_DAYS, WEEK
from insights.science.shares import LEVEL, difference
from insights.statements import Evidence, InsightType, Statement, Tier
from novamind import clock, display
from novamind.audit.recording import aggregates
from novamind.measures import Abstained, Window
from patients.models import ConsentPurpose, ConsentStream, Medication, Patient, Reminder
from twins.features import BIOMETRICS, Daily

#: Days without anything of a stream that was measured before, from which somebody should ask.
MISSING_DAYS: Final = 3
ANSWERED_DAYS: Final = 14
BEFORE_DAYS: Final = 42
#: For so long a change of medication is news.
NEWS: Final = timedelta(days=28)
COUNTED: Final = Abstained("not_an_estimate")
_TREATMENT: Final = ConsentPurpose.TREATMENT


def known_days(daily: Daily) -> dict[str, Any]:
    """Stream of a device -> (days,) bool: something of it is known."""
    found: dict[str, Any] = {}
    for (_, feature), values in zip(FEATURES.items(), daily.values, strict=True):
        if feature in BIOMETRICS.values():
            known = ~np.isnan(values)
            found[feature.stream] = found.get(feature.stream, False) | known
    return found


def data_statements(daily: Daily) -> Iterator[Statement]:
    """Streams that were measured on half of eight weeks and have stopped."""
    for stream, known in known_days(daily).items():
        before = int(np.sum(known[-(OWN_DAYS + WEEK) : -WEEK]))
        if before >= LEAST_OWN and not known[-MISSING_DAYS:].any():
            last = daily.last - timedelta(days=int(np.argmax(known[::-1])))
            yield _missing(daily, ConsentStream(stream), last, before)


def _missing(daily: Daily, stream: ConsentStream, last: date, before: int) -> Statement:
    days = (daily.last - last).days
    return Statement(
        key=f"missing:{stream}",
        type=InsightType.DATA_QUALITY,
        description=(
            f"{stream.label}: nothing known for {days} days, since {display.day(last)}; of the {OWN_DAYS} days until a "
            f"week ago {before} were known."
        ),
        method=f"Days with enough data to count; told from {MISSING_DAYS} days without any on",
        needs=((_TREATMENT, stream),),
        tier=Tier.LOOK,
        strength=float(days),
        confidence=COUNTED,
        confidence_is="",
        window=daily.window,
        expires_at=daily.window.end + timedelta(days=MISSING_DAYS),
        evidence=(Evidence(f"{stream}_days_known", daily.window.end, before, "days"),),
    )


def answer_statements(patient: Patient) -> Iterator[Statement]:
    """Whether fewer, or more, of the questions that fell due were answered than before. One query."""
    now = clock.midnight(clock.now().astimezone(patient.tz).date(), patient.tz)  # said once a day
    since, turn = now - timedelta(days=ANSWERED_DAYS + BEFORE_DAYS), now - timedelta(days=ANSWERED_DAYS)
    with aggregates():
        rows = Reminder.objects.filter(patient=patient, expires_at__gte=since, expires_at__lt=now)
        rows = rows.exclude(outcome=Reminder.Outcome.WITHHELD)
        times = list(rows.values_list("expires_at", "done_at"))
    last = [done is not None for at, done in times if at >= turn]
    before = [done is not None for at, done in times if at < turn]
    try:
        found = difference(sum(last), len(last), sum(before), len(before))
    except Abstained:
        return
    if found.found:
        yield _answered(last, before, found, Window(since, now))


def _answered(last: list[bool], before: list[bool], found: Any, window: Window) -> Statement:
    way = "higher" if found.value > 0 else "lower"
    return Statement(
        key=f"answers:{way}",
        type=InsightType.ADHERENCE,
        description=(
            f"Answered {sum(last)} of {len(last)} questions that fell due in the last {ANSWERED_DAYS} days, "
            f"{'more' if found.value > 0 else 'less'} often than {sum(before)} of {len(before)} in the "
            f"{BEFORE_DAYS} days before."
        ),
        method="Difference of two shares with its 95 % interval (Newcombe 1998, method 10)",
        needs=((_TREATMENT, ConsentStream.QUESTIONNAIRES),),
        tier=Tier.KNOW if found.value > 0 else Tier.LOOK,
        strength=10 * abs(found.value),
        confidence=LEVEL,
        confidence_is="level of the interval that leaves out no difference",
        window=window,
        expires_at=window.end + timedelta(days=MISSING_DAYS),
        evidence=(
            Evidence("answered_share", window.end, round(sum(last) / len(last), 4), "share"),
            Evidence("answered_share_before", window.start, round(sum(before) / len(before), 4), "share"),
        ),
    )


def medication_statements(patient: Patient) -> Iterator[Statement]:
    """Medicines begun, ended or dosed anew within four weeks, where the day is known. Two queries.

    What is labelled under 42 CFR Part 2 takes no part: whoever sees the chart would learn that it is there.
    """
    today = clock.now().astimezone(patient.tz).date()
    rows = Medication.objects.filter(patient=patient, entered_in_error=False, part2=False).prefetch_related("doses")
    for row in rows:
        for what, on, precision in _changes(row):
            if precision == "day" and today - NEWS < on <= today:
                yield _changed(patient, row, what, on, today)


def _changes(row: Medication) -> Iterator[tuple[str, date, str]]:
    yield "begun", row.started_on, row.started_precision or "day"
    if row.ended_on is not None:
        yield "ended", row.ended_on, row.ended_precision or "day"
    for step in row.steps()[1:]:
        yield f"changed to {step.dose.words}", step.from_on, step.from_precision or "day"


def _changed(patient: Patient, row: Medication, what: str, on: date, today: date) -> Statement:
    at = clock.midnight(on, patient.tz)
    return Statement(
        key=f"medication:{row.pk}:{what.split()[0]}:{on}",
        type=InsightType.MEDICATION,
        description=f"{row.name} was {what} on {display.day(on)}, {_ago((today - on).days)}.",
        method="As recorded in the chart",
        needs=((_TREATMENT, ConsentStream.MEDICATION),),
        tier=Tier.KNOW,
        strength=1 - (today - on) / NEWS,
        confidence=COUNTED,
        confidence_is="",
        window=Window(at, at),
        expires_at=at + NEWS,
        evidence=(Evidence("medication", at, what),),
    )


def _ago(days: int) -> str:
    return {0: "today", 1: "yesterday"}.get(days, f"{days} days ago")
