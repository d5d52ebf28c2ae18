"""Attack 5: the trail under the hands of the application's role (all refused) and of the owner (all found)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.db import connection

from tests.two_roles import TwoRoles, two_roles

ROOT = Path(__file__).resolve().parents[1]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL: SQLite has no roles"),
]

FILL = """
from uuid import uuid4
from novamind.audit import anchors, seal
from novamind.accounts.models import User
from novamind.audit.models import ActivityReview, Change
from novamind.audit.recording import recorded, saw, write_event
from novamind.clock import now
for number in range(20):
    with recorded(actor_label="attack", request_id=str(uuid4())) as ledger:
        saw(uuid4())
        write_event(ledger, event_type="DATA_ACCESS", action="test")
assert seal.seal_new() == 20
assert anchors.anchor_if_due()
# An empty table has no row that a trigger could guard.
Change.objects.create(at=now(), op="INSERT", table_name="x", row_id="x", columns=[])
ActivityReview.objects.create(week=now().date(), reviewed_by=User.objects.create_user("x@clinic.test"))
"""


@dataclass
class Trail:
    """Twenty sealed and anchored events in a database with the two roles."""

    roles: TwoRoles
    folder: Path

    def manage(self, *command: str, role: str, database: str = "") -> subprocess.CompletedProcess[str]:
        environment = os.environ | {
            "ENVIRONMENT": "development",
            "DATABASE_URL": self.roles.url(role, database),
            "MIGRATE_DATABASE_URL": "",
            "DATA_DIR": str(self.folder),
            "MASTER_KEY_FILE": str(self.folder / "master.key"),
            "AUDIT_SEAL_KEY": "of the attack " * 4,
            "AUDIT_ANCHOR_URL": f"file://{self.folder}/anchors.jsonl",
            "REDIS_URL": "",
            "CACHE_URL": "",
        }
        return subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def trail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trail]:
    with two_roles(tmp_path_factory.mktemp("pgdata")) as roles:
        made = Trail(roles, tmp_path_factory.mktemp("novamind"))
        for role, command in (("owner", ("migrate", "-v0")), ("app", ("shell", "-v0", "-c", FILL))):
            done = made.manage(*command, role=role)
            assert done.returncode == 0, done.stderr
        yield made


TABLES = ("audit_auditevent", "audit_auditeventpatient", "audit_seal", "audit_change", "audit_activityreview")
AS_APP = [
    *(statement for table in TABLES for statement in (
        f"UPDATE {table} SET id = id",
        f"DELETE FROM {table}",
        f"TRUNCATE {table} CASCADE",
        f"DROP TABLE {table} CASCADE",
        f"ALTER TABLE {table} DISABLE TRIGGER USER",
        f"ALTER TABLE {table} RENAME TO gone",
        f"DROP TRIGGER {table}_rows ON {table}",
        f"CREATE RULE none AS ON INSERT TO {table} DO INSTEAD NOTHING",
        f"CREATE TEMP TABLE {table} (id int)",
    )),
    "INSERT INTO audit_auditevent SELECT * FROM audit_auditevent ON CONFLICT (id) DO UPDATE SET action = 'x'",
    "MERGE INTO audit_seal s USING audit_seal t ON s.id = t.id WHEN MATCHED THEN UPDATE SET mac = t.mac",
    "MERGE INTO audit_seal s USING audit_seal t ON s.id = t.id WHEN MATCHED THEN DELETE",
    "WITH gone AS (DELETE FROM audit_auditeventpatient RETURNING *) SELECT count(*) FROM gone",
    "SET session_replication_role = replica",
    "CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "DROP FUNCTION audit_append_only() CASCADE",
    "CREATE OR REPLACE FUNCTION audit_note_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "ALTER TABLE patients_patient DISABLE TRIGGER USER",
    "DROP TRIGGER audit_change_update ON patients_patient",
    "SET ROLE {owner}",
    "ALTER TABLE audit_auditevent OWNER TO {app}",
    "DELETE FROM pg_trigger",
]  # fmt: skip


@pytest.mark.parametrize("statement", AS_APP)
def test_the_application_can_change_nothing_of_the_trail(trail, statement):
    import psycopg

    name = trail.roles.name
    refusals = (psycopg.errors.InsufficientPrivilege, psycopg.errors.RaiseException, psycopg.errors.WrongObjectType)
    with trail.roles.connect("app") as app, pytest.raises(refusals):
        app.execute(statement.format(owner=f"{name}_owner", app=f"{name}_app"))


OPEN = "ALTER TABLE audit_{0} DISABLE TRIGGER USER;"
ALL_OPEN = "".join(OPEN.format(table) for table in ("auditevent", "auditeventpatient", "seal"))
NUMBER = "(SELECT event_id FROM audit_seal WHERE id = {0})"
OTHER_ORDER = """
CREATE TEMP TABLE kept AS SELECT * FROM audit_seal WHERE id IN (4, 5);
UPDATE audit_seal SET event_id = gen_random_uuid() WHERE id IN (4, 5);
UPDATE audit_seal s SET event_id = k.event_id FROM kept k WHERE s.id = 9 - k.id
"""
CUT = """
CREATE TEMP TABLE kept AS SELECT event_id FROM audit_seal WHERE id {0};
DELETE FROM audit_seal WHERE id {0};
DELETE FROM audit_auditeventpatient WHERE event_id IN (SELECT event_id FROM kept);
DELETE FROM audit_auditevent WHERE id IN (SELECT event_id FROM kept)
"""
PLANT = """
CREATE TEMP TABLE planted AS SELECT * FROM audit_auditevent LIMIT 1;
UPDATE planted SET id = gen_random_uuid(), at = at - interval '2 hours';
INSERT INTO audit_auditevent SELECT * FROM planted
"""
AS_OWNER = {
    "an event changed": f"UPDATE audit_auditevent SET actor_label = 'other' WHERE id = {NUMBER.format(7)}",
    "details added": f"UPDATE audit_auditevent SET details = '{{\"rows\": 1}}' WHERE id = {NUMBER.format(20)}",
    "a patient put in another's place": "UPDATE audit_auditeventpatient SET patient_id = gen_random_uuid() "
    f"WHERE event_id = {NUMBER.format(1)}",
    "a purpose flipped": f"UPDATE audit_auditeventpatient SET purpose = 'ETREAT' WHERE event_id = {NUMBER.format(1)}",
    "an opened chart made a listed one": "UPDATE audit_auditeventpatient SET opened = false "
    f"WHERE event_id = {NUMBER.format(1)}",
    "a purpose taken out": f"UPDATE audit_auditeventpatient SET purpose = '' WHERE event_id = {NUMBER.format(1)}",
    "a patient taken out": f"DELETE FROM audit_auditeventpatient WHERE event_id = {NUMBER.format(3)}",
    "an event deleted": f"DELETE FROM audit_auditeventpatient WHERE event_id = {NUMBER.format(9)}; "
    f"DELETE FROM audit_auditevent WHERE id = {NUMBER.format(9)}",
    "an event deleted with its seal": CUT.format("= 9"),
    "events emptied": "TRUNCATE audit_auditevent CASCADE",
    "everything emptied": "TRUNCATE audit_auditevent, audit_auditeventpatient, audit_seal",
    "two events in each other's place": OTHER_ORDER,
    "their times exchanged": "UPDATE audit_auditevent e SET at = o.at FROM audit_auditevent o "
    f"WHERE e.id = {NUMBER.format(4)} AND o.id = {NUMBER.format(5)}",
    "a time without end": f"UPDATE audit_auditevent SET at = 'infinity' WHERE id = {NUMBER.format(6)}",
    "a time before Christ": "UPDATE audit_auditeventpatient SET at = '2027-03-01 BC' "
    f"WHERE event_id = {NUMBER.format(8)}",
    "the tail cut off": CUT.format("> 15"),
    "the last event cut off": CUT.format("> 19"),
    "seals from the middle": "DELETE FROM audit_seal WHERE id BETWEEN 5 AND 8",
    "an event planted in the past": PLANT,
    "seals by a guessed key": "UPDATE audit_seal SET mac = sha256(mac)",
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("attack", AS_OWNER)
def test_whatever_the_owner_does_is_found(trail, attack):
    copy = f"{trail.roles.name}_copy"
    trail.roles.admin.execute(f"DROP DATABASE IF EXISTS {copy} WITH (FORCE)")
    trail.roles.admin.execute(f"CREATE DATABASE {copy} TEMPLATE {trail.roles.name} OWNER {trail.roles.name}_owner")
    with trail.roles.connect("owner", copy) as owner:
        owner.execute(ALL_OPEN + AS_OWNER[attack])
    done = trail.manage("verify_audit", role="app", database=copy)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "findings" in done.stdout


@pytest.mark.parametrize("table", TABLES[:3])
def test_the_owner_too_must_first_take_the_triggers_away(trail, table):
    import psycopg

    with trail.roles.connect("owner") as owner:
        for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
            with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
                owner.execute(statement)


def test_after_all_that_the_trail_is_what_it_was(trail):
    done = trail.manage("verify_audit", role="app")
    assert (done.returncode, "the chain holds" in done.stdout) == (0, True), done.stdout + done.stderr
    assert "20 events, 20 seals" in done.stdout
