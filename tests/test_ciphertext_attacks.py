"""Somebody who can write to the database, against every column of ciphertext: an error each time, never ciphertext."""

from __future__ import annotations

import threading
from collections import Counter
from itertools import permutations
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from novamind.phi import cipher, vault
from novamind.phi.cipher import Altered
from novamind.phi.columns import Columns, columns
from novamind.phi.fields import Ciphertext, EncryptedField
from novamind.phi.keys import KeyLost, KeyUnavailable, forget_keys
from novamind.phi.models import DataKey
from patients.models import Patient
from tests.one_of_everything import one_of_everything

pytestmark = pytest.mark.django_db


@pytest.fixture
def charts(patient, make_patient, team) -> list[Any]:
    """Every kind of ciphertext for one patient, and the fields of a second."""
    made = one_of_everything(patient)
    made.recording.metadata = {"note": "Zqxoutput"}
    made.recording.save()
    for row in (made.recording, made.genotype_file, made.export):
        row.file_key = cipher.encrypt(
            b"k" * 32, owner=patient.pk, table=row._meta.db_table, column="file_key", row=row.pk
        )
        row.save(update_fields=["file_key"])
    return [patient, make_patient(team, mrn="O-1", first_name="Other", last_name="Person", phone="1", email="a@b.test")]


Cell = tuple[Columns, Any, Any, bytes]


def cells() -> list[Cell]:
    """Every stored ciphertext: where it stands, and what it is."""
    return [
        (place, pk, field, values[field.attname])
        for place in columns()
        for batch in place.batches()
        for pk, values in batch
        for field in place.sealed
        if values[field.attname]
    ]


def read(place: Columns, pk: Any, field: Any, stored: bytes) -> Any:
    """What the application makes of these bytes in this place, as it would read them from the database."""
    if isinstance(field, EncryptedField):
        row = place.model(pk=pk)
        row.__dict__[field.attname] = field.from_db_value(stored, None, connection)
        return getattr(row, field.attname)
    return cipher.decrypt(stored, table=place.model._meta.db_table, column=field.column, row=pk)


def test_every_cell_opens_where_it_stands(charts):
    found = cells()
    assert {f"{place.model._meta.label}.{field.name}" for place, _, field, _ in found} == {
        f"{place.model._meta.label}.{field.name}" for place in columns() for field in place.sealed
    } - {"patients.EmergencyAccess.verdict_note"}
    for cell in found:
        assert read(*cell)


def test_no_ciphertext_opens_in_another_row_column_or_table(charts):
    """Every ordered pair of cells: rows, columns, tables and patients."""
    tried = 0
    for (place, pk, field, _), (_, _, _, other) in permutations(cells(), 2):
        with pytest.raises(Altered):
            read(place, pk, field, other)
        tried += 1
    assert tried > 300


def test_a_flipped_bit_in_any_byte_of_any_ciphertext_is_an_error(charts):
    tried = 0
    for place, pk, field, stored in cells():
        for at in range(len(stored)):
            with pytest.raises((Altered, KeyLost)):
                read(place, pk, field, stored[:at] + bytes([stored[at] ^ (1 << at % 8)]) + stored[at + 1 :])
            tried += 1
    assert tried > 500


def test_cut_extended_and_planted_values_are_errors(charts):
    for place, pk, field, stored in cells():
        for planted in (stored[:-1], stored + b"\x00", stored[:21], b"Mallory", b"\x01", b"1931-02-17", b'{"a": 1}'):
            with pytest.raises((Altered, KeyLost)):
                read(place, pk, field, planted)


@pytest.mark.parametrize("harm", ["delete", "destroy", "exchange"])
def test_without_its_key_nothing_opens(charts, harm):
    if harm == "delete":
        DataKey.objects.all().delete()
    elif harm == "destroy":
        DataKey.objects.update(wrapped=b"")
    else:
        one, other = DataKey.objects.filter(purpose="data")[:2]
        DataKey.objects.filter(number=one.number).update(wrapped=other.wrapped)
        DataKey.objects.exclude(number=one.number).update(wrapped=one.wrapped)
    forget_keys()
    for cell in cells():
        with pytest.raises(KeyUnavailable):
            read(*cell)


def test_a_swapped_token_restores_nothing(charts):
    mine, other = charts
    from novamind.phi.detection import Kind
    from novamind.phi.models import PhiToken

    vault.token_for("Person", Kind.NAME, other.pk)
    theirs = PhiToken.objects.get(patient_id=other.pk)
    PhiToken.objects.filter(patient_id=mine.pk).update(sealed=theirs.sealed)
    with pytest.raises(Altered):
        vault.restore("[NAME-1]", mine.pk)


READS, READERS = 100_000, 8


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_hundred_thousand_threaded_reads_beside_failing_forms_show_no_ciphertext(charts):
    """Half of the cells are tampered with; forms of the same patients fail their validation all the while."""
    forget_keys()  # the ones that were not committed when they were read
    good = [cell for cell in cells() if isinstance(cell[2], EncryptedField) and cell[2].key_purpose == "data"]
    expected = {id(cell): read(*cell) for cell in good}
    bad = [(place, pk, field, stored[:-1] + bytes([stored[-1] ^ 1])) for place, pk, field, stored in good]
    keys = {key.number: key for key in DataKey.objects.all()}
    assert keys
    seen: Counter[str] = Counter()
    lock, over = threading.Lock(), threading.Event()
    rows = {patient.pk: dict(Patient.objects.get(pk=patient.pk).__dict__) for patient in charts}

    def reader(number: int) -> None:
        own: Counter[str] = Counter()
        for at in range(READS // READERS):
            cell, altered = good[(at + number) % len(good)], bad[(at * 7 + number) % len(bad)]
            try:
                value = read(*(altered if at % 2 else cell))
            except Altered:
                own["refused" if at % 2 else "WRONGLY REFUSED"] += 1
                continue
            if at % 2 or isinstance(value, bytes) or value != expected[id(cell)]:
                own["WRONG"] += 1
            else:
                own["right"] += 1
        with lock:
            seen.update(own)

    def forms() -> None:
        own: Counter[str] = Counter()
        while not over.is_set():
            for stored in rows.values():
                patient = Patient()
                patient.__dict__.update(stored)
                patient.zone = "Nowhere/Land"
                try:
                    patient.clean_fields()
                except ValidationError:
                    own["failed forms"] += 1
                own["CIPHERTEXT"] += isinstance(patient.first_name, bytes) or isinstance(patient.mrn, bytes)
        with lock:
            seen.update(own)

    workers = [threading.Thread(target=reader, args=(number,)) for number in range(READERS)]
    beside = threading.Thread(target=forms)
    for thread in [beside, *workers]:
        thread.start()
    for thread in workers:
        thread.join()
    over.set()
    beside.join()
    assert seen.pop("failed forms") > 0
    assert +seen == {"right": READS // 2, "refused": READS // 2}


def test_a_ciphertext_does_not_let_itself_be_written_out(charts):
    from django.core.exceptions import FieldError

    for _, _, _, stored in cells():
        for write in (str, "{}".format, lambda value: f"{value}"):
            with pytest.raises(FieldError):
                write(Ciphertext(stored))
