"""``/api/v1``: drugs, and the medication, conditions, genotypes and visits of a patient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers as drf
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from novamind.accounts.rights import HasRight
from novamind.api import KEY_HEADER, Conflict, CursorPages, InvalidRequest, claim
from novamind.throttle.rates import rate
from patients.access import patient_for
from patients.consent import require
from patients.models import Appointment, Condition, Genotype, GenotypeReport, Medication, Patient
from patients.services import StaleEdit
from patients.treatment.diagnosing import change_condition, mark_condition_in_error, record_condition
from patients.treatment.entering import said_of
from patients.treatment.genotyping import enter_genotype, holding, ingest_results, mark_genotype_in_error
from patients.treatment.history import history
from patients.treatment.prescribing import (
    Beside,
    change_dose,
    correct_medication,
    mark_medication_in_error,
    prescribe,
    stop_medication,
)
from patients.treatment.serializers import (
    AppointmentChangeSerializer,
    AppointmentSerializer,
    AskedDrugSerializer,
    ConditionChangeSerializer,
    ConditionSerializer,
    DoneSerializer,
    DoseChangeSerializer,
    DrugSerializer,
    EnteredMedicationSerializer,
    ErrorMark,
    GenotypeReportSerializer,
    GenotypeSerializer,
    GenotypeUploadSerializer,
    MedicationChangeSerializer,
    MedicationSerializer,
    SaidSerializer,
    WordSerializer,
)
from patients.treatment.services import GENOTYPE, MEDICATION, NOTES, WrongEntry
from patients.treatment.tables import UnreadableTable
from patients.treatment.visiting import change_appointment, make_appointment, mark_appointment_in_error
from patients.vocabularies import drugs


class NewestFirst(CursorPages):
    """As they were entered, the newest first."""

    ordering = "-recorded_at"


class DrugsView(APIView):
    """The catalogue of drugs."""

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"GET": "see_patients"}
    serializer_class = DrugSerializer

    @extend_schema(operation_id="drugs_list", responses=DrugSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response(DrugSerializer(list(drugs().values()), many=True).data)


def _listed(name: str, row: type[drf.Serializer], entered: type[drf.Serializer] | None = None) -> Callable[[Any], Any]:
    """The schema of a list, and of a new row, which is told as ``entered`` where that is more than a row."""
    return extend_schema_view(
        get=extend_schema(operation_id=f"{name}_list", responses=row(many=True)),
        post=extend_schema(parameters=[KEY_HEADER], responses={201: entered or row}),
    )


def _changed(sent: type[drf.Serializer], row: type[drf.Serializer]) -> Callable[[Any], Any]:
    """The schema of a change to one row."""
    return extend_schema_view(patch=extend_schema(request=sent, responses=row))


class OfPatient(APIView):
    """Something of a patient: its rows, and what both the list and one row need."""

    permission_classes = [IsAuthenticated, HasRight]
    model: ClassVar[Any]
    stream: ClassVar[tuple[str, str]]
    serializer_class: ClassVar[Any]
    related: ClassVar[tuple[str, ...]] = ("patient",)

    def patient(self, patient_id: UUID, *, changing: bool = False) -> Patient:
        """Whose it is, if this user may and the patient allows it."""
        patient = patient_for(self.request.user, patient_id, changing=changing)
        require(patient, *self.stream)
        return patient

    def rows(self, patient: Patient) -> Any:
        """Those that this user may read."""
        return self.model.objects.releasable_to(self.request.user).filter(patient=patient).select_related(*self.related)

    def told(self, rows: Any, patient: Patient, *, many: bool = False) -> Any:
        """As the API gives them."""
        return self.serializer_class(rows, many=many).data


class ListView(OfPatient):
    """All of one kind, newest first, and a new one."""

    create: Callable[..., Any]

    def get(self, request: Request, patient_id: UUID) -> Response:
        patient, pages = self.patient(patient_id), NewestFirst()
        page = pages.paginate_queryset(self.rows(patient), request, view=self)
        return pages.get_paginated_response(self.told(page, patient, many=True))

    def post(self, request: Request, patient_id: UUID) -> Response:
        patient = self.patient(patient_id, changing=True)
        sent = self.serializer_class(data=request.data)
        sent.is_valid(raise_exception=True)
        with _refusals():
            pk, created = _once(
                request, lambda: type(self).create(patient=patient, by=request.user, **sent.validated_data)
            )
        row = get_object_or_404(self.rows(patient), pk=pk)
        code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
        return Response(self.told(row, patient), status=code)


class OneView(OfPatient):
    """One row, read and changed."""

    change_serializer: ClassVar[Any]
    change: Callable[..., Any]
    mark_in_error: Callable[..., Any]

    def get(self, request: Request, patient_id: UUID, entry_id: UUID) -> Response:
        patient = self.patient(patient_id)
        return Response(self.told(get_object_or_404(self.rows(patient), pk=entry_id), patient))

    def patch(self, request: Request, patient_id: UUID, entry_id: UUID) -> Response:
        patient = self.patient(patient_id, changing=True)
        row = get_object_or_404(self.rows(patient), pk=entry_id)
        said = _versioned(self.change_serializer, request)
        with _refusals():
            if said.pop("entered_in_error", False):
                kept = {"version": said["version"], "why": said["why"]}
                type(self).mark_in_error(row, by=request.user, **kept)
            else:
                type(self).change(row, by=request.user, **said)
        return Response(self.told(get_object_or_404(self.rows(patient), pk=entry_id), patient))


class OfMedication(OfPatient):
    """Courses of drugs with their doses."""

    model, stream, serializer_class = Medication, MEDICATION, MedicationSerializer
    related = ("patient", "prescriber")

    def rows(self, patient: Patient) -> Any:
        return super().rows(patient).prefetch_related("doses")


@_listed("medications", MedicationSerializer, EnteredMedicationSerializer)
class MedicationsView(OfMedication, ListView):
    """Courses of drugs, newest first."""

    rights = {"GET": "see_patients", "POST": "prescribe"}
    create = staticmethod(prescribe)

    def post(self, request: Request, patient_id: UUID) -> Response:
        answer = super().post(request, patient_id)
        words = said_of(self.patient(patient_id), request.user, answer.data["name"], but=answer.data["id"])
        answer.data["said"] = WordSerializer(words, many=True).data
        return answer


class MedicationCheckView(OfMedication):
    """What genes and present drugs say of a drug that is about to be entered; nothing is written."""

    rights = {"POST": "prescribe"}

    @extend_schema(request=AskedDrugSerializer, responses={200: SaidSerializer})
    def post(self, request: Request, patient_id: UUID) -> Response:
        patient = self.patient(patient_id, changing=True)
        asked = AskedDrugSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        words = said_of(patient, request.user, asked.validated_data["name"])
        return Response({"said": WordSerializer(words, many=True).data})


def _stop_or_correct(row: Medication, *, by: Any, version: int, why: str | None = None, **said: Any) -> Medication:
    """An end with its reason and nothing else stops a course that goes on; anything else corrects it."""
    if row.ended is None and said.get("ended") and set(said) <= {"ended", "stop_reason"}:
        reason = said.get("stop_reason", "")
        return stop_medication(row, version=version, by=by, ended=said["ended"], reason=reason, why=why)
    return correct_medication(row, version=version, by=by, why=why, **said)


@_changed(MedicationChangeSerializer, MedicationSerializer)
class MedicationView(OfMedication, OneView):
    """One course: stopped, corrected or marked as an error from the version that was read."""

    rights = {"GET": "see_patients", "PATCH": "prescribe"}
    change_serializer = MedicationChangeSerializer
    change, mark_in_error = staticmethod(_stop_or_correct), staticmethod(mark_medication_in_error)


class DosesView(OfMedication):
    """Another dose of a course, from a day on."""

    rights = {"POST": "prescribe"}

    @extend_schema(request=DoseChangeSerializer, parameters=[KEY_HEADER], responses={201: MedicationSerializer})
    def post(self, request: Request, patient_id: UUID, entry_id: UUID) -> Response:
        patient = self.patient(patient_id, changing=True)
        row = get_object_or_404(self.rows(patient), pk=entry_id)
        said = _versioned(DoseChangeSerializer, request)
        with _refusals():
            _, created = _once(request, lambda: change_dose(row, by=request.user, **said))
        code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
        return Response(self.told(get_object_or_404(self.rows(patient), pk=entry_id), patient), status=code)


@_listed("conditions", ConditionSerializer)
class ConditionsView(ListView):
    """Conditions, newest first."""

    model, stream, serializer_class = Condition, NOTES, ConditionSerializer
    rights = {"GET": "see_patients", "POST": "record_conditions"}
    create = staticmethod(record_condition)


@_changed(ConditionChangeSerializer, ConditionSerializer)
class ConditionView(OneView):
    """One condition."""

    model, stream, serializer_class = Condition, NOTES, ConditionSerializer
    rights = {"GET": "see_patients", "PATCH": "record_conditions"}
    change_serializer = ConditionChangeSerializer
    change, mark_in_error = staticmethod(change_condition), staticmethod(mark_condition_in_error)


@_listed("appointments", AppointmentSerializer)
class AppointmentsView(ListView):
    """Visits, the one that was entered last first."""

    model, stream, serializer_class = Appointment, NOTES, AppointmentSerializer
    related = ("patient", "clinician")
    rights = {"GET": "see_patients", "POST": "manage_appointments"}
    create = staticmethod(make_appointment)


@_changed(AppointmentChangeSerializer, AppointmentSerializer)
class AppointmentView(OneView):
    """One visit."""

    model, stream, serializer_class = Appointment, NOTES, AppointmentSerializer
    related = ("patient", "clinician")
    rights = {"GET": "see_patients", "PATCH": "manage_appointments"}
    change_serializer = AppointmentChangeSerializer
    change, mark_in_error = staticmethod(change_appointment), staticmethod(mark_appointment_in_error)


class OfGenotype(OfPatient):
    """Results of genes with the report they come from."""

    model, stream, serializer_class = Genotype, GENOTYPE, GenotypeSerializer

    def rows(self, patient: Patient) -> Any:
        return Genotype.objects.visible_to(self.request.user).filter(patient=patient).select_related("report")

    def told(self, rows: Any, patient: Patient, *, many: bool = False) -> Any:
        held = {one.pk for one in holding(self.rows(patient)).values()}
        return GenotypeSerializer(rows, many=many, context={"held": held}).data


@_listed("genotypes", GenotypeSerializer)
class GenotypesView(OfGenotype, ListView):
    """What laboratories reported, newest first; ``holds`` names the result of each gene that counts."""

    rights = {"GET": "see_patients", "POST": "enter_genotypes"}
    create = staticmethod(enter_genotype)


@_changed(ErrorMark, GenotypeSerializer)
class GenotypeView(OfGenotype, OneView):
    """One result; all that can be changed is that it was an error."""

    rights = {"GET": "see_patients", "PATCH": "enter_genotypes"}
    change_serializer = ErrorMark
    mark_in_error = staticmethod(mark_genotype_in_error)

    @staticmethod
    def change(row: Genotype, **said: Any) -> None:
        """A result stays as reported."""
        raise WrongEntry("entered_in_error", "A result stays as reported; it can only be marked as an error.")


@rate("upload")
class GenotypeUploadView(OfGenotype):
    """A laboratory's table of results, or PharmCAT's report; the same file again answers 200 with the first report."""

    rights = {"POST": "enter_genotypes"}
    parser_classes = [MultiPartParser]

    @extend_schema(request=GenotypeUploadSerializer, responses={201: GenotypeReportSerializer})
    def post(self, request: Request, patient_id: UUID) -> Response:
        patient = self.patient(patient_id, changing=True)
        sent = GenotypeUploadSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        upload = sent.validated_data.pop("file")
        with _refusals():
            report, created = ingest_results(patient=patient, upload=upload, by=request.user, **sent.validated_data)
        code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
        return Response(self._report(report, patient), status=code)

    def _report(self, report: GenotypeReport, patient: Patient) -> dict[str, Any]:
        return {
            "report_id": report.pk,
            "results": self.told(self.rows(patient).filter(report=report), patient, many=True),
        }


class HistoryOf(OfPatient):
    """Everything that was done to one entry, the first thing first."""

    rights = {"GET": "see_patients"}
    serializer_class = DoneSerializer

    @extend_schema(responses=DoneSerializer(many=True))
    def get(self, request: Request, patient_id: UUID, entry_id: UUID) -> Response:
        row = get_object_or_404(self.rows(self.patient(patient_id)), pk=entry_id)
        return Response(DoneSerializer(history(row, request.user), many=True).data)


class MedicationHistoryView(HistoryOf):
    """What was done to a course: who, when, why, and what stood there before."""

    model, stream = Medication, MEDICATION


class ConditionHistoryView(HistoryOf):
    """What was done to a condition: who, when, why, and what stood there before."""

    model, stream = Condition, NOTES


class AppointmentHistoryView(HistoryOf):
    """What was done to a visit: who, when, why, and what stood there before."""

    model, stream = Appointment, NOTES


def _versioned(serializer: type[drf.Serializer], request: Request) -> dict[str, Any]:
    """What was sent to change a row; 409 where it does not say from which version."""
    sent = serializer(data=request.data)
    if isinstance(request.data, dict) and "version" not in request.data:
        raise Conflict("Send the version the change was made from.", "version_needed")
    sent.is_valid(raise_exception=True)
    return dict(sent.validated_data)


def _once(request: Request, write: Callable[[], Any]) -> tuple[UUID, bool]:
    """The row that the write made, and whether it was made now: once for each key and chart or course."""
    match = request.resolver_match
    claimed = claim(request, f"{match.view_name}:{list(match.kwargs.values())[-1]}")
    if claimed.object_id is not None:
        return claimed.object_id, False
    pk = write().pk
    claimed.keep(status=status.HTTP_201_CREATED, object_id=pk)
    return pk, True


@contextmanager
def _refusals() -> Iterator[None]:
    """What the services refuse, in the API's form."""
    try:
        yield
    except WrongEntry as error:
        raise ValidationError({error.field: [error.detail]}) from None
    except UnreadableTable as error:
        raise InvalidRequest("unreadable", error.detail, error.line) from None
    except Beside as error:
        raise Conflict(f"{error} Send beside: true if that is on purpose.", "beside") from None
    except StaleEdit:
        raise Conflict(code="stale") from None
