"""What the Medication page shows: courses as a chart and as lines, conditions, genotype, visits."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Final

from novamind import clock
from patients.consent import allows
from patients.models import (
    Appointment,
    AppointmentStatus,
    Certainty,
    Condition,
    Genotype,
    Medication,
    MedicationDose,
    Patient,
    redisclosure_notice,
)
from patients.treatment.charts import Course, Step, courses
from patients.treatment.entering import said_of
from patients.treatment.genotyping import holding, when
from patients.treatment.history import history
from patients.treatment.services import GENOTYPE, MEDICATION, NOTES, today
from patients.vocabularies import FREQUENCIES, UNITS, genes
from patients.vocabularies.dates import DAY
from patients.vocabularies.doses import plain

NOT_STATED: Final = "dose not stated"
SHOWN: Final = 20  # visits; the API has them all
ORDER: Final = {"current": 0, "planned": 1, "stopped": 2, "past": 3, "error": 4}


def treatment_of(patient: Patient, user: Any) -> dict[str, Any]:
    """The context of the page: what the patient allows and, of labelled rows, what Part 2 lets this user read."""
    may_medication, may_genotype, may_notes = (allows(patient, *stream) for stream in (MEDICATION, GENOTYPE, NOTES))
    rows = _rows(Medication, patient, user).prefetch_related("doses") if may_medication else []
    medications = [medication_line(one, patient) for one in rows]
    medications.sort(key=lambda line: ORDER[line["state"]])
    conditions = list(_rows(Condition, patient, user)) if may_notes else []
    conditions.sort(key=lambda one: (one.entered_in_error, one.status == "resolved"))
    visits = list(_rows(Appointment, patient, user)) if may_notes else []
    shown = [line["row"] for line in medications] + conditions + visits
    return {
        "may_medication": may_medication,
        "may_genotype": may_genotype,
        "may_notes": may_notes,
        "current": [line for line in medications if line["state"] in {"current", "planned"}],
        "past": [line for line in medications if line["state"] in {"stopped", "past", "error"}],
        "chart": _chart(medications, patient),
        "conditions": [one for one in conditions if one.certainty != Certainty.REFUTED],
        "ruled_out": [one for one in conditions if one.certainty == Certainty.REFUTED],
        "genotypes": genotype_lines(patient) if may_genotype else [],
        "visits": _visits(visits),
        "notice": redisclosure_notice(shown),
    }


def _rows(model: Any, patient: Patient, user: Any) -> Any:
    return model.objects.releasable_to(user).filter(patient=patient).select_related("recorded_by")


def medication_line(row: Medication, patient: Patient) -> dict[str, Any]:
    """One course as it is listed."""
    steps = row.steps()
    on = today(patient)
    state = row.state_on(on)
    begun = [step for step in steps if step.from_on <= on]
    if state == "planned":
        begun = begun or steps[:1]
    return {
        "row": row,
        "state": state,
        "steps": steps,
        "dose": begun[-1].dose.words if begun else NOT_STATED,
        "next": next((step for step in steps if step.from_on > on and step not in begun), None),
        "by": row.prescriber_text or str(row.prescriber or ""),
    }


def medication_page(row: Medication, patient: Patient, user: Any) -> dict[str, Any]:
    """One course with everything that was done to it."""
    line = medication_line(row, patient)
    words = said_of(patient, user, row.name, but=row.pk) if line["state"] in {"current", "planned"} else []
    return {"line": line, "medication": row, "words": words} | _history(row, user)


def entry_page(row: Condition | Appointment, user: Any) -> dict[str, Any]:
    """A condition or a visit with everything that was done to it."""
    return {"entry": row, "kind": row._meta.model_name} | _history(row, user)


def _history(row: Any, user: Any) -> dict[str, Any]:
    done = history(row, user)
    return {"done": done, "notice": redisclosure_notice([row, *(one.change for one in done)])}


def genotype_lines(patient: Patient) -> list[dict[str, Any]]:
    """The result of each gene that holds, with earlier and mistaken ones; genes of our tables first."""
    results = list(Genotype.objects.filter(patient=patient).select_related("report"))
    held = holding(results)
    order = {symbol: place for place, symbol in enumerate(genes())}
    symbols = sorted({one.gene for one in results}, key=lambda symbol: (order.get(symbol, len(order)), symbol))
    return [
        _genotype_line(symbol, held.get(symbol), [one for one in results if one.gene == symbol]) for symbol in symbols
    ]


def _genotype_line(symbol: str, held: Genotype | None, results: list[Genotype]) -> dict[str, Any]:
    others = sorted((one for one in results if one is not held), key=lambda one: one.recorded_at, reverse=True)
    reported = held.reported if held else None
    standing = [one for one in others if held is not None and not one.entered_in_error]
    later = [one for one in standing if held and when(one) > when(held)]
    differs = any(
        one.state == Genotype.State.CALLED and held and one.diplotype != held.diplotype and one not in later
        for one in standing
    )
    return {
        "gene": symbol,
        "held": held,
        "has_table": symbol in genes(),
        "unknown": reported.unknown if reported else (),
        "unread": bool(reported and held and held.state == Genotype.State.CALLED and not reported.read),
        "later": max(later, key=when, default=None),
        "others": others,
        "differs": differs,
    }


def _visits(rows: list[Appointment]) -> dict[str, Any]:
    now = clock.now()
    coming = [one for one in rows if one.at >= now and one.status == AppointmentStatus.PLANNED]
    past = [one for one in rows if one not in coming]
    return {"coming": list(reversed(coming)), "past": past[:SHOWN], "more": max(0, len(past) - SHOWN)}


def _chart(lines: list[dict[str, Any]], patient: Patient) -> Any:
    on = today(patient)
    drawn = [line for line in lines if line["state"] != "error"]
    return courses([course_of(line["row"], line["steps"], on) for line in drawn], today=on)


def course_of(row: Medication, steps: list[MedicationDose], on: date) -> Course:
    """A course as charts draw it, with its dose steps, as it stands on that day."""
    last = row.ended.last if row.ended and row.state_on(on) != "stopped" else max(on, row.started_on)
    end = last + timedelta(days=1)
    exact = row.ended is None or row.ended.precision == DAY
    sure = end if exact or row.ended is None else row.ended.on
    drawn = _steps(row, steps, end)
    return Course(row.name, drawn, f"since {row.started.words}", row.started.last, sure, _end_words(row, on))


def _end_words(row: Medication, on: date) -> str:
    if row.ended is None:
        return ""
    verb = "until" if row.state_on(on) in {"current", "planned"} else "stopped"
    unknown = "" if row.ended.precision == DAY else ", day not known"
    return f"{verb} {row.ended.words}{unknown}: {row.get_stop_reason_display().lower()}"


def _steps(row: Medication, steps: list[MedicationDose], end: date) -> tuple[Step, ...]:
    """From the beginning to the end without a gap; before the first stated dose it is not stated."""
    stated = [(one.from_on, one) for one in steps]
    if not stated or stated[0][0] > row.started_on:
        stated.insert(0, (row.started_on, None))  # type: ignore[arg-type]
    ends = [following for _, (following, _) in pairwise(stated)] + [end]
    return tuple(_step(start, until, one) for (start, one), until in zip(stated, ends, strict=True) if start < until)


def _step(start: date, end: date, one: MedicationDose | None) -> Step:
    if one is None:
        return Step(start, end, NOT_STATED, "", None, "")
    times = FREQUENCIES[one.frequency][1]
    short = "" if times is None else f"{plain(one.amount)} {UNITS[one.unit]}"
    return Step(start, end, one.dose.words, short, one.dose.a_day, one.unit)
