"""One chart that cannot be opened does not close the list of the others."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.db import connection

from novamind.phi import keys
from novamind.phi.keys import KeyUnavailable, destroy_key, forget_keys
from novamind.phi.models import DataKey
from patients.models import Patient
from patients.services import find_patients

pytestmark = pytest.mark.django_db


def damage(patient: Any, column: str = "last_name") -> None:
    key = patient.pk if connection.vendor == "postgresql" else patient.pk.hex
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE patients_patient SET {column} = %s WHERE id = %s", [b"\x01\x00", key])


def alter_key(patient: Any) -> None:
    DataKey.objects.filter(patient_id=patient.pk).update(wrapped=b"x" * 60)
    forget_keys()


def lose_key(patient: Any) -> None:
    DataKey.objects.filter(patient_id=patient.pk).delete()
    forget_keys()


@pytest.fixture
def other(make_patient, team):
    """Sorts after the cast's patient."""
    return make_patient(team, first_name="Zz", last_name="Zzz")


@pytest.mark.parametrize("harm", [alter_key, lose_key, lambda patient: destroy_key(patient.pk)])
def test_a_list_puts_what_cannot_be_opened_last_and_says_so(patient, other, harm):
    harm(patient)
    listed, total = Patient.objects.all().page_by_name(1, 10)
    assert total == 2
    assert [found.pk for found in listed] == [other.pk, patient.pk]
    assert [found.is_readable for found in listed] == [True, False]
    names = [found.listed_name for found in listed]
    assert names == ["Zzz, Zz", f"Patient {str(patient.pk)[:4]}… (cannot be opened)"]


@pytest.mark.parametrize("column", ["first_name", "last_name", "date_of_birth", "mrn"])
def test_a_damaged_name_is_shown_as_such_where_it_would_stand(patient, other, column):
    damage(patient, column)
    listed, _ = Patient.objects.all().page_by_name(1, 10)
    assert [found.pk for found in listed] == [patient.pk, other.pk]
    assert listed[0].listed_name.endswith("(cannot be opened)")


@pytest.mark.parametrize("planted", [b"\x01\x00", b"", b"zqxlast"])
def test_a_damaged_search_text_stands_last_and_is_found_by_nothing(patient, other, psychiatrist, planted, caplog):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE patients_patient SET search_text = %s WHERE mrn_index IS NOT NULL", [planted])
    assert [found.pk for found in Patient.objects.all().page_by_name(1, 10)[0]] == [other.pk, patient.pk]
    assert find_patients(psychiatrist, "zqxlast", at_most=9) == ([], 0)
    assert "cannot be opened" in caplog.text


def test_a_search_text_of_another_patient_finds_nobody(patient, other, psychiatrist):
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE patients_patient SET search_text = (SELECT search_text FROM patients_patient"
            " WHERE mrn_index IS NOT NULL) WHERE mrn_index IS NULL"
        )
    assert [found.pk for found in find_patients(psychiatrist, "zqxlast", at_most=9)[0]] == [patient.pk]


@pytest.mark.parametrize("column", ["first_name", "last_name", "date_of_birth", "mrn"])
def test_any_damaged_part_of_what_a_list_shows_makes_the_row_unreadable(patient, column):
    damage(patient, column)
    assert not Patient.objects.get().is_readable


def test_the_administrators_are_told_once(patient, settings, caplog):
    damage(patient)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            assert not Patient.objects.get().is_readable
    alerts = [record for record in caplog.records if record.name == settings.ADMINS_ALERT_LOGGER]
    assert [record.levelname for record in alerts] == ["CRITICAL"]
    assert str(patient.pk) in alerts[0].getMessage()


def test_an_outage_of_the_key_store_is_no_damage_and_closes_the_list(patient, other, monkeypatch):
    def fail() -> None:
        raise KeyUnavailable("kms")

    forget_keys()
    monkeypatch.setattr(keys, "_master_keys", fail)
    with pytest.raises(KeyUnavailable):
        Patient.objects.all().page_by_name(1, 10)


def test_the_damaged_chart_itself_is_503(patient, psychiatrist, signed_in):
    damage(patient)
    client = signed_in(psychiatrist)
    assert client.get(f"/api/v1/patients/{patient.pk}").status_code == 503
    assert client.get(f"/patients/{patient.pk}/", follow=True).status_code == 503


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL keeps no text in a column of bytes")
@pytest.mark.parametrize("planted", ["Mallory", 10**12, 1.5])
def test_what_is_no_bytes_is_damage_too(patient, psychiatrist, signed_in, planted):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE patients_patient SET first_name = %s", [planted])
    answer = signed_in(psychiatrist).get(f"/api/v1/patients/{patient.pk}")
    assert (answer.status_code, answer.json()["code"]) == (503, "keys_unavailable")


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL keeps no text in a column of bytes")
def test_a_key_that_is_no_bytes_is_lost(patient):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE phi_datakey SET wrapped = 'text'")
    forget_keys()
    assert not Patient.objects.get().is_readable
