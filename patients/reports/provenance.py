"""Where a score comes from: the instrument and its version, the rule, every item and its points, the sources."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from novamind import clock, display
from novamind.measures import Abstained
from patients.consent import allows
from patients.instruments import SOURCED, Instrument, instrument, instruments
from patients.models import Assessment, ConsentPurpose, ConsentStream, Patient
from patients.reports.pages import score_of, told_by


def provenance_of(record_id: UUID, user: Any, number: str) -> dict[str, Any] | None:
    """The page's context for a filled-in questionnaire this user may see; ``None`` for any other id, without the
    patient's consent, and for an instrument that has left the library. ``number`` is not needed: there is one.
    """
    found = Assessment.objects.visible_to(user).filter(pk=record_id, instrument__in=instruments())
    one = found.select_related("patient", "recorded_by").first()
    if one is None or not allows(one.patient, ConsentPurpose.TREATMENT, ConsentStream.QUESTIONNAIRES):
        return None
    by = instrument(one.instrument)
    return {
        "asked": _score_rows(one, by),
        "record_title": "The questionnaire",
        "record": _record_rows(one, by),
        "inputs_title": "Items used",
        "inputs": _item_rows(one, by),
    }


def _score_rows(one: Assessment, by: Instrument) -> dict[str, Any]:
    shown, result = score_of(one, by), one.result
    rows = {"Rule": _rule(one, by)}
    if result["band"]:
        low, high = next((low, high) for low, high, word in by.bands if word == result["band"])
        rows["Band"] = f"{result['band']}: {low} to {high}"
    if result["level"]:
        rows["Triage"] = result["level"]
    if result["says"]:
        rows["It says"] = "; ".join(result["says"])
    rows |= {f"Source: {SOURCED[part]}": source for part, source in by.sources.items()}
    value = shown.reason if isinstance(shown, Abstained) else display.in_words(shown.value, shown.unit)
    return {"label": by.title, "value": value, "rows": rows}


def _rule(one: Assessment, by: Instrument) -> str:
    if by.total_range is None:
        return "no total: the highest level that an answer reaches"
    low, high = by.total_range
    plain = f"the sum of {len(by.scored)} items, {low} to {high}"
    missing = one.result["missing"]
    if not one.result["prorated"]:
        return f"{plain}; at most {by.may_be_missing} may be unanswered" if missing else plain
    present = len(by.scored) - len(missing)
    points = sum(choice.score for item in by.scored if (choice := _chosen(one, by, item.id)) is not None)
    return f"{plain}; prorated, {points} \u00d7 {len(by.scored)} / {present}, rounded half up"


def _record_rows(one: Assessment, by: Instrument) -> dict[str, str]:
    wording = "" if one.instrument_version == by.version else f"; points and wording here are of version {by.version}"
    return {
        "Patient": one.patient.name,
        "Instrument": f"{by.short}, version {one.instrument_version}{wording}",
        "Answered by": told_by(one),
        "Filled in": _local(one.at, one.patient),
        "Recorded": _local(one.recorded_at, one.patient),
        "Code version": one.code_version,
        "Record": str(one.pk),
        "Citation": by.citation,
    }


def _item_rows(one: Assessment, by: Instrument) -> dict[str, str]:
    rows = {}
    for item in by.items:
        choice = _chosen(one, by, item.id)
        said = "unanswered" if choice is None else choice.text
        counted = choice is not None and item.scored and by.total_range is not None
        counts = f", {display.in_words(choice.score, 'points')}" if counted else ""
        rows[item.text] = said + counts
    return rows


def _chosen(one: Assessment, by: Instrument, item_id: str) -> Any:
    place = one.answers.get(item_id)
    return None if place is None else by.item(item_id).choices[place]


def _local(moment: datetime, patient: Patient) -> str:
    local = clock.local(moment, patient.tz)
    return f"{display.day(local)} {local:%H:%M:%S} ({patient.zone})"
