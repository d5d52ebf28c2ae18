"""The Actigraphy page of a patient, its upload, and the status line that waits for the worker."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from actigraphy.analysis import EmptyWindow, WrongDevice
from actigraphy.exports.storing import ingest_export
from actigraphy.forms import UploadForm
from actigraphy.models import Analysis, Recording
from actigraphy.pages import SHOWN_DAYS, analysis_context
from actigraphy.pages.exports import readable
from actigraphy.pages.models import with_readings
from actigraphy.pages.printed import HEAD, report_of, report_rows
from actigraphy.pages.recordings import recording_rows, uploadable
from actigraphy.readers import UnreadableRecording
from actigraphy.services import TREATING, WITHHELD, ingest_recording
from novamind import display
from novamind.accounts.rights import requires
from novamind.accounts.second_factor import fresh_second_factor
from novamind.audit.middleware import own_transaction
from novamind.measures import Abstained
from novamind.phi.uploads import EncryptedUpload
from novamind.throttle.rates import rate
from patients.consent import allows, require
from patients.models import Patient
from patients.pages import patient_page
from patients.printed import Report, report_page, report_pdf, report_table

TAB = "actigraphy:patient"


@require_GET
@requires("see_patients")
def patient(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """One patient's nights, days and rhythm: of the recording asked for, else of the newest one."""
    person, context = patient_page(request, patient_id, TAB)
    return render(request, "actigraphy/patient.html", context | page_context(request, person, context["may_change"]))


def page_context(request: HttpRequest, person: Patient, may_change: bool) -> dict[str, Any]:
    """The recordings of a patient and what is shown of the selected one; nothing without the patient's consent."""
    if not allows(person, *TREATING):
        return {"withheld": Abstained(WITHHELD), "may_upload": False}
    recordings = list(Recording.objects.filter(patient=person).select_related("source").defer("file_key"))
    rows = recording_rows(recordings)
    chosen = _chosen(rows, request.GET.get("recording"))
    context: dict[str, Any] = {
        "recordings": rows,
        "selected": chosen,
        "analysis": None,
        "form": UploadForm(),
        "may_upload": may_change and request.user.may("upload_recordings"),  # type: ignore[union-attr]
    }
    analysis = _analysis_of(chosen, recordings)
    if analysis is not None:
        days = None if request.GET.get("days") == "all" else SHOWN_DAYS
        context |= analysis_context(analysis, days, request.GET.get("layer", ""))
    return context


def _analysis_of(chosen: dict[str, Any] | None, recordings: list[Recording]) -> Analysis | None:
    """The newest analysis of the row that was chosen, if it is analyzed."""
    if chosen is None or chosen["state"] != Recording.State.ANALYZED:
        return None
    recording = next(one for one in recordings if one.pk == chosen["id"])
    newest = Analysis.objects.filter(source=recording.source_id).select_related("source__recording")
    analysis: Analysis | None = newest.prefetch_related("nights", with_readings()).order_by("-created_at").first()
    return analysis


def _chosen(rows: list[dict[str, Any]], wanted: str | None) -> dict[str, Any] | None:
    by_id = {str(row["id"]): row for row in rows}
    return by_id.get(wanted or "", rows[0] if rows else None)


@rate("upload")
@require_http_methods(["GET", "POST"])
@requires("upload_recordings")
def upload(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Take a recording; whatever is wrong with it is said in a sentence, and then nothing of it is kept."""
    person, context = patient_page(request, patient_id, TAB, changing=True)
    require(person, *TREATING)
    sent = request.method == "POST"
    form = UploadForm(request.POST, request.FILES) if sent else UploadForm()
    if sent and form.is_valid():
        try:
            if exported := _export(request, person, form.cleaned_data["file"]):
                return exported
            recording, created = ingest_recording(
                patient=person,
                upload=form.cleaned_data["file"],
                by=request.user,  # type: ignore[arg-type]
                device_type=form.cleaned_data["device_type"] or None,
                columns=form.cleaned_data["columns"],
            )
            if not created:
                messages.info(request, _already(recording.created_at, person))
            return redirect(f"{reverse(TAB, args=[person.pk])}?recording={recording.pk}")
        except UnreadableRecording as error:
            form.add_error("file", error.detail)
        except (WrongDevice, EmptyWindow) as error:
            form.add_error("device_type", str(error))
    status = 422 if form.is_bound else 200
    files = uploadable() + readable()
    return render(request, "actigraphy/upload.html", context | {"form": form, "files": files}, status=status)


def _export(request: HttpRequest, person: Patient, file: EncryptedUpload) -> HttpResponse | None:
    """The way to the Data page if the file is the export of a wearable, else ``None``."""
    taken = ingest_export(patient=person, upload=file, by=request.user)  # type: ignore[arg-type]
    if taken is None:
        return None
    export, created = taken
    said = "The export is being read; what is in it stands here as soon as that is done."
    messages.info(request, said if created else _already(export.created_at, person))
    return redirect("data:patient", person.pk)


def _already(at: datetime, person: Patient) -> str:
    uploaded = at.astimezone(person.tz)
    return f"This file was already uploaded on {display.day(uploaded)} at {uploaded:%H:%M}; nothing was added."


@require_GET
@requires("see_patients")
def status(request: HttpRequest, patient_id: UUID, recording_id: UUID) -> HttpResponse:
    """The status line that the page polls; tells the browser to load the page again once there is a result."""
    recordings = Recording.objects.visible_to(request.user).select_related("source", "patient")
    recording = get_object_or_404(recordings, pk=recording_id, patient=patient_id)
    require(patient_id, *TREATING)
    row = recording_rows([recording])[0]
    response = render(request, "actigraphy/_status.html", {"recording": row, "patient": recording.patient})
    if row["state"] not in {"pending", "running"}:
        response.headers["HX-Refresh"] = "true"
    return response


REPORT = Report(
    "Actigraphy report", "actigraphy", "actigraphy/_printed.html", "actigraphy:report", "actigraphy:report-pdf",
    "actigraphy:report-csv", asked=("recording",),
)  # fmt: skip


@require_GET
@requires("see_patients")
def report(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """The report of a recording as it is printed."""
    person, context = patient_page(request, patient_id, TAB)
    if not allows(person, *TREATING):
        return report_page(request, REPORT, context | {"withheld": Abstained(WITHHELD)})
    analysis = _analysis_asked(person, request.GET.get("recording"))
    return report_page(request, REPORT, context | (report_of(analysis, SHOWN_DAYS) if analysis else {}))


@own_transaction
@require_http_methods(["GET", "POST"])
@requires("see_patients")
@requires("export")
@fresh_second_factor
def take_out(request: HttpRequest, patient_id: UUID, form: str) -> HttpResponseBase:
    """The report as a PDF, its numbers as CSV; whoever comes back from the second factor finds the page again."""
    person, context = patient_page(request, patient_id, TAB, changing=True)
    if request.method == "GET":
        return redirect(REPORT.page, person.pk)
    require(person, *TREATING)
    analysis = _analysis_asked(person, request.POST.get("recording"))
    if analysis is None:
        raise Http404
    if form == "csv":
        return report_table(request, REPORT, person, HEAD, report_rows(analysis))
    return report_pdf(request, REPORT, context | report_of(analysis, SHOWN_DAYS))


def _analysis_asked(person: Patient, wanted: str | None) -> Analysis | None:
    recordings = list(Recording.objects.filter(patient=person).select_related("source").defer("file_key"))
    return _analysis_of(_chosen(recording_rows(recordings), wanted), recordings)
