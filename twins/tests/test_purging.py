"""Inputs of superseded answers go when their time is over; what a twin says now replays, and every answer stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from novamind import clock
from novamind.audit.recording import recorded
from novamind.measures import Abstained
from novamind.registry.inference import input_of, replay
from novamind.registry.models import InferenceRecord, ModelVersion
from patients.models import CheckIn, Patient
from twins import changes, correlations, forecasts, services
from twins.jobs import purge
from twins.models import Component, Twin
from twins.purging import MODELS
from twins.response.installing import NAMES
from twins.tests.test_services import browser, ledger, patient, run_forecast, run_refresh, twin  # noqa: F401
from twins.track_record import track_record
from twins.whatif import model as whatif

pytestmark = pytest.mark.django_db


@pytest.fixture
def aged(twin: Twin, patient: Patient, monkeypatch: Any) -> list[InferenceRecord]:  # noqa: F811
    """Two forecasts, of 20 days ago and of today, and a correlation."""
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now - timedelta(days=20))
    run_forecast(patient)
    monkeypatch.setattr(clock, "now", lambda: now)
    run_forecast(patient)
    rows = Component.objects.filter(kind="symptom_forecast").order_by("since_version")
    return [row.record for row in rows]


@pytest.fixture
def emptied(aged: list[InferenceRecord], monkeypatch: Any) -> Any:
    """The nightly job, so many days later."""
    now = clock.now()

    def night(days: int = 401, meanwhile: Any = lambda: None) -> None:
        with monkeypatch.context() as later:
            later.setattr(clock, "now", lambda: now + timedelta(days=days))
            finish = purge()
            meanwhile()
            finish.store()

    return night


def again(record: InferenceRecord) -> InferenceRecord:
    return InferenceRecord.objects.get(pk=record.pk)


def test_the_inputs_of_every_part_of_the_twin_are_among_them():
    """A part of the twin that is not named here would keep its days for ever."""
    beside = {whatif.NAME, *NAMES.values()}  # a question and what is expected of a course are no parts of the twin
    assert set(MODELS) == {changes.NAME, correlations.NAME, forecasts.NAME, *beside}
    assert len(MODELS) == len(Component.Kind) + len(beside)


def test_the_input_of_a_superseded_answer_goes_and_nothing_else_of_it(aged, emptied):
    old, new = aged
    emptied()
    gone = again(old)
    assert not gone.keeps_input
    for field in InferenceRecord._meta.concrete_fields:
        if field.name != "input_array":
            assert getattr(gone, field.attname) == getattr(old, field.attname), field.name
    with pytest.raises(Abstained, match="not_kept"):
        input_of(gone)
    with pytest.raises(Abstained, match="not_kept"):
        replay(gone, forecasts.runner(new.model_version))


def test_what_the_twin_says_now_replays_however_old(aged, twin, emptied):  # noqa: F811
    emptied()
    said = services.current(twin)
    assert replay(said["symptom_forecast"].record, forecasts.runner(aged[1].model_version)).same
    assert replay(said["biometric_correlation"].record, correlations.run).same


def test_earlier_versions_and_the_track_record_tell_what_they_told(aged, twin, emptied):  # noqa: F811
    told = track_record(twin, "mood").pairs
    answer = services.current(twin, 2)["symptom_forecast"].answer
    emptied()
    assert track_record(twin, "mood").pairs == told != []
    assert services.current(twin, 2)["symptom_forecast"].answer == answer


def test_the_page_behind_an_old_number_says_that_the_days_are_not_kept(aged, browser, emptied):  # noqa: F811
    page = f"/provenance/{aged[0].pk}/"
    assert "of 182 days" in browser.get(page).content.decode()
    emptied()
    html = browser.get(page).content.decode()
    assert "not kept any more" in html
    assert aged[0].input_hash in html


def test_younger_ones_and_those_of_other_models_stay(aged, emptied):
    emptied(399)
    assert again(aged[0]).keeps_input
    ModelVersion.objects.filter(pk=aged[0].model_version_id).update(name="PAT-S")
    emptied(401)
    assert again(aged[0]).keeps_input
    ModelVersion.objects.filter(pk=aged[0].model_version_id).update(name=forecasts.NAME)
    emptied(401)
    assert not again(aged[0]).keeps_input


def test_zero_keeps_them_for_ever(aged, settings, emptied):
    settings.TWIN_INPUTS_KEPT_DAYS = 0
    emptied()
    assert again(aged[0]).keeps_input


def test_what_a_version_on_trial_was_given_goes_too(aged, emptied):
    InferenceRecord.objects.bulk_create(
        [
            InferenceRecord(
                **{
                    field.attname: getattr(aged[0], field.attname)
                    for field in InferenceRecord._meta.concrete_fields
                    if field.name not in {"id", "shadow"}
                },
                shadow=True,
            )
        ]
    )
    emptied()
    assert not InferenceRecord.objects.get(shadow=True).keeps_input


def test_an_answer_that_is_said_again_before_the_write_keeps_its_input(aged, twin, emptied):  # noqa: F811
    emptied(meanwhile=lambda: Component.objects.filter(record=aged[0]).update(since_version=99))
    assert again(aged[0]).keeps_input


def test_whose_inputs_went_is_noted(aged, patient, emptied):  # noqa: F811
    with recorded(actor_label="system:jobs", request_id="night") as night:
        emptied(399)
        assert night.patients == set()
        emptied(401)
        assert night.patients == {patient.pk}
        assert (night.event_type, night.details) == ("DELETION", {"inputs": 1})
    with recorded(actor_label="system:jobs", request_id="next night") as night:
        emptied(402)
        assert night.patients == set()


def test_the_database_lets_an_input_be_emptied_and_nothing_be_changed(aged):
    row = InferenceRecord.objects.filter(pk=aged[0].pk)
    for change in ({"input_array": b"other"}, {"output": {}}, {"input_array": b"", "output": {}}):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            row.update(**change)
    assert row.empty_inputs() == 1
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        row.update(input_array=b"again")


def test_a_twin_is_computed_as_before_after_a_night_of_emptying(aged, patient, twin, emptied):  # noqa: F811
    emptied()
    day = CheckIn.objects.filter(patient=patient).order_by("-day").first()
    CheckIn.objects.filter(pk=day.pk).update(mood=0)
    run_forecast(patient)
    run_refresh(patient)
    assert all(one.record.keeps_input for one in services.current(twin).values())
