"""Encrypted fields against somebody who can write to the database, and against Django itself."""

from __future__ import annotations

import threading
from datetime import date
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import FieldError, ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.db.models import F, Max, OuterRef, Subquery, Value
from django.forms import modelform_factory

from novamind.phi.cipher import Altered
from novamind.phi.fields import Ciphertext, blind, normalized
from novamind.phi.keys import KeyUnavailable, forget_keys
from novamind.phi.models import DataKey

pytestmark = pytest.mark.django_db

SECRET_COLUMNS = ("first_name", "last_name", "date_of_birth", "mrn", "phone", "email")


def patients() -> Any:
    return apps.get_model("patients.Patient")


def stored(patient: Any, column: str) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM patients_patient WHERE id = %s", [_key(patient)])
        return bytes(cursor.fetchone()[0])


def plant(patient: Any, column: str, value: bytes | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE patients_patient SET {column} = %s WHERE id = %s", [value, _key(patient)])


def _key(patient: Any) -> Any:
    return patient.pk if connection.vendor == "postgresql" else patient.pk.hex


def test_a_row_comes_back_as_it_was_saved(patient):
    found = patients().objects.get(pk=patient.pk)
    assert (found.first_name, found.date_of_birth, found.mrn) == ("Zqxfirst", date(1931, 2, 17), "ZQX-MRN-7781")


def test_a_value_moved_to_another_patient_is_refused(patient, make_patient, team):
    other = make_patient(team, first_name="Other", last_name="Person")
    plant(other, "first_name", stored(patient, "first_name"))
    with pytest.raises(Altered):
        _ = patients().objects.get(pk=other.pk).first_name


def test_a_value_moved_to_another_column_is_refused(patient):
    plant(patient, "first_name", stored(patient, "last_name"))
    with pytest.raises(Altered):
        _ = patients().objects.get(pk=patient.pk).first_name


def test_every_flipped_byte_is_refused(patient):
    whole = stored(patient, "first_name")
    for at in range(len(whole)):
        plant(patient, "first_name", whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises((Altered, KeyUnavailable)):
            _ = patients().objects.get(pk=patient.pk).first_name


@pytest.mark.parametrize("planted", [b"Mallory", b"", b"\x01", b"\x01" * 40, b"\x01\x00\x00\x00\x01" + b"x" * 28])
def test_planted_plaintext_is_an_error_and_never_a_name(patient, planted):
    plant(patient, "first_name", planted)
    with pytest.raises((Altered, KeyUnavailable)):
        _ = patients().objects.get(pk=patient.pk).first_name


def test_a_missing_key_is_an_error_and_never_ciphertext(patient):
    DataKey.objects.filter(patient_id=patient.pk).delete()
    forget_keys()
    with pytest.raises(KeyUnavailable):
        _ = patients().objects.get(pk=patient.pk).last_name


@pytest.mark.parametrize("lookup", ["", "__in", "__contains", "__gt", "__regex"])
def test_filtering_by_an_encrypted_field_is_refused(patient, lookup):
    value = ["Zqxfirst"] if lookup == "__in" else "Zqxfirst"
    with pytest.raises(FieldError):
        patients().objects.filter(**{f"first_name{lookup}": value}).first()
    with pytest.raises(FieldError):
        apps.get_model("actigraphy.Recording").objects.filter(**{f"patient__first_name{lookup}": value}).first()


def test_only_null_can_be_asked_of_the_database(patient, make_patient, team):
    without = make_patient(team, mrn="")
    assert list(patients().objects.filter(mrn__isnull=True)) == [without]


@pytest.mark.parametrize("order", ["last_name", "-last_name", F("last_name"), F("last_name").desc()])
def test_ordering_by_an_encrypted_field_is_refused(patient, order):
    with pytest.raises(FieldError):
        patients().objects.order_by(order)


@pytest.mark.parametrize("value", ["Mallory", b"Mallory", Value("Mallory"), Value(b"Mallory"), F("last_name")])
def test_update_of_the_column_is_refused(patient, value):
    with pytest.raises(FieldError), transaction.atomic():
        patients().objects.filter(pk=patient.pk).update(first_name=value)
    assert patients().objects.get(pk=patient.pk).first_name == "Zqxfirst"


def test_no_other_way_round_the_field_stores_plaintext(patient):
    found = patients().objects.get(pk=patient.pk)
    found.first_name = "Mallory"
    with pytest.raises(FieldError), transaction.atomic():
        patients().objects.bulk_update([found], ["first_name"])
    subquery = Subquery(patients().objects.filter(pk=OuterRef("pk")).values("last_name")[:1])
    with pytest.raises(FieldError), transaction.atomic():
        patients().objects.update(first_name=subquery)
    found.first_name = Value("Mallory")
    with pytest.raises(FieldError), transaction.atomic():
        found.save()


def test_values_and_aggregates_cannot_be_shown(patient):
    rows = list(patients().objects.values_list("first_name", flat=True))
    if connection.vendor == "sqlite":  # PostgreSQL knows no greatest of two byte strings
        rows.append(patients().objects.aggregate(newest=Max("first_name"))["newest"])
    for value in rows:
        assert isinstance(value, Ciphertext)
        with pytest.raises(FieldError):
            str(value)
        with pytest.raises(FieldError):
            f"{value}"
        assert "\\x" not in repr(value)


def test_deferred_fields_decrypt_when_they_are_asked_for(patient):
    for found in (patients().objects.only("sex").get(), patients().objects.defer("first_name").get()):
        assert found.first_name == "Zqxfirst"
        found.refresh_from_db(fields=["last_name"])
        assert found.last_name == "Zqxlast"
        found.save()
    assert patients().objects.get().date_of_birth == date(1931, 2, 17)


def test_refresh_drops_what_was_typed(patient):
    patient.first_name = "Typed"
    patient.refresh_from_db()
    assert patient.first_name == "Zqxfirst"


def test_a_failed_form_leaves_every_other_read_alone(patient):
    form_class = modelform_factory(patients(), fields=["first_name", "last_name", "date_of_birth", "sex"])
    form = form_class(
        {"first_name": "x" * 81, "last_name": "", "date_of_birth": "never", "sex": "alien"}, instance=patient
    )
    assert set(form.errors) == {"first_name", "last_name", "date_of_birth", "sex"}
    broken = patients().objects.get(pk=patient.pk)
    broken.sex = "alien"
    with pytest.raises(ValidationError):
        broken.full_clean()
    found = patients().objects.get(pk=patient.pk)
    assert (found.first_name, found.last_name, found.date_of_birth) == ("Zqxfirst", "Zqxlast", date(1931, 2, 17))
    found.save()
    assert patients().objects.get(pk=patient.pk).first_name == "Zqxfirst"


def test_an_unread_row_can_be_validated_and_saved_again(patient):
    found = patients().objects.get(pk=patient.pk)
    found.full_clean()
    found.save()
    assert patients().objects.get(pk=patient.pk).first_name == "Zqxfirst"


def test_null_stays_null_and_empty_stays_empty_but_hidden(make_patient, team):
    source = apps.get_model("actigraphy.Source")
    chart = make_patient(team)
    empty = source.objects.create(patient=chart, kind="recording", device_type="actiwatch", device_serial="")
    absent = source.objects.create(patient=chart, kind="recording", device_type="actiwatch", device_serial=None)
    kept = {row.pk: row.__dict__["device_serial"] for row in source.objects.all()}
    assert len(kept[empty.pk]) > 16
    assert kept[absent.pk] is None
    assert source.objects.get(pk=empty.pk).device_serial == ""
    assert source.objects.get(pk=absent.pk).device_serial is None


def test_bulk_create_encrypts(patient):
    model = patients()
    rows = [
        model(first_name=f"Bulk{n}", last_name="Zqxlast", date_of_birth=date(2000, 1, 1), mrn=f"B{n}") for n in (1, 2)
    ]
    model.objects.bulk_create(rows)
    assert b"Bulk1" not in stored(rows[0], "first_name")
    assert model.objects.get(mrn_index="b2").first_name == "Bulk2"


def test_the_same_text_never_has_the_same_ciphertext(patient):
    before = stored(patient, "first_name")
    patient.save()
    assert stored(patient, "first_name") != before


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ZQX-1", "zqx-1"),
        ("A 17", "  a\u00a0  17 "),
        ("\uff21\uff11\uff17", "a17"),  # full-width
        ("Stra\u00dfe", "STRASSE"),
        ("\u0390", "\u0399\u0308\u0301"),  # a small letter whose capital only exists in three parts
        ("\u212b", "a\u030a"),
    ],
)
def test_equal_texts_meet_in_the_blind_index(one, other):
    assert normalized(one) == normalized(other)
    assert blind(one, "t.c") == blind(other, "t.c")


def test_each_column_has_its_own_blind_index_key():
    assert blind("a17", "t.mrn") != blind("a17", "t.last_name")


def test_a_record_number_is_unique_however_it_is_written(make_patient, team):
    make_patient(team, mrn="ZQX-1")
    model = patients()
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.create(first_name="A", last_name="B", date_of_birth=date(2000, 1, 1), mrn=" \uff3aqx-1 ")
    assert model.objects.filter(mrn_index="zqx-1").count() == 1


def test_any_number_of_patients_have_no_record_number(make_patient, team):
    make_patient(team, mrn=None)
    make_patient(team, mrn="")
    assert patients().objects.filter(mrn_index__isnull=True).count() == 2


def test_models_with_encrypted_fields_are_checked():
    from django.core.checks import run_checks

    assert [problem for problem in run_checks() if problem.id.startswith("phi.")] == []

    class Careless(models.Model):
        secret = apps.get_model("actigraphy.Source")._meta.get_field("device_serial").__class__()

        class Meta:
            app_label = "phi"
            ordering = ("-secret",)

    try:
        assert {problem.id for problem in run_checks() if problem.obj is Careless} >= {
            "phi.E001",
            "phi.E002",
            "phi.E003",
        }
    finally:
        apps.all_models["phi"].pop("careless")
        apps.clear_cache()


@pytest.mark.slow
def test_threads_never_see_ciphertext(transactional_db, patient, make_patient, team):
    many = [make_patient(team, first_name=f"Name{n}", last_name="Zqxlast") for n in range(8)]
    wrong: list[object] = []

    def read() -> None:
        try:
            for _ in range(60):
                for row in patients().objects.all():
                    if not (row.first_name.startswith("Name") or row.first_name == "Zqxfirst"):
                        wrong.append(row.first_name)
                    row.full_clean()
        except Exception as error:
            wrong.append(error)
        finally:
            connection.close()

    def forget() -> None:
        for _ in range(200):
            forget_keys()

    threads = [threading.Thread(target=read) for _ in range(4)] + [threading.Thread(target=forget)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(many) == 8
