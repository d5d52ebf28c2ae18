"""Statements are derived, kept, read and judged here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from insights.models import Feedback, Insight, Standing
from insights.rules import activation, records, scores, series, twin
from insights.science.own_week import OwnWeek
from insights.statements import Statement, merged
from novamind import clock
from novamind.accounts.models import User
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, note_object
from novamind.measures import Abstained
from novamind.registry.code import Code
from novamind.registry.inference import hash_of
from patients.consent import allowing
from patients.models import ConsentPurpose, ConsentStream, Medication, Patient
from twins import changes
from twins.features import Daily, allowed_streams, daily_of

#: Days of which the page says how many are known.
KNOWN_DAYS: Final = 14
#: A statement half again as strong as when it was dismissed is another one; ours.
CLEARLY: Final = 1.5
_HERE: Final = Path(__file__).parent
#: The rules, and the change test they ask.
CODE: Final = Code(_HERE / "science", _HERE / "rules", _HERE / "statements.py", *changes.CODE.files)
Pair = tuple[str, str]
Weeks = dict[str, OwnWeek | Abstained]


def derive(patient: Patient) -> Callable[[], Standing]:
    """What can be said of a patient now, computed outside any transaction; gives back what writes it."""
    allowed = allowed_streams(patient, (ConsentPurpose.TREATMENT,))
    daily = daily_of(patient, days=series.SPAN, allowed=allowed)
    weeks = series.own_weeks(daily)
    left = series.departures(daily)
    changed = list(series.statements(daily, left, weeks))
    found = [
        *changed,
        *activation.statements(changed),
        *records.data_statements(daily),
        *twin.statements(
            patient, daily, lately_turned=series.turned_within(twin.FORECAST_OF, daily, left, weeks, twin.USUAL_DAYS)
        ),
    ]
    if ConsentStream.QUESTIONNAIRES in allowed:
        found += [*scores.statements(patient), *records.answer_statements(patient)]
    if ConsentStream.MEDICATION in allowed:
        found += records.medication_statements(patient)
    gone = [name for name, one in left.items() if one.get("changed")]
    return partial(_store, patient, daily, weeks, gone, merged(found))


def _store(patient: Patient, daily: Daily, weeks: Weeks, left: list[str], found: list[Statement]) -> Standing:
    """In the caller's transaction: the standing, what is new, and the end of what is no longer so."""
    standing = _keep_standing(patient, daily, weeks, left)
    now = clock.now()
    held = {row.key: row for row in Insight.objects.filter(patient=patient, ended_at__isnull=True)}
    for statement in found:
        row = held.pop(statement.key, None)
        living = row if row is not None and row.expires_at > now else None
        if living is not None and living.digest == statement.digest:
            living.expires_at = statement.expires_at
            living.save(update_fields=["expires_at"])
            continue
        if row is not None:
            _end(row, now)
        _add(patient, statement, standing, living)
    for row in held.values():
        _end(row, now)
    return standing


def _keep_standing(patient: Patient, daily: Daily, weeks: Weeks, left: list[str]) -> Standing:
    known = records.known_days(daily)
    found = {
        "series": {name: one.as_json() if isinstance(one, Abstained) else asdict(one) for name, one in weeks.items()},
        "left": left,
        "known": {stream: int(days[-KNOWN_DAYS:].sum()) for stream, days in known.items()},
    }
    said = {
        "found": found,
        "window_start": daily.window.start,
        "window_end": daily.window.end,
        "input_hash": hash_of(daily.values),
        "code_version": CODE.version,
        "computed_at": clock.now(),
    }
    # Locked until the caller's transaction ends: of two jobs of a patient the second waits.
    standing = Standing.objects.select_for_update().filter(patient=patient).first() or Standing(patient=patient)
    for name, value in said.items():
        setattr(standing, name, value)
    standing.save()
    note_object(EventType.CLINICAL_DECISION_SUPPORT, "insights.Standing", standing.pk)
    return standing


def _end(row: Insight, now: datetime) -> None:
    row.ended_at = now
    row.save(update_fields=["ended_at"])


def _add(patient: Patient, one: Statement, standing: Standing, earlier: Insight | None) -> None:
    Insight.objects.create(
        patient=patient, key=one.key, insight_type=one.type, said=one.as_json(), digest=one.digest,
        needs=[list(pair) for pair in one.needs], tier=one.tier, strength=one.strength,
        confidence=None if isinstance(one.confidence, Abstained) else one.confidence,
        window_start=one.window.start, window_end=one.window.end, input_hash=standing.input_hash,
        code_version=standing.code_version, record_id=one.record_id, expires_at=one.expires_at,
        dismissed=earlier is not None and _stays_dismissed(earlier, one),
        first_said_at=earlier.first_said_at if earlier else clock.now(),
    )  # fmt: skip


def _stays_dismissed(earlier: Insight, one: Statement) -> bool:
    """Whether a statement is still the one that was put away: asks for no more, and is not clearly stronger.

    It is held against the row that was dismissed, not against yesterday's, or a slow worsening would never be said.
    """
    if not earlier.dismissed:
        return False
    said = Feedback.objects.filter(
        patient=earlier.patient_id, insight__key=earlier.key, verdict=Feedback.Verdict.DISMISSED
    )
    last = said.select_related("insight").order_by("-at").first()
    put_away = last.insight if last else earlier
    return one.tier <= put_away.tier and one.strength < CLEARLY * put_away.strength


def still_allowed(rows: Iterable[Insight]) -> list[Insight]:
    """Those of which the patient allows everything they rest on now: a query for each purpose and stream among them."""
    them = list(rows)
    wanted: dict[Pair, set[UUID]] = {}
    for row in them:
        for purpose, stream in row.needs:
            wanted.setdefault((purpose, stream), set()).add(row.patient_id)
    yes = {pair: allowing(patients, *pair) for pair, patients in wanted.items()}
    told = courses_told(them)
    return [
        row
        for row in them
        if all(row.patient_id in yes[purpose, stream] for purpose, stream in row.needs)
        and (row.key not in told or told[row.key])
    ]


def courses_told(rows: list[Insight]) -> dict[str, bool]:
    """Of statements on a medicine, whether its course may still be told: it may since be labelled under 42 CFR Part 2,
    or have been entered in error."""
    courses = {row.key: UUID(row.key.split(":")[1]) for row in rows if row.key.startswith("medication:")}
    if not courses:
        return {}
    with aggregates():
        fine = Medication.objects.filter(pk__in=courses.values(), part2=False, entered_in_error=False)
        tellable = set(fine.order_by().values_list("pk", flat=True))
    return {key: course in tellable for key, course in courses.items()}


def insights_of(patient: Patient, *, dismissed: bool = False) -> list[Insight]:
    """What holds of one patient now and may be shown, the first to be read first."""
    return still_allowed(Insight.objects.holding().filter(patient=patient, dismissed=dismissed).ranked())


def insights_within(patient: Patient, since: datetime) -> list[Insight]:
    """What holds now and may be shown, as :func:`insights_of`; then, of what has ended or expired since, the newest of
    each key that holds no more."""
    holding = insights_of(patient)
    rows = Insight.objects.over_since(since).filter(patient=patient, dismissed=False).order_by("-generated_at")
    # One that is put away holds too: its earlier versions are not what has ended.
    with aggregates():
        still = set(Insight.objects.holding().filter(patient=patient).values_list("key", flat=True))
    newest: dict[str, Insight] = {}
    for row in rows:
        if row.key not in still:
            newest.setdefault(row.key, row)
    return holding + still_allowed(newest.values())


def standing_of(patient: Patient) -> tuple[Standing | None, set[str]]:
    """The last week against the patient's own, and the streams of it that may be shown."""
    return Standing.objects.filter(patient=patient).first(), allowed_streams(patient, (ConsentPurpose.TREATMENT,))


def give_feedback(insight: Insight, *, by: User, verdict: str) -> Insight:
    """Say what a statement was worth, or put it away until it ends or gets worse; newer ones of its key too."""
    said = Feedback.Verdict(verdict)
    with transaction.atomic():
        Feedback.objects.create(patient_id=insight.patient_id, insight=insight, verdict=said, by=by)
        if said in (Feedback.Verdict.DISMISSED, Feedback.Verdict.RESTORED):
            held = Insight.objects.select_for_update().filter(patient=insight.patient_id, key=insight.key)
            for row in held.filter(ended_at__isnull=True):
                row.dismissed = said == Feedback.Verdict.DISMISSED
                row.save(update_fields=["dismissed"])
    note_object(EventType.MODIFICATION, "insights.Insight", insight.pk)
    return insight


def stale_patients(today: datetime) -> list[UUID]:
    """Whoever has not been looked at since midnight, UTC, or has no kept days: the rule of the nightly job."""
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0)
    with aggregates():
        living = Patient.objects.filter(disposed_at__isnull=True).exclude(
            standing__computed_at__gte=midnight, day_values__isnull=False
        )
        return sorted(living.order_by().values_list("pk", flat=True))


def said_of(row: Insight) -> dict[str, Any]:
    """The sealed part of a statement, with its confidence or why it has none."""
    said: dict[str, Any] = row.said
    why = said["no_confidence"]
    return said | {"why_no_confidence": Abstained.from_json(why) if why else None}
