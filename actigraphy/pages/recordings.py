"""The recordings of a patient, as the list and the status line show them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from actigraphy.models import Recording
from actigraphy.science.devices import DEVICES
from actigraphy.services import analysis_key
from novamind import clock, display
from novamind.jobs.models import Job
from novamind.measures import Abstained

FORMATS = {
    "actiwatch_awd": "Actiwatch .awd",
    "actigraph_agd": "ActiGraph .agd",
    "actigraph_gt3x": "ActiGraph .gt3x",
    "geneactiv_bin": "GENEActiv .bin",
    "axivity_cwa": "Axivity .cwa",
    "actilife_csv": "ActiLife .csv",
    "actiware_csv": "Actiware export .csv",
    "motionwatch_mtn": "MotionWatch .mtn",
    "acttrust_txt": "ActTrust .txt",
    "daqtometer_csv": "Daqtometer .csv",
    "depresjon_csv": "table by the minute",
    "generic_csv": "table",
    "readings": "readings over the API",
    "stream": "sent by a device, eight weeks at a time",
}
#: What a person can upload, and what is to be known of it.
FILES = {
    "actiwatch_awd": "Actiwatch and Actiwatch 2 by Actiware, with marker and second channel",
    "actiware_csv": "Actiware's export of epochs, English, French or German; Actiware's own scores are not taken over",
    "actigraph_agd": "ActiGraph's database of epochs",
    "actigraph_gt3x": "ActiGraph's raw acceleration, old and new, as counts per minute",
    "geneactiv_bin": "GENEActiv's raw acceleration, calibrated; sleep by the angle of the arm (HDCZA)",
    "axivity_cwa": "raw acceleration of the Axivity AX3 or AX6, calibrated; sleep by the angle of the arm (HDCZA)",
    "actilife_csv": "ActiLife's export of epochs; raw acceleration is refused",
    "motionwatch_mtn": "MotionWatch by MotionWare; no sleep is scored, for its counts have no published threshold",
    "acttrust_txt": "ActTrust by ActStudio, its integral mode; no sleep is scored",
    "daqtometer_csv": "Daqtometer; no sleep is scored",
    "depresjon_csv": "timestamp, date, activity, as the Depresjon study published it",
    "generic_csv": "any table with a time and a count on every row: name its columns",
}


def uploadable() -> list[tuple[str, str]]:
    """Name and description of each kind of file that can be uploaded."""
    return [(FORMATS[name], said) for name, said in FILES.items()]


def recording_rows(recordings: list[Recording]) -> list[dict[str, Any]]:
    """Recordings with the state of their jobs; one query for all jobs."""
    keys = [analysis_key(recording) for recording in recordings if recording.state == Recording.State.PENDING]
    jobs = Job.objects.filter(key__in=keys).order_by("created_at").values_list("key", "state")
    states = dict(jobs) if keys else {}
    return [_row(recording, states, recordings) for recording in recordings]


def _row(recording: Recording, job_states: dict[str, str], others: list[Recording]) -> dict[str, Any]:
    state, error = _state(recording, job_states)
    first, last = local_date(recording.start, recording.zone), local_date(recording.end, recording.zone)
    return {
        "id": recording.pk,
        "label": f"{display.short_day(first)} to {display.day(last)}",
        "file": recording.file_name,
        "serial": recording.source.device_serial,
        "overlaps": any(_overlap(recording, other) for other in others if other.pk != recording.pk),
        "state": state,
        "error": error,
        "start": recording.start,
        "end": recording.end,
        "days": round((recording.end - recording.start) / timedelta(days=1), 1),
        "device": DEVICES[recording.source.device_type].label,
        "format": FORMATS.get(recording.format, recording.format),
        "uploaded_at": recording.created_at,
    }


def _state(recording: Recording, job_states: dict[str, str]) -> tuple[str, str | None]:
    if recording.state != Recording.State.PENDING:
        return recording.state, recording.error_detail or None
    state = job_states.get(analysis_key(recording), "pending")
    if state in {Job.State.QUARANTINED, Job.State.FAILED}:
        return "failed", f"{Abstained('failed').reason.capitalize()}."
    return ("pending" if state == Job.State.DONE else state), None


def _overlap(one: Recording, other: Recording) -> bool:
    return one.start < other.end and other.start < one.end


def local_date(moment: datetime, zone_name: str) -> date:
    """The date of a moment where the patient was."""
    return moment.astimezone(clock.zone(zone_name)).date()
