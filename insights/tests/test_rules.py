"""Alert rules: what holds, what is not known, what would have been alerted to, and each alert once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.test import Client
from scipy import stats

from insights.alerting.definition import Wrong, checked, needs_of, words
from insights.alerting.forms import RuleForm, series_choices
from insights.alerting.services import run_trial, save_rule, stop_rule, try_rule, worth
from insights.jobs import alert_rules, nightly_rules
from insights.models import AlertRule, RuleTrial
from insights.science import conditions
from novamind import clock
from novamind.audit.recording import recorded
from novamind.jobs.models import Job
from novamind.jobs.runner import run_waiting
from novamind.measures import Abstained
from patients.alerts import resolve
from patients.consent import record_consent
from patients.instruments import instrument
from patients.models import Alert, CheckIn
from patients.reports.services import submit_assessment
from patients.services import StaleEdit

NAN = np.nan
LOW_MOOD = {"kind": "threshold", "series": "mood", "way": "below", "value": 3, "days": 2}
POOR_SLEEP = {"kind": "threshold", "series": "sleep_duration", "way": "below", "value": 300, "days": 3}


def test_a_day_that_is_not_known_neither_holds_nor_fails():
    found = conditions.beyond(np.array([2, 2, NAN, 2, 5, 2.0]), below=True, limit=3, days=2)
    np.testing.assert_array_equal(found, [NAN, 1, NAN, NAN, 0, 0])
    yes, no, silent = np.array([1.0]), np.array([0.0]), np.array([NAN])
    assert conditions.all_of([no, silent]) == 0
    assert np.isnan(conditions.all_of([yes, silent]))
    assert conditions.any_of([yes, silent]) == 1
    assert np.isnan(conditions.any_of([no, silent]))


def test_a_trend_is_the_slope_that_scipy_finds():
    values = np.random.default_rng(3).standard_normal(28).cumsum()
    values[[3, 9, 20]] = NAN
    known = ~np.isnan(values)
    a_week = 7 * stats.theilslopes(values[known], np.flatnonzero(known)).slope
    way = {"falling": a_week < 0, "days": 28}
    assert conditions.rises(values, a_week=abs(a_week) - 1e-9, **way)[-1] == 1
    assert conditions.rises(values, a_week=abs(a_week) + 1e-9, **way)[-1] == 0
    assert np.isnan(conditions.rises(np.where(np.arange(28) < 15, NAN, values), a_week=0.1, **way)[-1])


def test_a_deviation_is_counted_in_robust_spreads_of_the_days_before():
    values = np.concatenate([np.random.default_rng(4).normal(420, 30, 56), np.full(5, 330.0)])
    spreads = (np.median(values[:56]) - 330) / stats.median_abs_deviation(values[:56], scale=1 / 1.4826)
    found = [conditions.leaves_usual(values, below=True, spreads=spreads + by, days=5)[-1] for by in (-1e-6, 1e-6)]
    assert found == [1, 0]
    assert np.isnan(conditions.leaves_usual(np.full(61, 5.0), below=True, spreads=2, days=5)[-1])


def test_what_was_never_used_is_not_missed():
    used, never = np.array([1.0] * 28 + [NAN] * 5), np.full(33, NAN)
    assert conditions.is_missing(used, days=5)[-1] == 1
    assert conditions.is_missing(used, days=4)[-2] == 1
    assert np.isnan(conditions.is_missing(never, days=5)).all()


def test_an_episode_alerts_once_and_again_after_four_weeks():
    held = np.zeros(90)
    held[[5, 6, 7, 13, 21, 60]] = 1  # 13 is within seven days of 7; 21 is not within seven of 13
    held[61:90] = 1
    held[10] = NAN
    assert conditions.alerts_on(held) == [5, 21, 60, 88]


@pytest.mark.parametrize(
    "said",
    [
        None,
        {},
        {"kind": "threshold"},
        LOW_MOOD | {"series": "password"},
        LOW_MOOD | {"series": ["mood"]},
        LOW_MOOD | {"value": float("nan")},
        LOW_MOOD | {"value": True},
        LOW_MOOD | {"days": 0},
        LOW_MOOD | {"days": 1.5},
        LOW_MOOD | {"more": 1},
        LOW_MOOD | {"way": "sideways"},
        {"kind": "trend", "series": "score:phq9", "way": "rising", "value": 1, "days": 14},
        {"kind": "deviation", "series": "mood", "way": "below", "value": -2, "days": 7},
        {"kind": "all", "of": [LOW_MOOD]},
        {"kind": "all", "of": [LOW_MOOD, {"kind": "any", "of": [LOW_MOOD, POOR_SLEEP]}]},
        {"kind": "any", "of": [LOW_MOOD] * 5},
    ],
)
def test_what_is_no_rule_is_refused(said):
    with pytest.raises(Wrong):
        checked(said)


def test_a_rule_is_told_in_words_and_needs_what_it_asks_about():
    both = checked({"kind": "all", "of": [LOW_MOOD, POOR_SLEEP]})
    assert words(both) == (
        "Mood below 3 of 10 on each of 2 days in a row and Sleep duration below 5 h 00 min on each of 3 days in a row"
    )
    assert needs_of(both) == {("treatment", "questionnaires"), ("treatment", "actigraphy")}


@pytest.mark.parametrize(
    "said",
    [
        {"series": "sleep_efficiency", "value": 80},
        {"series": "mood", "value": 0},  # nothing is below it
        {"series": "mood", "value": 10, "way": "above"},
        {"series": "sleep_duration", "value": 1441},
        {"series": "heart_rate", "value": 19},
        {"series": "score:phq9", "value": 27, "way": "above", "days": 1},
        {"series": "score:cssrs", "value": 1, "way": "above", "days": 1},
        {"series": "mood", "kind": "trend", "way": "falling", "value": 11, "days": 14},
        {"series": "mood", "kind": "deviation", "value": 21, "days": 7},
    ],
)
def test_what_no_day_can_meet_is_refused(said):
    with pytest.raises(Wrong, match=r"can be|can change by|there is no such|at most 20 times"):
        checked(LOW_MOOD | said)


def test_only_questionnaires_with_a_total_are_offered_and_a_rule_that_was_kept_is_still_told():
    names = [name for name, _ in series_choices()]
    assert "score:phq9" in names
    assert "score:cssrs" not in names
    kept = {"kind": "threshold", "series": "score:cssrs", "way": "above", "value": 1, "days": 1}
    assert words(kept) == "C-SSRS screener total above 1"
    assert needs_of(kept) == {("treatment", "questionnaires")}


@pytest.mark.parametrize(
    ("kind", "value", "kept", "told"),
    [
        ("threshold", 80, 0.8, "Sleep efficiency below 80 % on each of 7 days in a row"),
        ("trend", 5, 0.05, "Sleep efficiency: falling by 5 percentage points a week over 7 days"),
        (
            "deviation",
            2,
            2,
            "Sleep efficiency: median of 7 days below that of the 56 before by 2 times the usual day-to-day spread",
        ),
    ],
)
def test_shares_are_written_in_per_cent_as_every_page_shows_them(kind, value, kept, told):
    assert ("sleep_efficiency", "Sleep efficiency (%)") in series_choices()
    sent = {"together": "all", "severity": "low", "c0-series": "sleep_efficiency", "c0-kind": kind, "c0-way": "down",
            "c0-value": str(value), "c0-days": "7", "c1-way": "down", "c2-way": "down", "c3-way": "down"}  # fmt: skip
    form = RuleForm(sent)
    assert form.is_valid(), form.errors
    assert form.definition["value"] == pytest.approx(kept)
    assert words(form.definition) == told
    assert RuleForm(start=form.definition).conditions[0].initial["value"] == value
    if kind == "threshold":
        wrong = RuleForm(sent | {"c0-value": "101"})
        assert not wrong.is_valid()
        assert "Sleep efficiency can be 0 to 100 (%): nothing is below 101" in str(wrong.errors)


@pytest.fixture
def patient(make_patient: Any, team: Any) -> Any:
    """Sixty days of mood 6; the last three, with yesterday, of mood 1."""
    with recorded(actor_label="system:test", request_id="test"):
        made = make_patient(team)
        today = clock.now().astimezone(made.tz).date()
        for back in range(1, 61):
            on = today - timedelta(days=back)
            at = clock.midnight(on, made.tz) + timedelta(hours=9)
            CheckIn.objects.create(patient=made, at=at, by_patient=True, day=on, mood=1 if back <= 3 else 6)
        yield made


def rule_of(definition: Any, by: Any, **more: Any) -> AlertRule:
    trial = try_rule(definition=definition, severity="low", by=by, **({"patient": None} | more))
    RuleTrial.objects.filter(pk=trial.pk).update(finished_at=clock.now(), result={})
    trial.refresh_from_db()
    return save_rule(trial, by=by, why="new", active=True)


def ask(patient: Any) -> list[Alert]:
    alert_rules(patient.pk).store()
    return list(Alert.objects.filter(patient=patient, kind="rule").order_by("raised_at"))


@pytest.mark.django_db
def test_an_episode_raises_one_alert_however_often_it_is_asked(patient, psychiatrist):
    rule = rule_of(LOW_MOOD, psychiatrist)
    (alert,) = ask(patient)
    assert (alert.about_id, alert.severity, alert.state) == (rule.pk, "low", "open")
    assert alert.events.get().note == "Mood below 3 of 10 on each of 2 days in a row"
    assert ask(patient) == [alert]
    done = alert_rules(patient.pk)
    done.store()  # a worker that had been given up comes back
    done.store()
    assert ask(patient) == [alert]
    resolve(alert, by=psychiatrist, version=alert.version, outcome="useful")
    assert [one.pk for one in ask(patient)] == [alert.pk]
    assert worth([rule.family], psychiatrist) == {rule.family: {"fired": 1, "useful": 1}}


@pytest.mark.django_db
def test_late_data_move_no_episode_into_a_second_alert(patient, psychiatrist):
    rule_of(LOW_MOOD, psychiatrist)
    (alert,) = ask(patient)
    resolve(alert, by=psychiatrist, version=alert.version)
    newest = CheckIn.objects.filter(patient=patient).order_by("-day")
    CheckIn.objects.filter(pk__in=[one.pk for one in newest[3:6]]).update(mood=1)
    assert len(ask(patient)) == 1


@pytest.mark.django_db
def test_what_the_patient_withholds_is_not_judged_and_not_missed(patient, psychiatrist):
    rule_of(LOW_MOOD, psychiatrist)
    rule_of({"kind": "missing", "series": "mood", "days": 2}, psychiatrist)
    record_consent(patient=patient, purpose="treatment", stream="questionnaires", given=False, how="written", by=None)
    CheckIn.objects.filter(patient=patient, mood=1).update(day="2020-01-01")
    assert ask(patient) == []


@pytest.mark.django_db
def test_days_without_a_check_in_are_missed_and_a_day_that_is_not_over_is_not(patient, psychiatrist):
    rule_of({"kind": "missing", "series": "mood", "days": 3}, psychiatrist)
    assert ask(patient) == []
    CheckIn.objects.filter(patient=patient, mood=1).update(day="2020-01-01")
    assert len(ask(patient)) == 1


@pytest.mark.django_db
def test_a_total_of_today_is_judged_today(patient, psychiatrist):
    definition = {"kind": "threshold", "series": "score:phq9", "way": "above", "value": 19, "days": 1}
    rule_of(definition, psychiatrist)
    assert ask(patient) == []
    items = [item.id for item in instrument("phq9").items if item.scored]
    answers = dict.fromkeys(items, 3) | {items[-1]: 0}
    submit_assessment(patient=patient, by=psychiatrist, by_patient=False, instrument_id="phq9", answers=answers)
    assert len(ask(patient)) == 1


@pytest.mark.django_db
def test_a_rule_that_is_off_or_of_somebody_else_finds_nothing(patient, psychiatrist, make_patient, team):
    stop_rule(rule_of(LOW_MOOD, psychiatrist), by=psychiatrist, why="not_needed")
    rule_of(LOW_MOOD, psychiatrist, patient=make_patient(team))
    assert ask(patient) == []
    assert AlertRule.objects.filter(patient__isnull=True, why="shipped", active=True).count() == 0


@pytest.mark.django_db
def test_a_changed_rule_is_a_new_version_and_what_was_changed_since_is_not_overwritten(patient, psychiatrist):
    first = rule_of(LOW_MOOD, psychiatrist)
    tried = try_rule(definition=LOW_MOOD | {"value": 2}, severity="low", patient=None, by=psychiatrist, rule=first)
    with pytest.raises(StaleEdit):
        save_rule(tried, by=psychiatrist, why="too_many", active=True)  # not tried to the end
    RuleTrial.objects.filter(pk=tried.pk).update(finished_at=clock.now(), result={})
    tried.refresh_from_db()
    stop_rule(first, by=psychiatrist, why="not_needed")
    with pytest.raises(StaleEdit):
        save_rule(tried, by=psychiatrist, why="too_many", active=True)
    versions = AlertRule.objects.filter(family=first.family).order_by("version")
    assert [(one.version, one.active, one.why) for one in versions] == [(1, True, "new"), (2, False, "not_needed")]
    assert AlertRule.objects.newest().get(family=first.family).version == 2


@pytest.mark.django_db
def test_a_night_asks_for_whom_a_rule_is_on(patient, psychiatrist, make_patient, team):
    other = make_patient(team)
    nightly_rules().save()
    asked = Job.objects.filter(kind="insights.alert_rules")
    assert not asked.exists()
    rule_of(LOW_MOOD, psychiatrist, patient=patient)
    asked.delete()
    nightly_rules().save()
    assert [job.args["patient_id"] for job in asked.all()] == [str(patient.pk)]
    rule_of(LOW_MOOD, psychiatrist)
    nightly_rules().save()
    assert {job.args["patient_id"] for job in asked.all()} == {str(patient.pk), str(other.pk)}


@pytest.mark.django_db(transaction=True)
def test_a_rule_is_composed_tried_and_kept_on_the_pages(patient, psychiatrist, nurse):
    client = Client()
    client.force_login(psychiatrist)
    sent = {"together": "all", "severity": "medium", "c0-series": "mood", "c0-kind": "threshold", "c0-way": "down",
            "c0-value": "3", "c0-days": "2", "c1-way": "down", "c2-way": "down", "c3-way": "down"}  # fmt: skip
    wrong = client.post(f"/patients/{patient.pk}/rules/new/", sent | {"c0-days": "99"})
    assert wrong.status_code == 422
    page = client.post(f"/patients/{patient.pk}/rules/new/", sent)
    assert page.status_code == 302
    assert "It is being tried" in client.get(page.url).content.decode()
    assert client.post(page.url, {"why": "new", "active": "on"}).status_code == 409
    run_waiting()
    said = client.get(page.url).content.decode()
    assert "0.1 alerts a week" in said  # one episode in 90 days
    assert "judged of 1 of 1 patient;" in said
    assert client.post(page.url, {"why": "new", "active": "on"}).status_code == 302
    run_waiting()
    assert Alert.objects.get(patient=patient).kind == "rule"
    assert "Mood below 3 of 10" in client.get("/rules/").content.decode()
    client.force_login(nurse)  # of another team
    assert "Mood below 3 of 10" not in client.get("/rules/").content.decode()
    assert client.get(page.url).status_code == 404
    assert client.get(f"/rules/{uuid4()}/").status_code == 404


@pytest.mark.django_db
def test_the_trial_counts_what_asking_each_day_would_have_raised(patient, psychiatrist, monkeypatch):
    days = CheckIn.objects.filter(patient=patient).order_by("day")
    for place, row in enumerate(days):
        CheckIn.objects.filter(pk=row.pk).update(mood=1 if place in (5, 6, 30, 31, 57, 58, 59) else 6)
    trial = try_rule(definition=LOW_MOOD, severity="low", patient=patient, by=psychiatrist)
    result = run_trial(trial)().result
    rule_of(LOW_MOOD, psychiatrist)
    start = clock.now()
    for back in range(58, -1, -1):
        monkeypatch.setattr("novamind.clock.now", lambda back=back: start - timedelta(days=back))
        for alert in ask(patient):
            if alert.state != "resolved":
                resolve(alert, by=psychiatrist, version=alert.version)
    assert result["alerts"] == Alert.objects.filter(patient=patient).count() == 3
    assert sum(result["weeks"]) == 3


@pytest.mark.django_db
def test_a_trial_and_the_worth_count_nobody_whom_the_reader_may_not_see(patient, psychiatrist, nurse):
    rule = rule_of(LOW_MOOD, psychiatrist)
    ask(patient)
    counted = {}
    for user in (psychiatrist, nurse):  # the nurse is of another team
        trial = try_rule(definition=LOW_MOOD, severity="low", patient=None, by=user)
        counted[user] = run_trial(trial)().result
        assert [RuleTrial.objects.visible_to(one).filter(pk=trial.pk).exists() for one in (psychiatrist, nurse)] == [
            user == psychiatrist,
            user == nurse,
        ]
    assert (counted[psychiatrist]["patients"], counted[psychiatrist]["alerting"]) == (1, 1)
    assert (counted[nurse]["patients"], counted[nurse]["judged"], counted[nurse]["alerting"]) == (0, 0, 0)
    assert worth([rule.family], psychiatrist) == {rule.family: {"fired": 1, "open": 1}}
    assert worth([rule.family], nurse) == {}


@pytest.mark.django_db
def test_a_clinical_admin_with_a_fresh_second_factor_alone_puts_the_clinics_rules_in_force(
    client, patient, psychiatrist, clinical_admin, monkeypatch
):
    admin = clinical_admin
    rule = rule_of(LOW_MOOD, admin)
    keep, stop = {"why": "too_many", "active": "on"}, {"why": "not_needed"}

    def tried_by(user):
        trial = try_rule(definition=LOW_MOOD, severity="low", patient=None, by=user, rule=rule)
        RuleTrial.objects.filter(pk=trial.pk).update(
            finished_at=clock.now(), result={"alerts": 0, "alerting": 0, "judged": 0, "patients": 0, "weeks": []}
        )
        return f"/rules/trials/{trial.pk}/"

    client.force_login(psychiatrist)
    page = tried_by(psychiatrist)
    shown = client.get(page)
    assert shown.status_code == 200
    assert "Keep the rule" not in shown.content.decode()
    assert "Stop</button>" not in client.get("/rules/").content.decode()
    assert client.post(page, keep).status_code == client.post(f"/rules/{rule.pk}/stop/", stop).status_code == 403
    client.force_login(admin)
    page = tried_by(admin)
    assert "Keep the rule" in client.get(page).content.decode()
    with monkeypatch.context() as stale:
        stale.setattr("novamind.accounts.second_factor.last_used", lambda request: 0.0)
        for url, sent in ((page, keep), (f"/rules/{rule.pk}/stop/", stop)):
            assert "?next=" in client.post(url, sent).url
    assert AlertRule.objects.newest().get(family=rule.family) == rule
    assert client.post(f"/rules/{rule.pk}/stop/", stop).url == "/rules/"
    newest = AlertRule.objects.newest().get(family=rule.family)
    assert (newest.version, newest.active) == (2, False)
    assert client.post(tried_by(admin), keep).url == "/rules/"
    assert AlertRule.objects.newest().get(family=rule.family).active


def withdraw(patient: Any) -> None:
    record_consent(patient=patient, purpose="treatment", stream="questionnaires", given=False, how="written", by=None)


@pytest.mark.django_db
def test_a_trial_says_nothing_of_a_patient_who_withholds_it_since(client, patient, psychiatrist):
    trial = try_rule(definition=LOW_MOOD, severity="low", patient=patient, by=psychiatrist)
    run_trial(trial)()
    client.force_login(psychiatrist)
    assert "0.1 alerts a week" in client.get(f"/rules/trials/{trial.pk}/").content.decode()
    withdraw(patient)
    page = client.get(f"/rules/trials/{trial.pk}/").content.decode()
    assert "alerts a week" not in page
    assert Abstained("consent_withheld").reason in page


@pytest.mark.django_db
def test_what_is_withdrawn_while_a_rule_is_asked_raises_nothing(patient, psychiatrist):
    rule_of(LOW_MOOD, psychiatrist)
    found = alert_rules(patient.pk)
    withdraw(patient)
    found.store()
    assert not Alert.objects.filter(patient=patient).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("rule_is_on", [True, False])
def test_what_waits_ends_when_what_it_rests_on_is_withdrawn(patient, psychiatrist, rule_is_on):
    rule = rule_of(LOW_MOOD, psychiatrist)
    (alert,) = ask(patient)
    if not rule_is_on:
        stop_rule(rule, by=psychiatrist, why="not_needed")
    assert [one.state for one in ask(patient)] == ["open"]
    Job.objects.all().delete()
    withdraw(patient)
    assert Job.objects.filter(kind="insights.alert_rules").exists()
    assert [(one.pk, one.state, one.outcome) for one in ask(patient)] == [(alert.pk, "resolved", "")]


@pytest.mark.django_db
def test_the_page_of_alerts_names_nothing_that_is_withheld_now(client, patient, psychiatrist):
    rule_of(LOW_MOOD, psychiatrist)
    (alert,) = ask(patient)
    resolve(alert, by=psychiatrist, version=alert.version, note="Called.")
    client.force_login(psychiatrist)
    assert "Mood below 3 of 10" in client.get(f"/patients/{patient.pk}/alerts/").content.decode()
    withdraw(patient)
    page = client.get(f"/patients/{patient.pk}/alerts/").content.decode()
    assert "Mood below" not in page
    assert "the patient withholds it now" in page
    assert "Called." in page
