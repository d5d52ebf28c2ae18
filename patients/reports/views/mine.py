"""The patient's own pages: what is due, questionnaires, the daily check-in, a symptom.

Earlier answers are not shown here: a phone stays signed in for weeks. What a patient sees after sending is the answer
to the sending itself, so that the crisis text needs no second request, and a failure shows it too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.html import escape
from django.views.decorators.http import require_GET, require_http_methods

from novamind.accounts.rights import requires
from novamind.throttle.rates import TooMany
from patients.consent import ConsentWithheld, allows
from patients.coverage import monitored_now
from patients.instruments import UnknownInstrument, instrument, instruments
from patients.models import CheckIn, ConsentPurpose, ConsentStream, Patient
from patients.reports.forms import CheckInForm, QuestionnaireForm, SymptomForm
from patients.reports.refused import alert_all_the_same
from patients.reports.services import (
    CHECK_IN,
    KeyReused,
    NotEditable,
    Taken,
    WrongMoment,
    correct,
    submit_assessment,
    submit_check_in,
    submit_symptom,
)
from patients.schedules import due_for
from patients.services import StaleEdit
from patients.telling import told

logger = logging.getLogger(__name__)
View = Callable[..., HttpResponse]


def never_without_help(view: View) -> View:
    """Whatever breaks in this page, its reader is answered with the crisis text; what was sent is not kept then."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except (Http404, PermissionDenied, SuspiciousOperation, TooMany):
            raise
        except Exception:
            logger.exception("a page of a patient broke")
            return HttpResponse(
                "<!doctype html><html lang='en'><title>Not sent · Novamind</title><h1>Not sent</h1>"
                "<p>Something broke here, and your answers were not kept. Go back: they are still on this phone.</p>"
                f"<h2>If you need help now</h2><p>{escape(settings.CRISIS_TEXT)}</p>",
                status=503,
            )

    return answered


@require_GET
@requires("own_chart")
@never_without_help
def mine(request: HttpRequest) -> HttpResponse:
    """What is due, and what can be told at any time."""
    patient = _own(request)
    due = [
        {"what": one.what, "until": one.expires_at, "label": _label(one.what), "is_check_in": one.what == CHECK_IN}
        for one in due_for(patient)
    ]
    others = [one for one in instruments().values() if not one.scoring_only]
    return _page(request, "patients/mine.html", patient, due=due, instruments=others)


@require_http_methods(["GET", "POST"])
@requires("own_chart")
@never_without_help
def questionnaire(request: HttpRequest, instrument_id: str) -> HttpResponse:
    """Fill in one questionnaire."""
    patient = _own(request)
    try:
        found = instrument(instrument_id)
    except UnknownInstrument:
        raise Http404 from None
    if found.scoring_only:
        raise Http404
    form = QuestionnaireForm(request.POST if request.method == "POST" else None, instrument=found)

    def send() -> Taken[Any]:
        return submit_assessment(
            patient=patient, by=request.user, by_patient=True, instrument_id=found.id, answers=form.answers,  # type: ignore[arg-type]
            version=found.version, key=form.sent_key, at=form.at,
        )  # fmt: skip

    about = {"instrument": found, "form": form, "title": found.title}
    return _sent_or_form(request, patient, form, send, "patients/mine_questionnaire.html", about)


@require_http_methods(["GET", "POST"])
@requires("own_chart")
@never_without_help
def check_in(request: HttpRequest) -> HttpResponse:
    """The daily check-in."""
    patient = _own(request)
    form = CheckInForm(request.POST if request.method == "POST" else None)

    def send() -> Taken[Any]:
        about: dict[str, Any] = {"said": form.said, "key": form.sent_key, "at": form.at}
        return submit_check_in(patient=patient, by=request.user, by_patient=True, **about)  # type: ignore[arg-type]

    about = {"form": form, "title": "Daily check-in"}
    return _sent_or_form(request, patient, form, send, "patients/mine_form.html", about)


@require_http_methods(["GET", "POST"])
@requires("own_chart")
@never_without_help
def correct_check_in(request: HttpRequest, check_in_id: UUID) -> HttpResponse:
    """Correct a check-in that this patient sent less than an hour ago."""
    patient = _own(request)
    standing = get_object_or_404(CheckIn.objects.current().filter(patient=patient), pk=check_in_id)
    if not standing.is_editable_by(request.user):
        raise NotEditable
    start = CheckInForm.initial_of(standing)
    form = CheckInForm(request.POST if request.method == "POST" else None, initial=start)

    def send() -> Taken[Any]:
        return correct(standing, by=request.user, version=standing.version, said=form.said)  # type: ignore[arg-type]

    about = {"form": form, "title": "Correct the check-in"}
    return _sent_or_form(request, patient, form, send, "patients/mine_form.html", about)


@require_http_methods(["GET", "POST"])
@requires("own_chart")
@never_without_help
def symptom(request: HttpRequest) -> HttpResponse:
    """Report one symptom."""
    patient = _own(request)
    form = SymptomForm(request.POST if request.method == "POST" else None)

    def send() -> Taken[Any]:
        about: dict[str, Any] = {"said": form.said, "key": form.sent_key, "at": form.at}
        return submit_symptom(patient=patient, by=request.user, by_patient=True, **about)  # type: ignore[arg-type]

    about = {"form": form, "title": "Report a symptom"}
    return _sent_or_form(request, patient, form, send, "patients/mine_form.html", about)


def _sent_or_form(
    request: HttpRequest,
    patient: Patient,
    form: Any,
    send: Callable[[], Taken[Any]],
    template: str,
    about: dict[str, Any],
) -> HttpResponse:
    """The page that says it was sent, or the form (again, with what is wrong)."""
    status = 422 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        try:
            taken = send()
        except (KeyReused, StaleEdit):
            form.add_error(None, "This page was sent before with other answers. Open it anew to send more.")
            status = 409
        except WrongMoment:
            form.add_error(
                None, "You answered this more than seven days ago. Look it over and send it again, as of now."
            )
        except ConsentWithheld:  # said by the page, which has the crisis text: what was written may need it
            return _page(request, template, patient, status=403, **about)
        else:
            editable = taken.report if isinstance(taken.report, CheckIn) else None
            sent = about | {"taken": taken, "editable": editable, "told": told(taken.alert) if taken.alert else ""}
            return _page(request, "patients/mine_sent.html", patient, **sent)
    passed_on = form.is_bound and form.speaks_of_harm
    if passed_on:
        alert_all_the_same(patient, by=request.user, by_patient=True)  # type: ignore[arg-type]
    return _page(request, template, patient, status=status, passed_on=passed_on, **about)


def _page(request: HttpRequest, template: str, patient: Patient, *, status: int = 200, **more: Any) -> HttpResponse:
    common = {
        "patient": patient,
        "crisis_text": settings.CRISIS_TEXT,
        "monitored": monitored_now(patient),
        "consents": allows(patient, ConsentPurpose.TREATMENT, ConsentStream.QUESTIONNAIRES),
    }
    return render(request, template, common | more, status=status)


def _own(request: HttpRequest) -> Patient:
    patient = Patient.objects.own_of(request.user).first()
    if patient is None:
        raise Http404
    return patient


def _label(what: str) -> str:
    return "Daily check-in" if what == CHECK_IN else instrument(what).title
