"""Training models of treatments: on simulated people with known chances, and on the charts of who allows it."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from novamind import clock
from novamind.audit.models import AuditEvent, AuditEventPatient, EventType
from novamind.audit.recording import recorded
from novamind.measures import Abstained
from novamind.registry import cards
from novamind.simulator import simulate_courses
from patients.models import CheckIn, Condition, Genotype, GenotypeReport, Patient
from twins.response import training
from twins.response.charts import chart_of
from twins.science.treatment import NAMES, TARGETS, features_of, load_model, target_of
from twins.tests.treated import PEOPLE, allow, begin, day_of, fill_in


def figures(model: Any) -> dict[str, Any]:
    return {one["metric"]: one for one in model.card["figures"]}


def test_known_chances_are_found_and_the_card_says_that_nobody_is_real(models):
    for target, model in models.items():
        assert model.card["better"], target
        assert "SYNTHETIC" in " ".join(model.card["is_not"])
        assert all("SYNTHETIC" in one["population"] for one in model.card["figures"])
        assert model.is_simulated
    assert figures(models["response"])["AUC"]["low"] > 0.65
    assert figures(models["outcome"])["coverage of the 80 % interval"]["value"] == pytest.approx(0.8, abs=0.06)


def test_what_is_said_follows_the_chance_that_is_the_truth(models):
    made, others = simulate_courses(300, 77), training.simulated(300, seed=77)
    first = {person: row for row, person in enumerate(made.person) if made.number[row] == 0}
    x = np.array([features_of(chart, chart.courses[0]) for chart in others.charts])
    for target, truth in (("response", made.p_response), ("risk", made.p_stop)):
        chances = truth[[first[person] for person in range(300)]]
        said = models[target].fitted.predict(x)
        assert np.corrcoef(said, chances)[0, 1] > 0.6, target
        assert said.mean() == pytest.approx(chances.mean(), abs=0.06)


def test_where_nothing_decides_no_model_is_called_better():
    material = training.simulated(PEOPLE, seed=3, effect=0.0)
    assert not training.train(material, "response", seed=1).card["better"]


def test_the_registry_s_card_leaves_nothing_unsaid(models):
    for model in models.values():
        assert cards.problems(training.registry_card(model.card)) == []
        assert "no score of suicide" in training.registry_card(model.card)["must_not"]


@pytest.mark.django_db(transaction=True)
def test_the_command_writes_a_file_with_its_card_inside(tmp_path):
    out = StringIO()
    file = tmp_path / "response.xgb"
    call_command("train_treatment_model", "response", str(file), simulated=PEOPLE, by="operator:test", stdout=out)
    model = load_model(file)
    assert (model.target, model.card["data"]["simulated"]) == ("response", True)
    assert "SYNTHETIC" in out.getvalue()
    event = AuditEvent.objects.get(event_type=EventType.MODEL_TRAINING)
    assert (event.actor_label, event.outcome) == ("operator:test", "success")


@pytest.mark.parametrize("options", [{}, {"simulated": 5, "clinic": True}])
def test_the_command_asks_for_one_source(options, tmp_path):
    with pytest.raises(CommandError, match="one of them"):
        call_command("train_treatment_model", "risk", str(tmp_path / "x"), **options)


@pytest.mark.django_db(transaction=True)
def test_too_few_people_are_refused_in_a_sentence(tmp_path: Path):
    with pytest.raises(CommandError, match="Not trained: 30 people have a course"):
        call_command("train_treatment_model", "risk", str(tmp_path / "x"), simulated=30)
    assert not (tmp_path / "x").exists()


@pytest.fixture
def patient(make_patient: Any, team: Any, db: None) -> Any:
    """16 points before a course of 100 days ago, 8 of them after seven weeks."""
    with recorded(actor_label="system:test", request_id="test"):
        made = make_patient(team)
        allow(made)
        begin(made, 100)
        fill_in(made, 103, [2] * 9)
        fill_in(made, 50, [1] * 9)
        yield made


def known(patient: Patient, name: str) -> float:
    chart, _ = chart_of(patient, "phq9")
    return float(features_of(chart, chart.courses[-1])[NAMES.index(name)])


def test_a_chart_is_read_to_the_day(patient):
    chart, rows = chart_of(patient, "phq9")
    assert [one.points for one in chart.totals] == [16, 8]
    assert [chart.totals[0].on, chart.courses[0].started] == [day_of(patient, 103), day_of(patient, 100)]
    assert [target_of(name, chart, chart.courses[0]) for name in TARGETS] == [1.0, 8.0, 0.0]
    assert rows[0].drug == "sertraline"


def test_item_9_changes_nothing_that_is_known_or_told(patient):
    plain = training.of_clinic("phq9")
    for back, places in ((102, [2] * 8 + [3]), (49, [1] * 8 + [3])):
        fill_in(patient, back, places)
    flagged = training.of_clinic("phq9")
    for target in TARGETS:
        before, after = plain.rows(target), flagged.rows(target)
        assert np.array_equal(before.x, after.x, equal_nan=True)
        assert np.array_equal(before.y, after.y)


def test_c_ssrs_is_not_read(patient):
    plain = training.of_clinic("phq9")
    for back in (101, 49):
        fill_in(patient, back, [1] * 6, instrument="cssrs")
    for target in TARGETS:
        before, after = plain.rows(target), training.of_clinic("phq9").rows(target)
        assert np.array_equal(before.x, after.x, equal_nan=True)
        assert np.array_equal(before.y, after.y)
    with pytest.raises(CommandError, match="cssrs"):
        call_command("train_treatment_model", "risk", "x", "--clinic", "--instrument=cssrs")


def test_everything_of_the_chart_is_in_its_place(patient):
    begin(patient, 400, drug="venlafaxine", ended_on=day_of(patient, 200), ended_precision="day",
          stop_reason="no_effect")  # fmt: skip
    report = GenotypeReport.objects.create(patient=patient)
    Genotype.objects.create(patient=patient, report=report, gene="CYP2D6", state="called", diplotype="*4/*4",
                            phenotype="Poor Metabolizer")  # fmt: skip
    Condition.objects.create(patient=patient, code="F33.1", text="x")
    CheckIn.objects.bulk_create(
        CheckIn(patient=patient, at=patient_noon(patient, back), by_patient=True, day=day_of(patient, back), mood=3)
        for back in range(60, 128)
    )
    assert known(patient, "earlier:no_effect") == 1
    assert known(patient, "before:mood") == 3
    # Both came into the chart today: on the day of the start nobody knew them.
    assert np.isnan(known(patient, "gene:CYP2D6"))
    assert known(patient, "condition:depression") == 0
    begin(patient, 0)
    assert known(patient, "gene:CYP2D6") == 0
    assert known(patient, "condition:depression") == 1


def patient_noon(patient: Patient, back: int) -> Any:
    return clock.midnight(day_of(patient, back), patient.tz) + timedelta(hours=12)


def test_what_is_labelled_in_error_planned_or_not_coded_counts_nowhere(patient):
    begin(patient, 90, part2=True)
    begin(patient, 90, entered_in_error=True)
    begin(patient, -5)
    begin(patient, 90, drug="", drug_text="a herb")
    begin(patient, 90, started_precision="month")
    assert len(chart_of(patient, "phq9")[0].courses) == 1


@pytest.mark.parametrize("stream", ["medication", "questionnaires"])
def test_who_withdraws_is_in_no_training(patient, stream):
    assert len(training.of_clinic("phq9").charts) == 1
    allow(patient, stream, given=False)
    assert training.of_clinic("phq9").charts == ()
    with pytest.raises(Abstained, match="consent_withheld"):
        chart_of(patient, "phq9")


@pytest.mark.parametrize(("stream", "name"), [("genotype", "gene:CYP2D6"), ("notes", "condition:depression")])
def test_of_a_stream_that_is_withheld_nothing_is_read(patient, stream, name):
    report = GenotypeReport.objects.create(patient=patient)
    Genotype.objects.create(patient=patient, report=report, gene="CYP2D6", state="called", diplotype="*4/*4",
                            phenotype="Poor Metabolizer")  # fmt: skip
    Condition.objects.create(patient=patient, code="F33.1", text="x")
    begin(patient, 0)
    had = known(patient, name)
    allow(patient, stream, given=False)
    assert not np.array_equal(had, known(patient, name), equal_nan=True)


@pytest.mark.django_db(transaction=True)
def test_everybody_whose_chart_was_read_stands_in_the_trail(make_patient: Any, team: Any, tmp_path: Path):
    with recorded(actor_label="system:test", request_id="test"):
        asked, _ = make_patient(team), make_patient(team)
        allow(asked)
        begin(asked, 100)
    with pytest.raises(CommandError, match="Not trained: 1 people"):
        call_command("train_treatment_model", "risk", str(tmp_path / "x"), clinic=True, by="operator:test")
    event = AuditEvent.objects.get(action="train_treatment_model")
    named = set(AuditEventPatient.objects.filter(event=event).values_list("patient_id", flat=True))
    assert (event.outcome, named) == ("success", {asked.pk})
