"""Models in use: one in production, and records that never change."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from novamind.clock import now
from novamind.registry.models import Immutable, InferenceRecord, ModelVersion


@pytest.fixture
def version(db):
    return make("1")


def make(version, **fields):
    known = {"name": "PAT-S", "kind": "encoder", "weights_sha256": "0" * 64, "weights_file": "w.h5"}
    return ModelVersion.objects.create(**known, version=version, code_version="0", created_by="t", **fields)


def infer(version, patient, input_hash="a" * 64):
    return InferenceRecord.objects.create(
        patient_id=patient.pk, model_version=version, input_hash=input_hash, input_array=b"x", input_shape=[1],
        window_start=now(), window_end=now(), output={"value": 1}, code_version="0",
    )  # fmt: skip


def test_one_version_of_a_model_is_in_production(version):
    make("2", stage="production")
    with pytest.raises(IntegrityError), transaction.atomic():
        make("3", stage="production")


def test_a_version_is_registered_once(version):
    with pytest.raises(IntegrityError), transaction.atomic():
        make("1")


def test_an_inference_is_never_changed_or_deleted(version, patient):
    record = infer(version, patient)
    record.output = {"value": 2}
    with pytest.raises(Immutable):
        record.save()
    with pytest.raises(Immutable):
        record.delete()
    assert InferenceRecord.objects.get().output == {"value": 1}


def test_not_even_sql_changes_an_inference(version, patient):
    infer(version, patient)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE registry_inferencerecord SET abstention = 'failed'")
    assert InferenceRecord.objects.get().abstention == ""


def test_the_same_input_to_the_same_model_is_one_record(version, patient):
    infer(version, patient)
    with pytest.raises(IntegrityError), transaction.atomic():
        infer(version, patient)
    infer(version, patient, "b" * 64)
