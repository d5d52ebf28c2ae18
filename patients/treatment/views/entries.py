"""The page of a patient's treatment, and the forms that write it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_http_methods

from novamind.accounts.rights import requires
from novamind.throttle.rates import rate
from patients.consent import require
from patients.models import Appointment, Condition, Genotype, Medication, Patient
from patients.pages import patient_page
from patients.treatment import forms
from patients.treatment.diagnosing import change_condition, mark_condition_in_error, record_condition
from patients.treatment.entering import digest, said_of
from patients.treatment.genotyping import enter_genotype, ingest_results, mark_genotype_in_error
from patients.treatment.pages import entry_page, medication_page, treatment_of
from patients.treatment.prescribing import (
    change_dose,
    correct_medication,
    mark_medication_in_error,
    prescribe,
    stop_medication,
)
from patients.treatment.services import GENOTYPE, MEDICATION, NOTES
from patients.treatment.views.writing import TAB, TEMPLATE, written
from patients.treatment.visiting import change_appointment, make_appointment, mark_appointment_in_error
from patients.vocabularies import drugs, genes

BOTH = ["GET", "POST"]
RESULTS_KEPT: Final = "The results are in the chart."
RESULTS_KNOWN: Final = "This file was read before. Its results stay as they were, and so do marks of errors."
SPOKEN_AGAINST: Final = "Not saved yet: something speaks against this drug. Read it below; save again to enter it."
RIGHTS = ("prescribe", "record_conditions", "enter_genotypes", "manage_appointments")


@require_GET
@requires("see_patients")
def treatment(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Medication on a time axis and as lists, conditions, genotype, visits."""
    patient, context = patient_page(request, patient_id, TAB)
    may = {right: context["may_change"] and request.user.may(right) for right in RIGHTS}  # type: ignore[union-attr]
    return render(request, "patients/treatment.html", context | treatment_of(patient, request.user) | {"may": may})


@require_GET
@requires("see_patients")
def medication(request: HttpRequest, patient_id: UUID, medication_id: UUID) -> HttpResponse:
    """One course: its doses, and everything that was done to it."""
    patient, context = patient_page(request, patient_id, TAB)
    require(patient, *MEDICATION)
    row = _one(Medication, request, patient, medication_id)
    may = context["may_change"] and request.user.may("prescribe")  # type: ignore[union-attr]
    shown = medication_page(row, patient, request.user) | {"may_prescribe": may}
    return render(request, "patients/medication.html", context | shown)


@require_http_methods(BOTH)
@requires("see_patients")
@requires("prescribe")
def new_medication(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Enter a course of a drug."""
    patient, context = patient_page(request, patient_id, TAB, changing=True)
    require(patient, *MEDICATION)
    form = forms.MedicationForm(_sent(request), patient=patient)
    about = {"title": "Start or add a medicine", "verb": "Save", "drugs": drugs().values(), "checks": True}
    if form.is_bound and form.is_valid():
        about["words"] = words = said_of(patient, request.user, form.cleaned_data["name"])
        asked = "check" in request.POST
        if not form.shows(digest(words)) or asked:
            if not asked:
                form.add_error(None, SPOKEN_AGAINST)
            shown = context | about | {"form": form, "back": TAB}
            return render(request, TEMPLATE, shown, status=200 if asked else 409)
    return written(
        request, patient, context, form, lambda: prescribe(patient=patient, by=request.user, **form.said),  # type: ignore[arg-type]
        about=about, then="Saved.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is done to an entry: its form, the service, what the page calls it."""

    form: type[forms.Changing]
    do: Callable[..., Any]
    title: str
    verb: str


#: What can be done to a course, by the last word of the address.
CHANGES: Final = MappingProxyType(
    {
        "dose": Change(forms.DoseForm, change_dose, "Change the dose", "Change the dose"),
        "stop": Change(forms.StopForm, stop_medication, "Stop", "Stop it"),
        "correct": Change(forms.CorrectionForm, correct_medication, "Correct", "Save"),
        "error": Change(forms.ErrorForm, mark_medication_in_error, "Entered in error", "Mark as an error"),
    }
)


@require_http_methods(BOTH)
@requires("see_patients")
@requires("prescribe")
def change_medication(request: HttpRequest, patient_id: UUID, medication_id: UUID, change: str) -> HttpResponse:
    """Another dose, the end, a correction, or that it was an error."""
    wanted = CHANGES.get(change)
    if wanted is None:
        raise Http404
    patient, context = patient_page(request, patient_id, TAB, changing=True)
    require(patient, *MEDICATION)
    row = _one(Medication, request, patient, medication_id)
    return _change(request, patient, context, row, wanted, of=row.name, start=_course_as_typed(row))


@require_http_methods(BOTH)
@requires("see_patients")
@requires("record_conditions")
def new_condition(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Record a condition."""
    patient, context = patient_page(request, patient_id, TAB, changing=True)
    require(patient, *NOTES)
    form = forms.ConditionForm(_sent(request), patient=patient)
    return written(
        request, patient, context, form, lambda: record_condition(patient=patient, by=request.user, **form.said),  # type: ignore[arg-type]
        about={"title": "Record a condition", "verb": "Save"}, then="Saved.",
    )  # fmt: skip


@require_GET
@requires("see_patients")
def condition(request: HttpRequest, patient_id: UUID, condition_id: UUID) -> HttpResponse:
    """One condition, and everything that was done to it."""
    return _entry(request, patient_id, Condition, condition_id, "record_conditions")


@require_http_methods(BOTH)
@requires("see_patients")
@requires("record_conditions")
def edit_condition(request: HttpRequest, patient_id: UUID, condition_id: UUID, change: str) -> HttpResponse:
    """Change a condition, or say that it was an error."""
    wanted = _edit_or_error(change, forms.ConditionChangeForm, change_condition, mark_condition_in_error)
    patient, context = patient_page(request, patient_id, TAB, changing=True)
    require(patient, *NOTES)
    row = _one(Condition, request, patient, condition_id)
    dates = {name: str(getattr(row, name) or "") for name in ("onset", "resolved")}
    start = _as_typed(row, "text", "code", "status", "certainty", "note", "part2") | dates
    return _change(request, patient, context, row, wanted, of=row.text, start=start)


@require_http_methods(BOTH)
@requires("see_patients")
@requires("manage_appointments")
def new_appointment(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Plan or enter a visit."""
    patient, context = patient_page(request, patient_id, TAB, changing=True)
    require(patient, *NOTES)
    form = forms.AppointmentForm(_sent(request), patient=patient)
    return written(
        request, patient, context, form, lambda: make_appointment(patient=patient, by=request.user, **form.said),  # type: ignore[arg-type]
        about={"title": "Plan or enter a visit", "verb": "Save"}, then="Saved.",
    )  # fmt: skip


@require_GET
@requires("see_patients")
def appointment(request: HttpRequest, patient_id: UUID, appointment_id: UUID) -> HttpResponse:
    """One visit, and everything that was done to it."""
    return _entry(request, patient_id, Appointment, appointment_id, "manage_appointments")


@require_http_methods(BOTH)
@requires("see_patients")
@requires("manage_appointments")
def edit_appointment(request: HttpRequest, patient_id: UUID, appointment_id: UUID, change: str) -> HttpResponse:
    """Move a visit, say what became of it, or that it was an error."""
    wanted = _edit_or_error(change, forms.AppointmentChangeForm, change_appointment, mark_appointment_in_error)
    patient, context = patient_page(request, patient_id, TAB, changing=True)
    require(patient, *NOTES)
    row = _one(Appointment, request, patient, appointment_id)
    start = _as_typed(row, "at", "kind", "place", "status", "with_text", "note", "part2")
    return _change(request, patient, context, row, wanted, of="the visit", start=start)


@require_http_methods(BOTH)
@requires("see_patients")
@requires("enter_genotypes")
def new_genotype(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Type in one result."""
    patient, context = patient_page(request, patient_id, TAB, changing=True)
    require(patient, *GENOTYPE)
    form = forms.GenotypeForm(_sent(request), patient=patient)
    return written(
        request, patient, context, form, lambda: enter_genotype(patient=patient, by=request.user, **form.said),  # type: ignore[arg-type]
        about={"title": "Enter a genotype", "verb": "Save", "genes": genes()}, then="Saved.",
    )  # fmt: skip


@rate("upload")
@require_http_methods(BOTH)
@requires("see_patients")
@requires("enter_genotypes")
def upload_genotypes(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Take a laboratory's table or PharmCAT's report; what is wrong is said with its line, and then nothing is kept."""
    patient, context = patient_page(request, patient_id, TAB, changing=True)
    require(patient, *GENOTYPE)
    sent = request.method == "POST"
    form = forms.GenotypeUploadForm(_sent(request), request.FILES if sent else None, patient=patient)

    def send() -> Any:
        upload = form.cleaned_data["file"]
        report, created = ingest_results(patient=patient, upload=upload, by=request.user, **form.said)  # type: ignore[arg-type]
        messages.success(request, RESULTS_KEPT if created else RESULTS_KNOWN)
        return report

    about = {"title": "Upload results", "verb": "Upload"}
    return written(request, patient, context, form, send, about=about)


@require_http_methods(BOTH)
@requires("see_patients")
@requires("enter_genotypes")
def genotype_in_error(request: HttpRequest, patient_id: UUID, genotype_id: UUID) -> HttpResponse:
    """Say that a result was an error."""
    patient, context = patient_page(request, patient_id, TAB, changing=True)
    require(patient, *GENOTYPE)
    row = get_object_or_404(Genotype.objects.visible_to(request.user), pk=genotype_id, patient=patient)
    wanted = Change(forms.ErrorForm, mark_genotype_in_error, "Entered in error", "Mark as an error")
    return _change(request, patient, context, row, wanted, of=f"{row.gene} {row.diplotype}", start={})


def _entry(request: HttpRequest, patient_id: UUID, model: Any, pk: UUID, right: str) -> HttpResponse:
    patient, context = patient_page(request, patient_id, TAB)
    require(patient, *NOTES)
    shown = entry_page(_one(model, request, patient, pk), request.user)
    may = {right: context["may_change"] and request.user.may(right)}  # type: ignore[union-attr]
    return render(request, "patients/entry.html", context | shown | {"may": may})


def _change(
    request: HttpRequest, patient: Patient, context: dict[str, Any], row: Any, wanted: Change, *, of: str,
    start: dict[str, Any],
) -> HttpResponse:  # fmt: skip
    if row.entered_in_error:
        raise Http404
    form = wanted.form(_sent(request), patient=patient, initial={"version": row.version} | start)

    def send() -> Any:
        return wanted.do(row, version=form.cleaned_data["version"], by=request.user, **form.said)

    about = {"title": f"{wanted.title}: {of}", "verb": wanted.verb}
    return written(request, patient, context, form, send, about=about, then="Saved.")


def _edit_or_error(change: str, form: type[forms.Changing], edit: Any, error: Any) -> Change:
    known = {
        "edit": Change(form, edit, "Change", "Save"),
        "error": Change(forms.ErrorForm, error, "Entered in error", "Mark as an error"),
    }
    if change not in known:
        raise Http404
    return known[change]


def _one(model: Any, request: HttpRequest, patient: Patient, pk: UUID) -> Any:
    """A row that this user may read; 404 also for one that 42 CFR Part 2 hides."""
    return get_object_or_404(model.objects.releasable_to(request.user).filter(patient=patient), pk=pk)


def _sent(request: HttpRequest) -> Any:
    return request.POST if request.method == "POST" else None


def _as_typed(row: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _course_as_typed(row: Medication) -> dict[str, Any]:
    dates = {"ended": str(row.ended)} if row.ended else {}
    steps = row.steps()
    last = {"unit": steps[-1].unit, "frequency": steps[-1].frequency} if steps else {}
    texts = _as_typed(row, "route", "stop_reason", "indication", "prescriber_text", "note")
    return texts | dates | last | {"started": str(row.started)}
