"""A version runs once on an input: kept, recalled, replayed; a shadow run is nobody's result."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import uuid4

import numpy as np
import pytest
from django.db import connection

from novamind.audit.models import AuditEvent
from novamind.audit.recording import recorded
from novamind.clock import now
from novamind.measures import Abstained, Window
from novamind.registry.inference import hash_of, infer_or_recall, input_of, keep, replay
from novamind.registry.models import InferenceRecord
from novamind.registry.services import move

pytestmark = pytest.mark.django_db
WEEK = np.array([[1.5, np.nan], [3.0, -0.25]])
WINDOW = Window(now() - timedelta(days=7), now())


def double(array):
    return {"mean": float(np.nanmean(array)) * 2, "each": np.nan_to_num(array).ravel().tolist()}


@pytest.fixture
def infer(patient):
    def run(version, runner=double, array=WEEK, **more):
        return infer_or_recall(
            version=version, patient_id=patient.pk, array=array, window=WINDOW, run=runner, **more
        )  # fmt: skip

    return run


def counted():
    calls = []
    return calls, lambda array: calls.append(1) or double(array)


def statuses():
    runs = AuditEvent.objects.filter(event_type="MODEL_INFERENCE").order_by("at")
    return [(event.details["status"], event.details.get("reason")) for event in runs]


def test_the_second_time_is_recalled(register, infer, patient):
    version, (calls, runner) = register("1", "production"), counted()
    first, again = infer(version, runner), infer(version, runner)
    assert (first.pk, len(calls)) == (again.pk, 1)
    assert again.answer == double(WEEK.astype(np.float32))
    assert again.duration_ms is not None
    assert statuses() == [("ok", None), ("recalled", None)]
    for event in AuditEvent.objects.filter(event_type="MODEL_INFERENCE"):
        assert [row.patient_id for row in event.patients.all()] == [patient.pk]


def test_another_input_version_or_patient_is_another_record(register, infer, patient, make_patient, team):
    one, two = register("1", "shadow"), register("2", "production")
    infer(one), infer(two), infer(two, array=WEEK + 1)
    infer_or_recall(version=two, patient_id=make_patient(team).pk, array=WEEK, window=WINDOW, run=double)
    assert InferenceRecord.objects.count() == 4


def test_the_hash_is_of_float32_values_and_shape():
    odd = np.frombuffer(np.array([0x7FC00001], dtype="<u4").tobytes(), dtype="<f4")
    assert hash_of(odd) == hash_of(np.array([np.nan]))
    assert hash_of(WEEK) == hash_of(WEEK.astype(np.float32)) == hash_of(np.asfortranarray(WEEK))
    assert len({hash_of(WEEK), hash_of(WEEK.ravel()), hash_of(WEEK + 1e-3)}) == 3


@pytest.mark.parametrize("stage", ["draft", "retired"])
def test_a_version_that_is_not_in_use_runs_for_nobody(register, infer, stage):
    calls, runner = counted()
    with pytest.raises(Abstained, match="not_promoted"):
        infer(register("1", stage), runner)
    assert (calls, InferenceRecord.objects.count()) == ([], 0)
    assert statuses() == [("abstained", "not_promoted")]


def test_a_version_retired_since_it_was_loaded_runs_for_nobody(register, infer):
    held = register("1", "production")
    move(held, to="retired", by="operator:kari", reason="It was wrong.")
    held.stage = "production"
    with pytest.raises(Abstained, match="not_promoted"):
        infer(held)


def test_an_abstention_that_lies_in_the_input_is_kept_and_recalled(register, infer):
    version, calls = register("1", "production"), []

    def abstains(array):
        calls.append(1)
        raise Abstained("too_few_days", needed=7, got=3)

    assert infer(version, abstains).answer == infer(version, abstains).answer
    record = InferenceRecord.objects.get()
    assert record.answer == Abstained("too_few_days", needed=7, got=3)
    assert (record.abstention, len(calls)) == ("too_few_days", 1)
    assert statuses() == [("abstained", "too_few_days"), ("recalled", "too_few_days")]


@pytest.mark.parametrize("code", ["no_weights", "failed", "consent_withheld", "no_reference_cohort"])
def test_an_abstention_of_the_moment_is_on_record_and_does_not_outlive_it(register, infer, code):
    version = register("1", "production")

    def abstains(array):
        raise Abstained(code)

    with pytest.raises(Abstained, match=code):
        infer(version, abstains)
    assert not InferenceRecord.objects.exists()
    assert statuses() == [("abstained", code)]
    assert infer(version).answer["mean"] == pytest.approx(double(WEEK)["mean"])


def test_an_error_is_on_record_and_leaves_none(register, infer):
    with pytest.raises(ZeroDivisionError):
        infer(register("1", "production"), lambda array: 1 / 0)
    assert (InferenceRecord.objects.count(), statuses()) == (0, [("failed", "ZeroDivisionError")])


@pytest.mark.parametrize("wrong", [float("nan"), [1.0, float("inf")]])
def test_an_output_that_is_no_number_is_refused(register, infer, wrong):
    with pytest.raises(ValueError, match="JSON"):
        infer(register("1", "production"), lambda array: wrong)
    assert not InferenceRecord.objects.exists()


def test_a_shadow_run_is_kept_and_served_to_nobody(register, infer):
    serving, trial = register("1", "production"), register("2", "shadow")
    served, tried = infer(serving), infer(trial)
    assert (served.shadow, tried.shadow) == (False, True)
    assert list(InferenceRecord.objects.served()) == [served]


def test_once_promoted_a_version_computes_anew_instead_of_recalling_its_trial(register, infer):
    version = register("1", "shadow")
    tried = infer(version)
    move(version, to="production", by="operator:kari", reason="It agrees.")
    served = infer(version)
    assert served.pk != tried.pk
    assert list(InferenceRecord.objects.served()) == [served]


def test_the_summary_keeps_missing_inputs_as_missing(register, infer):
    record = infer(register("1", "production"), summary=[np.float32(1.5), None, float("nan")])
    assert InferenceRecord.objects.get(pk=record.pk).input_summary == [1.5, None, None]


def test_a_batch_is_kept_record_by_record_with_its_size(register, patient, make_patient, team):
    version, others = register("1", "production"), [patient.pk, make_patient(team).pk]
    for each in others:
        keep(
            version=version, patient_id=each, array=WEEK, window=WINDOW, answer=[1.0], shadow=False, duration_ms=12.5,
            batch_size=2,
        )  # fmt: skip
    assert set(InferenceRecord.objects.values_list("batch_size", "duration_ms")) == {(2, 12.5)}


def test_a_replay_is_the_same_within_a_millionth(register, infer):
    record = infer(register("1", "production"))
    record.refresh_from_db()
    assert np.array_equal(input_of(record), WEEK.astype(np.float32), equal_nan=True)
    assert replay(record, double).same
    assert replay(record, lambda array: double(array) | {"mean": double(array)["mean"] + 5e-7}).same
    apart = replay(record, lambda array: double(array) | {"mean": double(array)["mean"] + 1e-3})
    assert (apart.same, apart.difference) == (False, pytest.approx(1e-3, rel=0.9))


def test_a_replay_with_another_shape_or_word_is_not_the_same(register, infer):
    record = infer(register("1", "production"))
    assert replay(record, lambda array: {"mean": 1.0}).difference is None
    assert not replay(record, lambda array: double(array) | {"each": []}).same
    worded = infer(register("2", "shadow"), lambda array: {"score": 1.0, "level": "low"})
    assert not replay(worded, lambda array: {"score": 1.0, "level": "high"}).same


def test_an_abstention_replays_as_itself(register, infer):
    def abstains(array):
        raise Abstained("too_few_days", needed=7, got=3)

    record = infer(register("1", "production"), abstains)
    assert replay(record, abstains).same
    assert not replay(record, double).same


def test_a_replay_notices_an_input_that_is_not_the_one_that_was_hashed(register, infer):
    record = infer(register("1", "production"))
    record.input_hash = "0" * 64
    with pytest.raises(ValueError, match="hashed"):
        replay(record, double)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
def test_two_workers_with_one_input_write_one_record_and_both_get_it(register, patient):
    version = register("1", "production")
    both_ran, got, errors = threading.Barrier(2), [], []

    def slow(array):
        both_ran.wait(60)  # neither has written when both compute
        return double(array)

    def work():
        try:
            with recorded(actor_label="system:worker", request_id=str(uuid4())):
                made = infer_or_recall(version=version, patient_id=patient.pk, array=WEEK, window=WINDOW, run=slow)
            got.append(made.pk)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert errors == []
    assert InferenceRecord.objects.count() == 1
    assert got == [InferenceRecord.objects.get().pk] * 2
