"""What a draft may say of a patient: facts with ids, as far as the patient allows, nothing labelled 42 CFR Part 2."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from insights.models import Insight
from insights.notes.checking import MOST_CHARACTERS, Fact
from insights.notes.reading import MARKUP, ORDERS, has_hidden_signs, sentences_of
from insights.rules.series import FEATURES
from insights.science.own_week import WEEK
from insights.services import insights_of, said_of, standing_of
from insights.statements import InsightType
from novamind import clock, display
from novamind.audit.recording import aggregates
from patients.consent import allowing
from patients.instruments import SafetyState, instrument, instruments
from patients.models import (
    Alert,
    AlertKind,
    Assessment,
    CheckIn,
    ConsentPurpose,
    ConsentStream,
    Medication,
    Patient,
)
from patients.reports.safety import WORDS
from twins.departures import amount
from twins.features import BIOMETRICS

#: Texts of patients are told of so many days, the newest ones first, and so many at most.
TEXT_DAYS: Final = 28
TEXTS: Final = 10
#: Answers of a questionnaire are told while they are younger.
ANSWERS: Final = timedelta(days=180)
MOST: Final = 80
_T: Final = ConsentPurpose.TREATMENT
QUESTIONNAIRES: Final = ((_T, ConsentStream.QUESTIONNAIRES),)
MEDICATION: Final = ((_T, ConsentStream.MEDICATION),)


@dataclass(frozen=True, slots=True)
class Gathered:
    """``left_out``: texts that read like orders to a program or hold markup, and are in no draft and no prompt."""

    facts: tuple[Fact, ...]
    left_out: int


def gather(patient: Patient, *, outside: bool) -> Gathered:
    """Everything a draft may say now. ``outside``: for a model outside the clinic, which the patient must allow for
    each stream as well."""
    texts, left_out = _texts(patient)
    found = [*_series(patient), *_changes(patient), *_answers(patient), *_treatment(patient), *_alerts(patient), *texts]
    kept = [fact for fact in found if _allowed(patient, fact, outside)][:MOST]
    numbered = tuple(replace(fact, id=f"F{number}") for number, fact in enumerate(kept, 1))
    return Gathered(numbered, left_out)


def _allowed(patient: Patient, fact: Fact, outside: bool) -> bool:
    """Whether the patient allows every use of everything it rests on; a fact without a stream is nobody's to tell."""
    wanted = {pair for pair in fact.needs} | {
        (ConsentPurpose.EXTERNAL_MODEL, stream) for _, stream in fact.needs if outside
    }
    return bool(wanted) and all(allowing([patient.pk], *pair) for pair in sorted(wanted))


def _series(patient: Patient) -> Iterator[Fact]:
    """The last week of each series against the usual, where both are known."""
    standing, allowed = standing_of(patient)
    if standing is None:
        return
    for name, feature in FEATURES.items():
        one = standing.found["series"].get(name, {"abstained": ""})
        if "abstained" in one or feature.stream not in allowed:
            continue
        yield Fact(
            id="", kind="measured" if name in BIOMETRICS else "answers",
            words=f"{feature.label}: {amount(name, one['value'])} over the last {WEEK} days; the usual is "
                  f"{amount(name, one['usual'])}.",
            needs=((_T, feature.stream),), value=one["value"], unit=feature.unit, source=str(standing.pk),
            start=standing.window_start.isoformat(), end=standing.window_end.isoformat(),
        )  # fmt: skip


def _changes(patient: Patient) -> Iterator[Fact]:
    """What has changed, as the Brief says it; medicines are told from the chart itself."""
    for row in insights_of(patient):
        words = said_of(row)["description"]
        if row.insight_type == InsightType.MEDICATION or MARKUP.search(words):
            continue
        yield Fact(
            id="", kind="changes", words=words, needs=_needs(row), source=str(row.record_id or row.pk),
            start=row.window_start.isoformat(), end=row.window_end.isoformat(),
        )  # fmt: skip


def _needs(row: Insight) -> tuple[tuple[str, str], ...]:
    return tuple((purpose, stream) for purpose, stream in row.needs)


def _answers(patient: Patient) -> Iterator[Fact]:
    """The newest score of each questionnaire, and what was said there of self-harm, in the program's own words."""
    rows = Assessment.objects.filter(
        patient=patient, instrument__in=instruments(), at__gt=clock.now() - ANSWERS
    ).order_by("-at", "-recorded_at")
    newest: dict[str, Assessment] = {}
    for row in rows:
        newest.setdefault(row.instrument, row)
    for name, row in sorted(newest.items()):
        by, on = instrument(name), display.day(clock.local(row.at, patient.tz).date())
        about: dict[str, Any] = {
            "id": "", "needs": QUESTIONNAIRES, "start": row.at.isoformat(), "end": row.at.isoformat(),
            "source": str(row.pk),
        }  # fmt: skip
        if row.score is not None:
            band = by.band(row.score)
            words = f"{by.short}: {row.score}{f' ({band})' if band else ''} on {on}."
            yield Fact(kind="answers", words=words, value=row.score, unit="points", **about)
        state = SafetyState(row.result["safety"]["state"])
        if state != SafetyState.NOT_ASKED:
            yield Fact(kind="safety", words=f"{by.short} on {on}: {WORDS[state]}.", **about)


def _alerts(patient: Patient) -> Iterator[Fact]:
    """Alerts about self-harm that are not done."""
    for row in Alert.objects.unresolved().filter(patient=patient, kind=AlertKind.SELF_HARM):
        on = display.day(clock.local(row.raised_at, patient.tz).date())
        yield Fact(
            id="", kind="safety", words=f"An alert about self-harm was raised on {on} and is not marked as done.",
            needs=QUESTIONNAIRES, start=row.raised_at.isoformat(), end=row.raised_at.isoformat(),
        )  # fmt: skip


def _treatment(patient: Patient) -> Iterator[Fact]:
    """Medicines taken now that the catalogue knows; a name that somebody typed is a text, and is not told here."""
    today = clock.now().astimezone(patient.tz).date()
    for row in _courses(patient.pk).prefetch_related("doses"):
        if row.coded is None or row.state_on(today) != "current":
            continue
        begun = [step for step in row.steps() if step.from_on <= today]
        dose = f", {begun[-1].dose.words}" if begun else ""
        yield Fact(
            id="", kind="treatment", words=f"{row.coded.name}{dose}, since {row.started.words}.", needs=MEDICATION,
            source=str(row.pk), start=row.started_on.isoformat(), end=today.isoformat(),
        )  # fmt: skip


def _courses(patient_id: Any) -> Any:
    return Medication.objects.filter(patient=patient_id, part2=False, entered_in_error=False)


def taken_back(facts: Iterable[Fact], patient_id: Any) -> set[str]:
    """Ids of those of these facts whose course was labelled 42 CFR Part 2, or entered in error, since it was told."""
    told = [fact for fact in facts if fact.kind == "treatment"]
    if not told:
        return set()
    with aggregates():
        held = {str(pk) for pk in _courses(patient_id).values_list("pk", flat=True)}
    return {fact.id for fact in told if fact.source not in held}


def _texts(patient: Patient) -> tuple[list[Fact], int]:
    """What the patient wrote with check-ins, a sentence a fact; and how many texts were left out whole."""
    since = clock.now() - timedelta(days=TEXT_DAYS)
    rows = (
        CheckIn.objects.current()
        .filter(patient=patient, at__gt=since)
        .filter(note__isnull=False)
        .order_by("-at")[:TEXTS]
    )
    found: list[Fact] = []
    left_out = 0
    for row in rows:
        text = str(row.note or "")
        if MARKUP.search(text) or ORDERS.search(text) or has_hidden_signs(text.replace("\r", " ")):
            left_out += 1
            continue
        for one in sentences_of(" ".join(text.translate(_QUOTES).split())):
            words = f"The patient wrote on {display.day(row.day)}: “{one}”"
            if len(words) <= MOST_CHARACTERS:
                found.append(
                    Fact(
                        id="", kind="text", words=words, needs=QUESTIONNAIRES, trusted=False,
                        start=row.day.isoformat(), end=row.day.isoformat(),
                    )
                )  # fmt: skip
    return found, left_out


#: Quotation marks of a quoted text are single ones.
_QUOTES: Final = str.maketrans(dict.fromkeys('“”„«»"', "'"))
