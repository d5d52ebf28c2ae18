"""Alert rules as pages: what there is and what it was worth, composing one, what it would have alerted to."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from insights.alerting.definition import words
from insights.alerting.forms import KeepForm, RuleForm, StopForm
from insights.alerting.services import TRIED_DAYS, may_ask, save_rule, stop_rule, try_rule, worth
from insights.models import AlertRule, RuleTrial
from novamind.accounts.rights import requires
from novamind.accounts.second_factor import ask_for_it, is_fresh
from novamind.measures import Abstained
from patients.access import patient_for
from patients.alerts import IGNORED_AFTER
from patients.models import AlertSeverity, Patient
from patients.services import StaleEdit

#: Who puts a rule of the clinic in force, changes or stops it; whoever composes rules may try one.
CLINIC_RIGHT: Final = "manage_alert_rules"


@require_GET
@requires("compose_rules")
def rules(request: HttpRequest) -> HttpResponse:
    """The clinic's rules and those of this person's patients: on or off, since when, and what they were worth."""
    rows = list(AlertRule.objects.newest().visible_to(request.user).select_related("patient", "by"))
    counted = worth([row.family for row in rows], request.user)  # type: ignore[arg-type]
    rows.sort(key=lambda row: (not row.active, row.at))
    lines = [line_of(row) | {"worth": counted.get(row.family, {"fired": 0})} for row in rows]
    context = {"lines": lines, "stop": StopForm(), "ignored_after": IGNORED_AFTER.days}
    return render(request, "insights/rules.html", context | _may_rule_the_clinic(request))


def line_of(row: AlertRule | RuleTrial) -> dict[str, Any]:
    """A rule in words."""
    return {"row": row, "words": words(row.definition), "severity": AlertSeverity(row.severity).label}


def _may_rule_the_clinic(request: HttpRequest) -> dict[str, bool]:
    return {"may_rule_the_clinic": request.user.may(CLINIC_RIGHT)}  # type: ignore[union-attr]


def _asked_first(request: HttpRequest, said: AlertRule | RuleTrial) -> HttpResponse | None:
    """Who may put this in force or stop it: of a patient whoever may change the chart; of the clinic whoever has the
    right, after a fresh second factor, which is asked for by what is given back.
    """
    if said.patient_id:
        patient_for(request.user, said.patient_id, changing=True)
        return None
    if not request.user.may(CLINIC_RIGHT):  # type: ignore[union-attr]
        raise PermissionDenied(CLINIC_RIGHT)
    return None if is_fresh(request) else ask_for_it(request)


@require_http_methods(["GET", "POST"])
@requires("compose_rules")
def new_rule(request: HttpRequest) -> HttpResponse:
    """A rule of the clinic, to be tried."""
    return _compose(request)


@require_http_methods(["GET", "POST"])
@requires("compose_rules")
def new_patient_rule(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """A rule of one patient."""
    return _compose(request, patient=patient_for(request.user, patient_id, changing=True))


@require_http_methods(["GET", "POST"])
@requires("compose_rules")
def change_rule(request: HttpRequest, rule_id: UUID) -> HttpResponse:
    """Another version of a rule, or the same to be turned on; the newest version alone is changed."""
    rule = get_object_or_404(AlertRule.objects.newest().visible_to(request.user), pk=rule_id)
    if rule.patient_id:
        patient_for(request.user, rule.patient_id, changing=True)
    return _compose(request, rule=rule, patient=rule.patient)


def _compose(request: HttpRequest, *, rule: AlertRule | None = None, patient: Patient | None = None) -> HttpResponse:
    start = {"start": rule.definition, "severity": rule.severity} if rule else {}
    form = RuleForm(request.POST if request.method == "POST" else None, **start)  # type: ignore[arg-type]
    if request.method == "POST" and form.is_valid():
        severity = form.cleaned_data["severity"]
        tried = try_rule(
            definition=form.definition,
            severity=severity,
            patient=patient,
            by=request.user,
            rule=rule,  # type: ignore[arg-type]
        )
        return redirect("insights:rule-trial", tried.pk)
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "rule": rule, "patient": patient, "tried_days": TRIED_DAYS}
    return render(request, "insights/rule.html", context, status=status)


@require_http_methods(["GET", "POST"])
@requires("compose_rules")
def trial(request: HttpRequest, trial_id: UUID) -> HttpResponse:
    """What a rule would have alerted to; from here it is kept, exactly as it was tried.

    One of the clinic is kept with the right to, and a fresh second factor.
    """
    tried = get_object_or_404(RuleTrial.objects.visible_to(request.user).select_related("patient"), pk=trial_id)
    if tried.patient_id:
        patient_for(request.user, tried.patient_id, changing=True)
    form = KeepForm(request.POST if request.method == "POST" else None)
    may_keep = {"may_keep": bool(tried.patient_id) or _may_rule_the_clinic(request)["may_rule_the_clinic"]}
    status = 200
    if request.method == "POST":
        if asked := _asked_first(request, tried):
            return asked
        if form.is_valid():
            try:
                sent = form.cleaned_data
                save_rule(tried, by=request.user, why=sent["why"], active=sent["active"] == "on")  # type: ignore[arg-type]
            except StaleEdit:
                form.add_error(None, "It is still being tried, or somebody has changed this rule since: try it anew.")
                return render(request, "insights/rule_trial.html", _trial(tried, form) | may_keep, status=409)
            messages.success(request, "The rule is kept.")
            return redirect("insights:rules")
        status = 422
    return render(request, "insights/rule_trial.html", _trial(tried, form) | may_keep, status=status)


def _trial(tried: RuleTrial, form: KeepForm) -> dict[str, Any]:
    withheld = tried.patient_id and not may_ask(tried.patient, tried.definition)
    result = None if withheld else tried.result
    a_week = 7 * result["alerts"] / TRIED_DAYS if result else None
    return (
        line_of(tried)
        | {"tried": tried, "form": form, "result": result, "a_week": a_week, "days": TRIED_DAYS}
        | {"why": Abstained("consent_withheld") if withheld else None}
    )


@require_POST
@requires("compose_rules")
def stop(request: HttpRequest, rule_id: UUID) -> HttpResponse:
    """A rule alerts no more; what it raised stays. One of the clinic needs the right to, and a fresh second factor."""
    rule = get_object_or_404(AlertRule.objects.visible_to(request.user), pk=rule_id)
    if asked := _asked_first(request, rule):
        return asked
    form = StopForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Say why it stops.")
        return redirect("insights:rules")
    try:
        stop_rule(rule, by=request.user, why=form.cleaned_data["why"])  # type: ignore[arg-type]
    except StaleEdit:
        messages.error(request, "Somebody has changed or stopped it before you.")
    else:
        messages.success(request, "The rule is off.")
    return redirect("insights:rules")
