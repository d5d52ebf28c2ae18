"""Where a score comes from: the instrument and its version, the rule, every item and its points, the sources."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from novamind import clock, display
from novamind.measures import Abstained
from patients.consent import allows
from patients.instruments import SOURCED, Instrument, as_given, instrument, instruments
from patients.models import Assessment, ConsentPurpose, ConsentStream, Patient
from patients.reports.pages import said_to, score_of, told_by


def provenance_of(record_id: UUID, user: Any, number: str) -> dict[str, Any] | None:
    """The page's context for a filled-in questionnaire this user may see; ``None`` for any other id, without the
    patient's consent, and for an instrument that has left the library. ``number`` is not needed: there is one.
    """
    found = Assessment.objects.visible_to(user).filter(pk=record_id, instrument__in=instruments())
    one = found.select_related("patient", "recorded_by").first()
    if one is None or not allows(one.patient, ConsentPurpose.TREATMENT, ConsentStream.QUESTIONNAIRES):
        return None
    given = as_given(one.instrument, one.instrument_version)
    by = given or instrument(one.instrument)
    return {
        "asked": _score_rows(one, by) if given else _bare_rows(one, by),
        "record_title": "The questionnaire",
        "record": _record_rows(one, by, given is not None),
        "inputs_title": "Items used",
        "inputs": _item_rows(one, given),
    }


def _bare_rows(one: Assessment, by: Instrument) -> dict[str, Any]:
    """Of a version that is not kept, by whose rules nothing can be explained any more."""
    rows = {"Rule": f"that of version {one.instrument_version}, which is not kept"}
    return {"label": by.title, "value": _value(one, by), "rows": rows}


def _score_rows(one: Assessment, by: Instrument) -> dict[str, Any]:
    result = one.result
    rows = {"Rule": _rule(one, by)}
    if result["band"]:
        low, high = next((low, high) for low, high, word in by.bands if word == result["band"])
        rows["Band"] = f"{result['band']}: {low} to {high}"
    if result["level"]:
        rows["Triage"] = result["level"]
    if result["says"]:
        rows["It says"] = "; ".join(result["says"])
    rows |= {f"Source: {SOURCED[part]}": source for part, source in by.sources.items()}
    return {"label": by.title, "value": _value(one, by), "rows": rows}


def _value(one: Assessment, by: Instrument) -> str:
    shown = score_of(one, by)
    return shown.reason if isinstance(shown, Abstained) else display.in_words(shown.value, shown.unit)


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


def _record_rows(one: Assessment, by: Instrument, kept: bool) -> dict[str, str]:
    wording = "" if kept else "; its wording is not kept"
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


def _item_rows(one: Assessment, given: Instrument | None) -> dict[str, str]:
    total = given is not None and given.total_range is not None
    return {
        row.item: (row.answer or "unanswered")
        + (f", {display.in_words(row.points, 'points')}" if total and row.points is not None else "")
        for row in said_to(one, given)
    }


def _chosen(one: Assessment, by: Instrument, item_id: str) -> Any:
    place = one.answers.get(item_id)
    return None if place is None else by.item(item_id).choices[place]


def _local(moment: datetime, patient: Patient) -> str:
    local = clock.local(moment, patient.tz)
    return f"{display.day(local)} {local:%H:%M:%S} ({patient.zone})"
