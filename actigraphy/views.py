"""The Actigraphy page of a patient, its upload, and the status line that waits for the worker."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from actigraphy.analysis import EmptyWindow, WrongDevice
from actigraphy.forms import UploadForm
from actigraphy.models import Analysis, Recording
from actigraphy.pages import SHOWN_DAYS, analysis_context
from actigraphy.pages.models import with_readings
from actigraphy.pages.recordings import recording_rows, uploadable
from actigraphy.readers import UnreadableRecording
from actigraphy.services import TREATING, WITHHELD, ingest_recording
from novamind import display
from novamind.accounts.rights import requires
from novamind.measures import Abstained
from novamind.throttle.rates import rate
from patients.consent import allows, require
from patients.models import Patient
from patients.pages import patient_page

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
    if chosen is not None and chosen["state"] == Recording.State.ANALYZED:
        recording = next(one for one in recordings if one.pk == chosen["id"])
        newest = Analysis.objects.filter(source=recording.source_id).select_related("source__recording")
        analysis = newest.prefetch_related("nights", with_readings()).order_by("-created_at").first()
        if analysis is not None:
            days = None if request.GET.get("days") == "all" else SHOWN_DAYS
            context |= analysis_context(analysis, days, request.GET.get("layer", ""))
    return context


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
            recording, created = ingest_recording(
                patient=person,
                upload=form.cleaned_data["file"],
                by=request.user,  # type: ignore[arg-type]
                device_type=form.cleaned_data["device_type"] or None,
                columns=form.cleaned_data["columns"],
            )
            if not created:
                uploaded = recording.created_at.astimezone(person.tz)
                said = (
                    f"This file was already uploaded on {display.day(uploaded)} at {uploaded:%H:%M}; nothing was added."
                )
                messages.info(request, said)
            return redirect(f"{reverse(TAB, args=[person.pk])}?recording={recording.pk}")
        except UnreadableRecording as error:
            form.add_error("file", error.detail)
        except (WrongDevice, EmptyWindow) as error:
            form.add_error("device_type", str(error))
    status = 422 if form.is_bound else 200
    return render(request, "actigraphy/upload.html", context | {"form": form, "files": uploadable()}, status=status)


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
