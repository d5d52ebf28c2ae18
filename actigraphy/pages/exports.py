"""The exports of a patient's wearables: how far each is read, what was kept of it and what was not, in words."""

from __future__ import annotations

from typing import Any, Final

from actigraphy.catalogue import TYPES
from actigraphy.exports.storing import NOT_ALLOWED, export_key
from actigraphy.models import Export
from novamind.jobs.models import Job
from novamind.measures import Abstained
from patients.models import Patient

#: Name, and what a person can upload and is to know of it, of each kind of export.
FILES: Final = {
    "apple_health": (
        "Apple Health export",
        "Apple Health's export.xml, or the ZIP that Health > Export All Health Data makes: heart rate and its "
        "variability, steps, sleep with stages, oxygen, respiration, weight, blood pressure and temperature",
    ),
    "fitbit": (
        "Fitbit archive",
        "the ZIP of Google Takeout or of fitbit.com, or a heart rate, sleep or variability file of it: heart rate and "
        "its variability, steps, sleep with stages, oxygen, respiration and weight",
    ),
    "fitabase": (
        "Fitabase tables",
        "the tables heartrate_seconds, minuteStepsNarrow and minuteSleep of one person, CSV or ZIP: heart rate, steps "
        "and sleep",
    ),
    "oura": (
        "Oura documents",
        "JSON of the account's export or of the API: sleep with stages, heart rate and its variability, respiration "
        "and oxygen",
    ),
    "withings": (
        "Withings export",
        "the ZIP of Download my data, or its sleep, weight or bp table: heart rate, steps, sleep with stages, oxygen, "
        "respiration, weight and blood pressure",
    ),
    "open_mhealth": (
        "Open mHealth data points",
        "JSON of the schemas of Open mHealth or IEEE 1752.1: heart rate, steps, episodes of sleep, oxygen, "
        "respiration, weight, blood pressure and temperature",
    ),
    "polar": (
        "Polar export",
        "the ZIP of Download your data, or its 247ohr and sleep_result files: heart rate and sleep with stages",
    ),
    "samsung_health": (
        "Samsung Health export",
        "the folder of Download personal data as a ZIP: heart rate by the minute, and no more",
    ),
}
REASONS: Final = {
    NOT_ALLOWED: "the patient does not allow these data",
    "not_kept_here": "of a kind that is not kept here, such as energy or workouts",
    "wrong_time": "without a time that exists, or without its UTC offset",
    "before_birth": "from before the patient was born, or before 1970",
    "in_the_future": "from the future",
    "not_a_number": "without a number",
    "not_measured": "which their device marks as no reading",
    "unknown_unit": "in a unit that is not known here",
    "unknown_stage": "of a stage of sleep that is not known here",
    "implausible_value": "beyond what can have been measured",
    "too_coarse": "told of more than an hour at once",
    "too_long": "longer than a day",
    "half_a_pair": "with one of two values that belong together",
}


def readable() -> list[tuple[str, str]]:
    """Name and description of each kind of export that can be uploaded."""
    return list(FILES.values())


def exports_context(patient: Patient) -> dict[str, Any]:
    """The exports of a patient, the newest first; none without the consent they were taken under."""
    exports = Export.objects.consented().filter(patient=patient).defer("file_key")
    return {"exports": export_rows(list(exports))}


def export_rows(exports: list[Export]) -> list[dict[str, Any]]:
    """Exports with the state of their jobs; one query for all jobs."""
    keys = [export_key(export) for export in exports if export.state == Export.State.PENDING]
    jobs = Job.objects.filter(key__in=keys).order_by("created_at").values_list("key", "state")
    states = dict(jobs) if keys else {}
    return [_row(export, states.get(export_key(export), "pending")) for export in exports]


def _row(export: Export, job_state: str) -> dict[str, Any]:
    state, error = export.state, export.error_detail or None
    if state == Export.State.PENDING and job_state in {Job.State.QUARANTINED, Job.State.FAILED}:
        state, error = "failed", f"{Abstained('failed').reason.capitalize()}."
    elif state == Export.State.PENDING and job_state == Job.State.RUNNING:
        state = "running"
    return {
        "id": export.pk,
        "state": state,
        "error": error,
        "file": export.file_name,
        "format": FILES[export.format][0] if export.format in FILES else export.format,
        "uploaded_at": export.created_at,
        # PostgreSQL keeps no order of keys.
        "kept": [
            {"label": kind.label, "n": f"{export.kept[name]:,}"} for name, kind in TYPES.items() if name in export.kept
        ],
        "left_out": [
            {"label": TYPES[what].label if what in TYPES else "Others", "reason": REASONS.get(why, why), "n": f"{n:,}"}
            for what, why, n in export.left_out
        ],
    }
