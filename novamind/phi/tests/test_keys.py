"""Data keys, the master key and how long a process remembers either."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from datetime import date
from pathlib import Path
from uuid import uuid4

import boto3
import pytest
from botocore.stub import Stubber
from django.apps import apps
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from novamind.clock import now
from novamind.phi import cipher, keys
from novamind.phi.keys import KeyUnavailable, create_master_key_file, forget_keys, key_by_number, living_key
from novamind.phi.models import DataKey


def destroy(patient_id) -> None:
    DataKey.objects.filter(patient_id=patient_id).update(destroyed_at=now(), wrapped=b"")


@pytest.fixture
def later(monkeypatch):
    """Lets the memory's clock jump ahead."""
    ahead = {"s": 0.0}
    real = keys.time.monotonic
    monkeypatch.setattr(keys.time, "monotonic", lambda: real() + ahead["s"])
    return lambda seconds: ahead.update(s=ahead["s"] + seconds)


@pytest.fixture
def own_master_key(settings, tmp_path):
    settings.MASTER_KEY_FILE = tmp_path / "secrets" / "master.key"
    forget_keys()
    return settings.MASTER_KEY_FILE


@pytest.mark.django_db
def test_a_destroyed_key_opens_nothing_once_it_is_forgotten(patient):
    destroy(patient.pk)
    forget_keys()
    with pytest.raises(KeyUnavailable):
        _ = type(patient).objects.get(pk=patient.pk).first_name


@pytest.mark.django_db
def test_a_destroyed_key_is_served_for_five_minutes_at_most(patient, later):
    read = lambda: type(patient).objects.get(pk=patient.pk).first_name  # noqa: E731
    assert read() == "Zqxfirst"
    destroy(patient.pk)
    later(299)
    assert read() == "Zqxfirst"  # the documented price of surviving a short outage
    later(2)
    with pytest.raises(KeyUnavailable):
        read()


@pytest.mark.django_db
def test_new_data_of_a_patient_whose_key_was_destroyed_gets_a_new_key(patient):
    before, _ = living_key(patient.pk)
    destroy(patient.pk)
    forget_keys()
    assert living_key(patient.pk)[0] != before
    with pytest.raises(KeyUnavailable):
        key_by_number(before)


@pytest.mark.django_db
def test_another_master_key_opens_nothing(patient, own_master_key):
    with pytest.raises(KeyUnavailable, match="does not exist"):
        key_by_number(living_key(patient.pk)[0])  # lost while keys exist: never silently made anew
    create_master_key_file(own_master_key)
    with pytest.raises(KeyUnavailable, match="another master key"):
        _ = type(patient).objects.get(pk=patient.pk).first_name


@pytest.mark.django_db
def test_an_altered_or_exchanged_wrapped_key_is_refused(patient):
    mine = DataKey.objects.get(patient_id=patient.pk)
    stranger = uuid4()
    living_key(stranger)
    theirs = DataKey.objects.get(patient_id=stranger)
    for wrapped in (bytes(theirs.wrapped), bytes(mine.wrapped)[:-1] + bytes([mine.wrapped[-1] ^ 1]), b"", b"short"):
        DataKey.objects.filter(pk=mine.pk).update(wrapped=wrapped)
        forget_keys()
        with pytest.raises(KeyUnavailable):
            _ = type(patient).objects.get(pk=patient.pk).first_name


@pytest.mark.django_db
@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_master_key_of_the_wrong_length_is_refused(own_master_key, length):
    own_master_key.parent.mkdir(parents=True)
    own_master_key.write_bytes(b"k" * length)
    with pytest.raises(KeyUnavailable, match=f"{length} bytes"):
        living_key(None)


@pytest.mark.django_db
def test_production_never_makes_a_master_key(settings, own_master_key):
    settings.HARDENED = True
    with pytest.raises(KeyUnavailable, match="MASTER_KEY_FILE"):
        living_key(None)
    assert not own_master_key.exists()


def test_processes_that_start_together_agree_on_one_master_key(tmp_path):
    path, seen = tmp_path / "secrets" / "master.key", []

    def start() -> None:
        create_master_key_file(path)
        seen.append(path.read_bytes())

    threads = [threading.Thread(target=start) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 16
    assert set(map(len, seen)) == {32}
    assert len(set(seen)) == 1
    assert path.stat().st_mode & 0o777 == 0o400
    assert [file.name for file in path.parent.iterdir()] == ["master.key"]


@pytest.fixture
def kms(settings, own_master_key, monkeypatch):
    """A KMS that answers what it is told to, and nothing else."""
    settings.KMS_KEY_ID, settings.AWS_REGION = "alias/novamind", "eu-north-1"
    own_master_key.parent.mkdir(parents=True)
    own_master_key.write_bytes(b"wrapped by kms")
    client = boto3.client("kms", region_name="eu-north-1", aws_access_key_id="x", aws_secret_access_key="x")  # noqa: S106
    asked = {}
    monkeypatch.setattr(boto3, "client", lambda name, **options: asked.update(options) or client)
    with Stubber(client) as stub:
        stub.asked = asked
        yield stub


EXPECTED = {"CiphertextBlob": b"wrapped by kms", "KeyId": "alias/novamind"}


@pytest.mark.django_db
def test_kms_unwraps_the_master_key_once_in_five_minutes(kms, later):
    kms.add_response("decrypt", {"Plaintext": b"m" * 32, "KeyId": "alias/novamind"}, EXPECTED)
    number, key = living_key(None)
    living_key(uuid4())
    kms.assert_no_pending_responses()
    later(301)
    kms.add_response("decrypt", {"Plaintext": b"m" * 32, "KeyId": "alias/novamind"}, EXPECTED)
    assert key_by_number(number) == key
    assert kms.asked["config"].connect_timeout <= 5


@pytest.mark.django_db
@pytest.mark.parametrize("code", ["AccessDeniedException", "KMSInvalidStateException", "ThrottlingException"])
def test_a_kms_that_refuses_is_not_worked_around(kms, later, code):
    kms.add_response("decrypt", {"Plaintext": b"m" * 32}, EXPECTED)
    number, _ = living_key(None)
    later(100)
    assert key_by_number(number)  # a short outage goes unseen
    later(300)
    kms.add_client_error("decrypt", code, expected_params=EXPECTED)
    with pytest.raises(KeyUnavailable, match="KMS"):
        key_by_number(number)


@pytest.mark.django_db
def test_kms_without_credentials_or_answer_is_a_named_error(kms, monkeypatch):
    from botocore.exceptions import EndpointConnectionError

    def fail(*args, **kwargs):
        raise EndpointConnectionError(endpoint_url="https://kms.invalid")

    monkeypatch.setattr(boto3, "client", fail)
    with pytest.raises(KeyUnavailable, match="KMS"):
        living_key(None)


@pytest.mark.django_db
def test_a_key_whose_row_was_rolled_back_is_never_used(patient):
    stranger = uuid4()
    with transaction.atomic():
        number, key = living_key(stranger)
        assert living_key(stranger) == (number, key)
        transaction.set_rollback(True)
    again, other = living_key(stranger)
    assert other != key
    assert key_by_number(again) == other
    assert DataKey.objects.filter(patient_id=stranger, number=again).exists()


def committed_key(owner) -> tuple[int, bytes]:
    """A living key in memory as one of another day: its row is committed, not of a block that may be taken back."""
    living_key(owner)
    forget_keys()
    return living_key(owner)


@pytest.fixture
def unwrapped(monkeypatch):
    """The numbers of the keys that are unwrapped from here on."""
    numbers, real = [], keys._unwrap
    monkeypatch.setattr(keys, "_unwrap", lambda row, masters: (numbers.append(row.number), real(row, masters))[1])
    return numbers


@pytest.mark.django_db
def test_after_five_minutes_a_key_whose_row_is_unchanged_is_not_unwrapped_again(later, unwrapped):
    number, key = committed_key(uuid4())
    unwrapped.clear()
    later(301)
    with CaptureQueriesContext(connection) as asked:
        assert key_by_number(number) == key
    assert len(asked) == 1  # it was read again, and found unchanged
    assert unwrapped == []


@pytest.mark.django_db
def test_after_five_minutes_an_unchanged_key_is_of_no_use_without_its_master_key(own_master_key, later):
    number, _ = committed_key(uuid4())
    own_master_key.rename(own_master_key.with_suffix(".gone"))
    later(301)
    with pytest.raises(KeyUnavailable):
        key_by_number(number)


@pytest.mark.django_db
def test_after_five_minutes_a_key_whose_row_was_altered_is_lost(later):
    number, _ = committed_key(uuid4())
    row = DataKey.objects.get(number=number)
    wrapped = bytes(row.wrapped)
    DataKey.objects.filter(number=number).update(wrapped=wrapped[:-1] + bytes([wrapped[-1] ^ 1]))
    later(301)
    with pytest.raises(KeyUnavailable):
        key_by_number(number)


@pytest.mark.django_db
def test_a_key_that_another_process_retired_opens_but_encrypts_nothing_new_after_five_minutes(later):
    owner = uuid4()
    number, key = committed_key(owner)
    DataKey.objects.filter(number=number).update(retired_at=now())
    later(301)
    assert key_by_number(number) == key
    successor, other = living_key(owner)
    assert successor != number
    assert other != key


@pytest.mark.django_db
def test_a_refused_chart_leaves_no_phantom_index_key(make_patient, team):
    """The first chart ever is refused: what is indexed afterwards must be found by every process."""
    model = apps.get_model("patients.Patient")
    with transaction.atomic():
        make_patient(team, mrn="FIRST-1")
        transaction.set_rollback(True)
    made = make_patient(team, mrn="FIRST-2")
    forget_keys()  # another process
    assert model.objects.get(mrn_index="first-2") == made
    assert made.first_name == model.objects.get(pk=made.pk).first_name


@pytest.fixture
def real_locks(transactional_db):
    """Threads wait for each other's locks; the shared memory that SQLite's tests run in fails instead of waiting."""
    if connection.vendor == "sqlite" and connection.is_in_memory_db():
        pytest.skip("needs PostgreSQL or a SQLite file; the processes below race on a file")


@pytest.mark.postgres
@pytest.mark.usefixtures("real_locks")
@pytest.mark.parametrize("in_transaction", [True, False])
def test_two_that_create_one_patients_key_get_the_same(in_transaction):
    owner, made, failed = uuid4(), [], []
    start = threading.Barrier(4)

    def create() -> None:
        try:
            start.wait(60)
            forget_keys()
            if in_transaction:
                with transaction.atomic():
                    made.append(living_key(owner))
            else:
                made.append(living_key(owner))
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(set(made)) == 1
    assert DataKey.objects.filter(patient_id=owner).count() == 1


@pytest.mark.postgres
@pytest.mark.usefixtures("real_locks")
def test_what_the_loser_of_the_race_encrypted_still_opens():
    owner, row, sealed = uuid4(), uuid4(), []
    start = threading.Barrier(3)

    def seal() -> None:
        start.wait(60)
        with transaction.atomic():
            sealed.append(cipher.encrypt(b"secret", owner=owner, table="t", column="c", row=row))
        connection.close()

    threads = [threading.Thread(target=seal) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    forget_keys()
    assert [cipher.decrypt(one, table="t", column="c", row=row) for one in sealed] == [b"secret"] * 3


RACER = """
import sys, time, uuid
import django
django.setup()
from django.db import transaction
from novamind.phi.keys import living_key
time.sleep(max(0, float(sys.argv[2]) - time.time()))
with transaction.atomic():
    number, key = living_key(uuid.UUID(sys.argv[1]))
print(number, key.hex())
"""


@pytest.mark.slow
@pytest.mark.processes
def test_processes_that_create_one_patients_key_on_a_sqlite_file_get_the_same(tmp_path):
    environment = os.environ | {
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'race.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "novamind.settings",
    }
    root = Path(__file__).resolve().parents[3]
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=root, env=environment, check=True)
    arguments = [sys.executable, "-c", RACER, str(uuid4()), str(time.time() + 8)]
    racers = [
        subprocess.Popen(arguments, cwd=root, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    told = {racer.communicate(timeout=60)[0] for racer in racers}
    assert [racer.returncode for racer in racers] == [0, 0, 0, 0]
    assert len(told) == 1


@pytest.mark.django_db
def test_no_table_holds_what_identifies_a_patient(patient):
    from novamind.phi.tests.scanning import find_in_database

    assert find_in_database(["Zqxfirst", "Zqxlast", "1931-02-17", "ZQX-MRN-7781", "99977810", "zqx7781"]) == []
    model = apps.get_model("patients.Patient")
    model.objects.filter(pk=patient.pk).update(pronouns="zqxlast")
    assert find_in_database(["Zqxlast"]) == ["patients_patient.pronouns: Zqxlast"]
    assert patient.date_of_birth == date(1931, 2, 17)


@pytest.mark.django_db
def test_destroying_a_key_ends_its_use_at_once_here_and_leaves_a_tombstone(patient, make_patient, team):
    other = make_patient(team)
    read = lambda of: type(patient).objects.get(pk=of.pk).first_name  # noqa: E731
    assert [read(patient), read(other)] == ["Zqxfirst", "Zqxfirst"]
    keys.destroy_key(patient.pk)
    with pytest.raises(KeyUnavailable):
        read(patient)
    assert read(other) == "Zqxfirst"
    row = DataKey.objects.get(patient_id=patient.pk)
    assert (bytes(row.wrapped), row.destroyed_at is None) == (b"", False)


@pytest.mark.django_db(transaction=True)
def test_a_key_that_another_thread_read_before_the_commit_is_forgotten_with_it(patient):
    with transaction.atomic():
        keys.destroy_key(patient.pk)
        keys._memory.keep(
            DataKey(number=DataKey.objects.get(patient_id=patient.pk).number, patient_id=patient.pk), b"k"
        )
    with pytest.raises(KeyUnavailable):
        _ = type(patient).objects.get(pk=patient.pk).first_name
