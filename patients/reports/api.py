"""``/api/v1``: instruments, what is due, and what patients say of themselves. Sent twice under a key, kept once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.generics import get_object_or_404
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from novamind.accounts.rights import HasRight
from novamind.api import KEY_HEADER, Conflict, CursorPages, InvalidRequest, claim
from patients.access import is_own_chart, patient_for
from patients.consent import ConsentWithheld, require
from patients.coverage import monitored_now
from patients.instruments import UnknownInstrument, WrongAnswers, WrongVersion, instruments
from patients.models import Assessment, CheckIn, ConsentPurpose, ConsentStream, Patient, SymptomReport
from patients.reports.refused import alert_all_the_same, speaks_of_harm
from patients.reports.serializers import (
    AssessmentSerializer,
    CheckInSerializer,
    DueSerializer,
    InstrumentSerializer,
    SentAssessmentSerializer,
    SymptomSerializer,
)
from patients.reports.services import (
    NothingSaid,
    Taken,
    WrongMoment,
    alert_of,
    correct,
    submit_assessment,
    submit_check_in,
    submit_symptom,
)
from patients.schedules import due_for
from patients.services import StaleEdit
from patients.telling import clinicians


class InstrumentsView(APIView):
    """The library of questionnaires."""

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"GET": "report_symptoms"}
    serializer_class = InstrumentSerializer

    @extend_schema(responses=InstrumentSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response(InstrumentSerializer(list(instruments().values()), many=True).data)


class DueView(APIView):
    """What the patient who asks can do now."""

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"GET": "own_chart"}
    serializer_class = DueSerializer

    @extend_schema(responses=DueSerializer)
    def get(self, request: Request) -> Response:
        patient = Patient.objects.own_of(request.user).first()
        if patient is None:
            raise Http404
        told = _crisis(patient) | {"patient_id": patient.pk, "due": due_for(patient)}
        return Response(DueSerializer(told).data)


class _Sending(APIView):
    """What takes answers: a yes about self-harm among refused ones is told all the same (not without consent)."""

    patient: Patient | None = None
    by_patient = False

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        refused = self.patient is not None and 400 <= response.status_code < 500
        if refused and not isinstance(exc, ConsentWithheld) and speaks_of_harm(self.request.data):
            assert self.patient is not None
            alert_all_the_same(self.patient, by=self.request.user, by_patient=self.by_patient)  # type: ignore[arg-type]
            response.data["safety"] = _crisis(self.patient) | {"alerted": bool(clinicians(self.patient.pk))}
        return response


class ReportsView(_Sending):
    """One kind of report of one patient: read by the care team, sent by them or by the patient."""

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"GET": "see_patients", "POST": "report_symptoms"}
    model: Any = None

    def rows(self, patient: Patient) -> Any:
        """Those that a list shows."""
        return self.model.objects.filter(patient=patient)

    def get(self, request: Request, patient_id: UUID) -> Response:
        patient = patient_for(request.user, patient_id)
        require(patient, ConsentPurpose.TREATMENT, ConsentStream.QUESTIONNAIRES)
        pages = _NewestFirst()
        page = pages.paginate_queryset(self.rows(patient), request, view=self)
        return pages.get_paginated_response(self.serializer_class(page, many=True).data)

    def post(self, request: Request, patient_id: UUID) -> Response:
        patient, by_patient = self.patient, self.by_patient = reporter_of(request.user, patient_id)
        sent = self.serializer_class(data=request.data)
        sent.is_valid(raise_exception=True)
        said = sent.validated_data
        claimed = claim(request, f"api:{self.model._meta.model_name}:{patient.pk}")
        if claimed.object_id is not None:
            taken = _known(self.model, patient, claimed.object_id)
        else:
            common = {"patient": patient, "by": request.user, "by_patient": by_patient, "at": said.pop("at", None)}
            taken = _taken(lambda: self.submit(said, **common))
            claimed.keep(status=status.HTTP_201_CREATED, object_id=taken.report.pk)
        told = self.serializer_class(taken.report).data | {"safety": _crisis(patient) | {"alerted": taken.alerted}}
        return Response(told, status=status.HTTP_201_CREATED if taken.created else status.HTTP_200_OK)

    def submit(self, said: dict[str, Any], **common: Any) -> Taken[Any]:
        """Hand it to the service."""
        raise NotImplementedError


class AssessmentsView(ReportsView):
    """Filled-in questionnaires, newest first."""

    model = Assessment
    serializer_class = AssessmentSerializer

    @extend_schema(operation_id="assessments_list", responses=AssessmentSerializer(many=True))
    def get(self, request: Request, patient_id: UUID) -> Response:
        return super().get(request, patient_id)

    @extend_schema(parameters=[KEY_HEADER], responses={201: SentAssessmentSerializer})
    def post(self, request: Request, patient_id: UUID) -> Response:
        return super().post(request, patient_id)

    def submit(self, said: dict[str, Any], **common: Any) -> Taken[Any]:
        return submit_assessment(
            instrument_id=said["instrument"],
            version=said.get("instrument_version"),
            answers=said["answers"],
            locale=said.get("locale", "en"),
            **common,
        )


class CheckInsView(ReportsView):
    """Daily check-ins, newest first, each as last corrected."""

    model = CheckIn
    serializer_class = CheckInSerializer

    def rows(self, patient: Patient) -> Any:
        return CheckIn.objects.current().filter(patient=patient)

    @extend_schema(operation_id="check_ins_list", responses=CheckInSerializer(many=True))
    def get(self, request: Request, patient_id: UUID) -> Response:
        return super().get(request, patient_id)

    @extend_schema(parameters=[KEY_HEADER], responses={201: CheckInSerializer})
    def post(self, request: Request, patient_id: UUID) -> Response:
        return super().post(request, patient_id)

    def submit(self, said: dict[str, Any], **common: Any) -> Taken[Any]:
        return submit_check_in(said=said, **common)


class SymptomsView(ReportsView):
    """Reported symptoms, newest first, each as last corrected."""

    model = SymptomReport
    serializer_class = SymptomSerializer

    def rows(self, patient: Patient) -> Any:
        return SymptomReport.objects.current().filter(patient=patient)

    @extend_schema(operation_id="symptoms_list", responses=SymptomSerializer(many=True))
    def get(self, request: Request, patient_id: UUID) -> Response:
        return super().get(request, patient_id)

    @extend_schema(parameters=[KEY_HEADER], responses={201: SymptomSerializer})
    def post(self, request: Request, patient_id: UUID) -> Response:
        return super().post(request, patient_id)

    def submit(self, said: dict[str, Any], **common: Any) -> Taken[Any]:
        return submit_symptom(said=said, **common)


class CorrectionView(_Sending):
    """Correct what one has sent oneself, within the hour; ``version`` is the one it was made from."""

    permission_classes = [IsAuthenticated, HasRight]
    rights = {"PUT": "report_symptoms"}
    model: Any = None

    def put(self, request: Request, patient_id: UUID, report_id: UUID) -> Response:
        patient, _ = self.patient, self.by_patient = reporter_of(request.user, patient_id)
        claimed = claim(request, f"api:{self.model._meta.model_name}:fix:{report_id}")
        if claimed.object_id is not None:
            taken = _known(self.model, patient, claimed.object_id)
        else:
            taken = self.correct(request, patient, report_id)
            claimed.keep(status=status.HTTP_200_OK, object_id=taken.report.pk)
        told = self.serializer_class(taken.report).data | {"safety": _crisis(patient) | {"alerted": taken.alerted}}
        return Response(told)

    def correct(self, request: Request, patient: Patient, report_id: UUID) -> Taken[Any]:
        """The row that stands from now on."""
        standing = get_object_or_404(self.model.objects.current().filter(patient=patient), pk=report_id)
        sent = self.serializer_class(data=request.data)
        sent.is_valid(raise_exception=True)
        if "version" not in sent.validated_data:
            raise Conflict("Send the version the change was made from.", "version_needed")
        version = sent.validated_data["version"]
        return _taken(lambda: correct(standing, by=request.user, version=version, said=sent.validated_data))


class CheckInView(CorrectionView):
    """One check-in."""

    model = CheckIn
    serializer_class = CheckInSerializer

    @extend_schema(parameters=[KEY_HEADER])
    def put(self, request: Request, patient_id: UUID, report_id: UUID) -> Response:
        return super().put(request, patient_id, report_id)


class SymptomView(CorrectionView):
    """One reported symptom."""

    model = SymptomReport
    serializer_class = SymptomSerializer

    @extend_schema(parameters=[KEY_HEADER])
    def put(self, request: Request, patient_id: UUID, report_id: UUID) -> Response:
        return super().put(request, patient_id, report_id)


class _NewestFirst(CursorPages):
    ordering = "-recorded_at"


def reporter_of(user: Any, patient_id: UUID) -> tuple[Patient, bool]:
    """The patient and whether the user is that patient; else the user must care for them. 404 for anybody else."""
    if is_own_chart(user, patient_id):
        return Patient.objects.own_of(user).get(pk=patient_id), True
    if not user.may("see_patients"):
        raise Http404
    return patient_for(user, patient_id, changing=True), False


def _known(model: Any, patient: Patient, report_id: UUID) -> Taken[Any]:
    """What came of the same request before."""
    kept = get_object_or_404(model.objects.filter(patient=patient), pk=report_id)
    return Taken(kept, created=False, alert=alert_of(kept))


def _taken(send: Callable[[], Taken[Any]]) -> Taken[Any]:
    try:
        return send()
    except WrongAnswers as error:
        raise ValidationError({"answers": error.fields}) from None
    except NothingSaid as error:
        raise ValidationError({"answers": [f"{error}"]}) from None
    except UnknownInstrument:
        raise InvalidRequest("unknown_instrument", "There is no such instrument.") from None
    except WrongVersion as error:
        raise Conflict(f"{error}.", "wrong_version") from None
    except WrongMoment as error:
        raise ValidationError({"happened_at": [str(error)]}) from None
    except StaleEdit:
        raise Conflict(code="stale") from None


def _crisis(patient: Patient) -> dict[str, Any]:
    return {"crisis_text": settings.CRISIS_TEXT, "monitored": monitored_now(patient)}
