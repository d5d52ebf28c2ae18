"""Rules are tried, kept, stopped and asked here; what they find becomes an alert of the patient."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import cache, partial
from typing import Any, Final
from uuid import UUID, uuid4

import numpy as np
from django.db import transaction
from django.db.models import Count, Q

from insights.alerting.days import days_of, today_of
from insights.alerting.definition import checked, holds, needs_of, series_of, span_of, words
from insights.models import AlertRule, RuleTrial
from insights.science.conditions import EPISODE_ENDS_AFTER, TOLD_AGAIN_AFTER, alerts_on
from insights.science.normal import Floats
from novamind import clock
from novamind.accounts.models import User
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, note_object
from novamind.jobs.services import enqueue
from patients.alerts import raise_alert, resolve
from patients.consent import allows
from patients.models import Alert, AlertKind, AlertSeverity, Patient
from patients.services import StaleEdit

LABEL: Final = "insights.AlertRule"
TRIED_DAYS: Final = 90
#: Data come late: what holds on one of the last so many days holds now.
RECENT: Final = 3
#: High is for safety alone, which no rule of days decides.
SEVERITIES: Final = (AlertSeverity.MEDIUM, AlertSeverity.LOW)


def try_rule(
    *, definition: Any, severity: str, patient: Patient | None, by: User, rule: AlertRule | None = None
) -> RuleTrial:
    """Ask what a rule would have alerted to; a job says it. Of a ``rule`` this is a change.

    Raises
    ------
    Wrong
        The definition is none.
    ValueError
        The severity is not one that rules have.
    """
    if severity not in SEVERITIES:
        raise ValueError(f"rules are of severity {' or '.join(SEVERITIES)}")
    family = rule.family if rule else uuid4()
    about = rule.patient if rule else patient
    with transaction.atomic():
        trial = RuleTrial.objects.create(
            definition=checked(definition), severity=severity, patient=about, by=by, family=family
        )
        enqueue("insights.try_rule", key=f"insights.try_rule:{trial.pk}", actor=by.pk, trial_id=trial.pk)
    note_object(EventType.CREATION, "insights.RuleTrial", trial.pk)
    return trial


def run_trial(trial: RuleTrial) -> Callable[[], RuleTrial]:
    """Count what it would have alerted to, outside any transaction; gives back what writes it.

    A rule of the clinic is counted over the patients whom its author may see, of each as far as that patient allows:
    counts over others would give away their values, one limit after another.
    """
    if trial.patient_id:
        patients: Iterable[Patient] = [trial.patient]
    else:
        patients = Patient.objects.visible_to(trial.by).order_by("pk").iterator(chunk_size=100)
    found = [_tried(trial.definition, patient) for patient in patients]
    said = [one for one in found if one is not None]
    weeks = np.zeros(-(-TRIED_DAYS // 7), dtype=int)
    for one in said:
        np.add.at(weeks, [(TRIED_DAYS - 1 - day) // 7 for day in one], 1)
    result = {
        "patients": len(found),
        "judged": len(said),
        "alerting": sum(bool(one) for one in said),
        "alerts": sum(len(one) for one in said),
        "weeks": [int(count) for count in weeks[::-1]],
    }
    return partial(_keep_result, trial, result)


def _keep_result(trial: RuleTrial, result: dict[str, Any]) -> RuleTrial:
    trial.result, trial.finished_at = result, clock.now()
    trial.save(update_fields=["result", "finished_at"])
    return trial


def _tried(definition: dict[str, Any], patient: Patient) -> list[int] | None:
    """The days, of the last 90, on which it would have alerted; None where nothing can be said of this patient."""
    if not may_ask(patient, definition):
        return None
    before = EPISODE_ENDS_AFTER + TOLD_AGAIN_AFTER
    held = _held(definition, patient, TRIED_DAYS + before)
    if np.isnan(held[before:]).all():
        return None
    return [day - before for day in alerts_on(held) if day >= before]


def may_ask(patient: Patient, definition: dict[str, Any]) -> bool:
    """Whether the patient allows all that it asks about, now."""
    return all(allows(patient, purpose, stream) for purpose, stream in sorted(needs_of(definition)))


def _held(definition: dict[str, Any], patient: Patient, days: int) -> Floats:
    """Whether it held on each of the last ``days`` days."""
    read = days_of(patient, series_of(definition), days=days + span_of(definition))
    return holds(definition, read)[-days:]


def save_rule(trial: RuleTrial, *, by: User, why: str, active: bool) -> AlertRule:
    """The next version of the rule, as it was tried.

    Raises
    ------
    StaleEdit
        It has not been tried to the end, or somebody has changed the rule since it was tried.
    """
    with transaction.atomic():
        newest = AlertRule.objects.select_for_update().filter(family=trial.family).order_by("-version").first()
        if trial.finished_at is None or (newest is not None and newest.at > trial.at):
            raise StaleEdit
        rule = _next(trial, newest, by=by, why=why, active=active, trial=trial)
        if active:
            _ask_everybody(rule)
    return rule


def stop_rule(rule: AlertRule, *, by: User, why: str) -> AlertRule:
    """A version of it that is off. ``StaleEdit`` where it is not the newest version, or off already."""
    with transaction.atomic():
        newest = AlertRule.objects.select_for_update().filter(family=rule.family).order_by("-version").first()
        if newest is None or newest.pk != rule.pk or not rule.active:
            raise StaleEdit
        return _next(rule, newest, by=by, why=why, active=False, trial=rule.trial)


def _next(
    said: RuleTrial | AlertRule, newest: AlertRule | None, *, by: User, why: str, active: bool, trial: Any
) -> AlertRule:
    rule = AlertRule.objects.create(
        family=said.family, patient=said.patient, definition=said.definition, severity=said.severity, by=by, why=why,
        active=active, trial=trial, version=newest.version + 1 if newest else 1,
    )  # fmt: skip
    note_object(EventType.MODIFICATION if newest else EventType.CREATION, LABEL, rule.pk)
    return rule


def _ask_everybody(rule: AlertRule) -> None:
    """What holds already is told at once; of the clinic's rules by the next night."""
    if rule.patient_id:
        enqueue("insights.alert_rules", key=f"insights.alert_rules:{rule.patient_id}", patient_id=rule.patient_id)


def ask_rules(patient: Patient) -> Callable[[], None]:
    """What the rules that are on find of a patient now, outside any transaction; gives back what raises the alerts, and
    ends those that wait and rest on what the patient withholds.
    """
    rules = rules_on(patient)
    needs = set().union(*(needs_of(rule.definition) for rule in rules))
    yes = {pair for pair in needs if allows(patient, *pair)}
    rules = [rule for rule in rules if needs_of(rule.definition) <= yes]
    if not rules:
        return partial(_end_withheld, patient)
    history = RECENT + EPISODE_ENDS_AFTER + TOLD_AGAIN_AFTER
    names = set().union(*(series_of(rule.definition) for rule in rules))
    days = history + max(span_of(rule.definition) for rule in rules)
    read, today = days_of(patient, names, days=days), today_of(patient)
    due = []
    for rule in rules:
        held = holds(rule.definition, read)[-history:]
        if (held[-RECENT:] == 1).any():
            began = alerts_on(held)[-1]
            due.append((rule, today - timedelta(days=history - 1 - began)))
    return partial(_raise, patient, due)


def rules_on(patient: Patient) -> list[AlertRule]:
    """Those of the clinic and of this patient. One query."""
    return list(AlertRule.objects.newest().filter(Q(patient__isnull=True) | Q(patient=patient), active=True))


def patients_with_rules() -> list[UUID]:
    """Whom a rule that is on may find: everybody, where one of the clinic's is."""
    with aggregates():
        on = AlertRule.objects.newest().filter(active=True)
        living = Patient.objects.filter(disposed_at__isnull=True)
        if not on.filter(patient__isnull=True).exists():
            living = living.filter(pk__in=on.values("patient"))
        return sorted(living.order_by().values_list("pk", flat=True))


def _raise(patient: Patient, due: list[tuple[AlertRule, Any]]) -> None:
    """In the caller's transaction: an alert for each rule whose episode has none, and of which none waits.

    Consent is asked again: it may have been withdrawn since the days were read.
    """
    _end_withheld(patient)
    if not due:
        return
    Patient.objects.select_for_update().get(pk=patient.pk)  # of two jobs of a patient the second waits
    for rule, began in due:
        if not may_ask(patient, rule.definition):
            continue
        with aggregates():
            versions = AlertRule.objects.filter(family=rule.family).values("pk")
            told = Alert.objects.filter(patient=patient, about_label=LABEL, about_id__in=versions)
            since = clock.midnight(began, patient.tz)
            known = told.filter(~Q(state=Alert.State.RESOLVED) | Q(raised_at__gte=since)).exists()
        if not known:
            raise_alert(
                patient=patient, kind=AlertKind.RULE, severity=rule.severity, about=rule,
                key=f"rule:{rule.family}:{patient.pk}:{began}", note=words(rule.definition),
            )  # fmt: skip


def withheld_alerts(alerts: Iterable[Alert]) -> set[UUID]:
    """Of these alerts those of a rule that asks about what its patient withholds now. A query for the rules, one for
    each use of a stream of a patient.
    """
    raised = [one for one in alerts if one.about_label == LABEL]
    with aggregates():
        said = dict(AlertRule.objects.filter(pk__in=[one.about_id for one in raised]).values_list("pk", "definition"))
    yes = cache(allows)
    return {
        one.pk for one in raised if not all(yes(one.patient_id, *need) for need in sorted(needs_of(said[one.about_id])))
    }


def _end_withheld(patient: Patient) -> None:
    with aggregates():
        waiting = list(Alert.objects.filter(patient=patient, kind=AlertKind.RULE).unacknowledged())
    withheld = withheld_alerts(waiting)
    for alert in waiting:
        if alert.pk in withheld:
            resolve(alert, by=None, version=alert.version)


def worth(families: Iterable[UUID], reader: User) -> dict[UUID, dict[str, int]]:
    """Of each rule, over all its versions: how many alerts of patients whom the reader may see it raised, and what
    became of them. Two queries.
    """
    with aggregates():
        versions = dict(AlertRule.objects.filter(family__in=list(families)).values_list("pk", "family"))
        rows = (
            Alert.objects.visible_to(reader)
            .filter(about_label=LABEL, about_id__in=list(versions))
            .order_by()
            .values("about_id", "outcome")
            .annotate(n=Count("pk"))
        )
        found: dict[UUID, dict[str, int]] = {}
        for row in rows:
            counts = found.setdefault(versions[row["about_id"]], {"fired": 0})
            counts["fired"] += row["n"]
            counts[row["outcome"] or "open"] = counts.get(row["outcome"] or "open", 0) + row["n"]
    return found
