"""Where a number comes from: the number asked for first, then its record, then the file behind it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from actigraphy.analysis import kept_rhythm
from actigraphy.models import Analysis, WeekReading
from actigraphy.numbers import NIGHT, RHYTHM
from actigraphy.pages.heads import probability
from actigraphy.pages.own_weeks import farthest
from actigraphy.pages.tables import night_measure, rhythm_measure
from actigraphy.pages.words import window_in_words
from actigraphy.science.devices import DEVICES
from actigraphy.services import STREAM
from novamind import clock, display
from novamind.accounts.models import User
from novamind.measures import Abstained, Shown

#: Numbers of models by the first part of their name: what they are, whose reading, and the number itself.
OF_MODELS: Final = {
    "anomaly": ("Farthest from the person's own earlier weeks", WeekReading.Task.ANOMALY, farthest),
    "head": ("Probability of an outcome", WeekReading.Task.HEAD, probability),
}


def provenance_of(record_id: UUID, user: Any, number: str) -> dict[str, Any] | None:
    """The page's context for an analysis this user may see; ``None`` for any other id, and without the
    patient's consent.

    ``number`` is the name of a :class:`Measure` of it (``night.2026-10-24.tst_min``, ``rhythm.l5``) or empty.
    """
    found = Analysis.objects.visible_to(user).consented().filter(pk=record_id)
    analysis = found.select_related("source__recording", "patient").first()
    if analysis is None:
        return None
    return {
        "asked": asked_rows(analysis, number),
        "record": record_rows(analysis),
        "numbers": exact_numbers(analysis),
        "inputs": input_rows(analysis),
    }


def asked_rows(analysis: Analysis, number: str) -> dict[str, Any]:
    """The number that was clicked, in full; empty when there is none of that name."""
    kind, _, rest = number.partition(".")
    if kind == "rhythm" and rest in RHYTHM:
        return _in_full(RHYTHM[rest].label, rhythm_measure(analysis, rest), analysis)
    if kind in OF_MODELS:
        return _of_a_model(analysis, kind, rest)
    evening, _, column = rest.partition(".")
    night = next((one for one in analysis.nights.all() if str(one.date) == evening), None)
    if kind == "night" and night is not None and column in NIGHT:
        label = f"{NIGHT[column][1]}, night of {display.day(night.date)}"
        return _in_full(label, night_measure(night, column, analysis), analysis)
    return {}


def _of_a_model(analysis: Analysis, kind: str, pk: str) -> dict[str, Any]:
    """A number that a model gave, with its record."""
    label, task, measured = OF_MODELS[kind]
    readings = WeekReading.objects.asked().filter(analysis=analysis, task=task, record__isnull=False)
    row = next((one for one in readings.select_related("record__model_version") if str(one.record_id) == pk), None)
    if row is None or row.record is None or row.withheld:
        return {}
    record, version = row.record, row.record.model_version
    found = _in_full(label, measured(record, analysis), analysis)
    found["rows"] |= {
        "Model": f"{version.name}, version {version.version}; its card is on the Models page",
        "Weights (SHA-256)": version.weights_sha256,
        "Code version of the model": record.code_version,
        "Computed by the model": _local(record.created_at, analysis),
        "Input of the model (SHA-256)": record.input_hash,
        "Record of the model": str(record.pk),
        "What it is not": str(version.card.get("must_not", "")),
    }
    return found


def _in_full(label: str, shown: Shown, analysis: Analysis) -> dict[str, Any]:
    if isinstance(shown, Abstained):
        return {"label": label, "value": shown.reason, "rows": {}}
    unit = "h after midnight" if shown.unit == display.CLOCK else shown.unit
    rows = {"In full": f"{shown.value!r} {unit}".strip()}
    tz = clock.zone(analysis.zone)
    if shown.window is not None:
        first, last = shown.window.start.astimezone(tz), shown.window.end.astimezone(tz)
        rows["Window"] = f"{display.day(first)} {first:%H:%M} to {display.day(last)} {last:%H:%M}"
    if shown.n is not None:
        rows["From"] = f"{shown.n} earlier weeks" if shown.name.startswith("anomaly.") else f"{shown.n} valid days"
    if shown.coverage is not None:
        rows["Worn"] = display.in_words(100 * shown.coverage, "%")
    value = display.in_words(shown.value, shown.unit)
    return {"label": label, "value": value, "rows": rows | {"Method": shown.method}}


def record_rows(analysis: Analysis) -> dict[str, str]:
    """The analysis the number belongs to."""
    methods = {f"Method, {name.replace('_', ' ')}": method for name, method in analysis.methods.items()}
    return {
        "Patient": analysis.patient.name,
        "Analyzed": window_in_words(analysis),
        "Device": DEVICES[analysis.device_type].label,
        **methods,
        "Computed": _local(analysis.created_at, analysis),
        "Asked for by": _name(analysis.requested_by),
        "Code version": analysis.code_version,
        "Record": str(analysis.pk),
        "Input hash (SHA-256)": analysis.input_hash,
    }


def input_rows(analysis: Analysis) -> dict[str, str]:
    """The file the analysis read."""
    recording = getattr(analysis.source, "recording", None)
    if recording is None:
        return {}
    if recording.format == STREAM:
        return {"Sent by": recording.file_name, "Epoch": f"{recording.epoch_s} s", "Recording": str(recording.pk)}
    return {
        "File": recording.file_name,
        "Format": recording.format,
        "Epoch": f"{recording.epoch_s} s",
        "Uploaded": f"{_local(recording.created_at, analysis)} by {_name(recording.uploaded_by)}",
        "Recording": str(recording.pk),
        "File (SHA-256)": recording.sha256,
    }


def exact_numbers(analysis: Analysis) -> dict[str, str]:
    """Every rhythm number in full precision."""
    shown = {}
    for name, number in RHYTHM.items():
        value = kept_rhythm(analysis.results)[name]
        unit = "h after midnight" if number.unit == display.CLOCK else number.unit
        shown[number.label] = value["reason"] if isinstance(value, dict) else f"{value!r} {unit}".strip()
    return shown


def _local(moment: datetime, analysis: Analysis) -> str:
    local = moment.astimezone(clock.zone(analysis.zone))
    return f"{display.day(local)} {local:%H:%M:%S} ({analysis.zone})"


def _name(user_id: UUID | None) -> str:
    user = User.objects.filter(pk=user_id).first() if user_id else None
    return str(user) if user else "the system"
