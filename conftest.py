"""Fixtures for every suite: the shared data, the named cast, the audit triggers."""

from __future__ import annotations

import os

os.environ.setdefault("ENVIRONMENT", "test")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parent.parent / "shared"
PASSWORD = "correct horse battery staple"  # noqa: S105


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A green run without the recordings has not checked what only they can show."""
    if not (SHARED / "data").is_dir():
        terminalreporter.write_line("gold checks against real recordings skipped: no ../shared/data", yellow=True)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real recordings that are not part of the repository; a test that needs them skips without them."""
    if not (SHARED / "data").is_dir():
        pytest.skip("needs ../shared/data, which is not here")
    return SHARED / "data"


@pytest.fixture(scope="session")
def shared_reference() -> Path:
    """Reference values that are not part of the repository."""
    if not (SHARED / "reference").is_dir():
        pytest.skip("needs ../shared/reference, which is not here")
    return SHARED / "reference"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Take the append-only triggers away: emptying a table between tests is what they forbid. Remember what migrations
    have written."""
    from django.db import connection

    from novamind.audit import triggers

    with django_db_blocker.unblock():
        triggers.drop(connection)
        OF_MIGRATIONS.update(_rows(connection))


#: What migrations write of the models alone: the same after every test, and written nowhere else.
OF_THE_MODELS = {"django_content_type", "auth_permission"}
#: What migrations write beside that (roles, first rules, …): the columns and rows of each table.
OF_MIGRATIONS: dict[str, tuple[list[str], list[Any]]] = {}


@pytest.fixture(scope="session", autouse=True)
def quick_flush() -> Iterator[None]:
    """A test with real transactions ends by emptying every table. Content types and permissions stay: to empty them
    too and have ``post_migrate`` write them anew takes longer than most of these tests. PostgreSQL deletes the few rows
    there are: TRUNCATE of a hundred tables makes a hundred files anew. What migrations wrote is put back, so that tests
    of every kind may follow each other in any order."""
    from django.core.management.commands import flush

    def statements(style: Any, connection: Any, **how: Any) -> list[str]:
        tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
        tables = [name for name in tables if name not in OF_THE_MODELS]
        if connection.vendor == "postgresql":
            return [f'DELETE FROM "{name}"' for name in _with_rows(connection, tables)]
        return connection.ops.sql_flush(style, tables, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush, "sql_flush", statements)
        patch.setattr(flush, "emit_post_migrate_signal", lambda *args, **kwargs: _put_back())
        yield


def _rows(connection: Any) -> dict[str, tuple[list[str], list[Any]]]:
    """Each table's columns and rows, of tables that have any."""
    found = {}
    with connection.cursor() as cursor:
        for table in set(connection.introspection.django_table_names(only_existing=True)) - OF_THE_MODELS:
            cursor.execute(f'SELECT * FROM "{table}"')
            if rows := cursor.fetchall():
                found[table] = ([column[0] for column in cursor.description], rows)
    return found


def _put_back() -> None:
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        for table, (columns, rows) in OF_MIGRATIONS.items():
            names, places = ", ".join(f'"{name}"' for name in columns), ", ".join("%s" for _ in columns)
            cursor.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({places})', rows)
        cursor.execute("DELETE FROM audit_change")  # what triggers note of it


def _with_rows(connection: Any, tables: list[str]) -> list[str]:
    """Those of the tables that hold a row; foreign keys are asked at the commit, so that their order is free. The last
    is where triggers note what the others delete."""
    asked = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM \"{name}\")" for name in tables)
    with connection.cursor() as cursor:
        cursor.execute(asked)
        return [*({name for (name,) in cursor.fetchall()} - {"audit_change"}), "audit_change"]


@pytest.fixture
def audit_triggers(transactional_db: None) -> Iterator[None]:
    """The append-only triggers, as every real database has them."""
    from django.db import connection

    from novamind.audit import triggers

    triggers.install(connection)
    yield
    triggers.drop(connection)


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Path) -> None:
    """Stored files, messages and model weights of a test live and die with it; hashing passwords is quick."""
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "files")},
        }
    }
    # pytest-django has read the settings before this file set the variable; without it an incomplete audit only alerts.
    settings.ENVIRONMENT = "test"
    settings.BROKER_DIR = tmp_path / "broker"
    settings.PAT_WEIGHTS_DIR = tmp_path / "models"
    settings.ANALYZE_WAIT_S = 0  # no worker runs beside a test, unless it starts one
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def no_remembered_keys() -> Iterator[None]:
    """Data keys are rows, and rows are rolled back; a remembered key would outlive its row."""
    from novamind.phi.keys import forget_keys

    forget_keys()
    yield
    forget_keys()


@pytest.fixture(autouse=True)
def force_login_is_a_whole_sign_in(monkeypatch: Any) -> None:
    """``client.force_login`` stands for password and second factor, given just now; tests of signing in type both."""
    from django.test import Client

    from novamind.accounts.second_factor import record

    begin = Client._login

    def whole(self: Any, user: Any, backend: str | None = None) -> None:
        begin(self, user, backend)
        session = self.session
        record(session, user, "totp")
        session.save()

    monkeypatch.setattr(Client, "_login", whole)


@pytest.fixture(autouse=True)
def wide_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request is counted, as always; but a suite asks more in a minute than any person."""
    from dataclasses import replace

    from novamind.throttle.rates import RATES

    wide = {kind: replace(rate, limit=rate.limit * 1000) for kind, rate in RATES.items()}
    monkeypatch.setattr("novamind.throttle.callers.RATES", wide)


@pytest.fixture
def make_user(db: None) -> Callable[..., Any]:
    """A user with a role: ``make_user("a@clinic.test", "psychiatrist")``."""
    from django.contrib.auth.models import Group

    from novamind.accounts.models import User

    def make(email: str, *roles: str, **fields: Any) -> Any:
        user = User.objects.create_user(email, PASSWORD, display_name=email.split("@")[0], **fields)
        # A test with real transactions ends by emptying every table, the roles of the migration included.
        user.groups.set([Group.objects.get_or_create(name=role)[0] for role in roles])
        return user

    return make


@pytest.fixture
def team(db: None) -> Any:
    """The team most of the cast works in."""
    from patients.models import CareTeam

    return CareTeam.objects.create(name="North")


@pytest.fixture
def other_team(db: None) -> Any:
    """A team that does not care for the cast's patient."""
    from patients.models import CareTeam

    return CareTeam.objects.create(name="South")


@pytest.fixture
def psychiatrist(make_user: Any, team: Any) -> Any:
    """Treats the patient."""
    return _member(make_user("psychiatrist@clinic.test", "psychiatrist"), team)


@pytest.fixture
def nurse(make_user: Any, other_team: Any) -> Any:
    """A nurse practitioner of the other team: may do much, to other people."""
    return _member(make_user("nurse@clinic.test", "nurse practitioner"), other_team)


@pytest.fixture
def therapist(make_user: Any, team: Any) -> Any:
    """Treats the patient, with fewer rights."""
    return _member(make_user("therapist@clinic.test", "therapist"), team)


@pytest.fixture
def clinical_admin(make_user: Any) -> Any:
    """Runs the clinic; on no team."""
    return make_user("admin@clinic.test", "clinical admin", is_staff=True)


@pytest.fixture
def researcher(make_user: Any) -> Any:
    """Sees no chart."""
    return make_user("researcher@clinic.test", "researcher")


@pytest.fixture
def superuser(make_user: Any) -> Any:
    """Manages accounts and sees no chart."""
    return make_user("root@clinic.test", is_superuser=True, is_staff=True)


@pytest.fixture
def outsider(make_user: Any) -> Any:
    """Signed in, without a role."""
    return make_user("outsider@clinic.test")


def _member(user: Any, team: Any) -> Any:
    from patients.services import join_team

    join_team(team=team, user=user)
    return user


@pytest.fixture
def make_patient(db: None) -> Callable[..., Any]:
    """A patient in the care of these teams."""
    from patients.services import create_patient

    def make(*teams: Any, **fields: Any) -> Any:
        known = {"first_name": "Zqxfirst", "last_name": "Zqxlast", "date_of_birth": date(1931, 2, 17)}
        return create_patient(by=None, teams=teams, **(known | fields))

    return make


@pytest.fixture
def patient(make_patient: Any, team: Any) -> Any:
    """The cast's patient: every identifier is a canary that must appear nowhere it is not wanted."""
    return make_patient(team, mrn="ZQX-MRN-7781", phone="+4799977810", email="zqx7781@mail.test")


@pytest.fixture
def signed_in(client: Any) -> Callable[[Any], Any]:
    """The test client, signed in as this user."""

    def sign_in(user: Any) -> Any:
        client.force_login(user)
        return client

    return sign_in
