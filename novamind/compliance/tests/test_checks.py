"""Each check can fail, and says its numbers."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from novamind import clock
from novamind.accounts.models import User
from novamind.compliance import checks
from novamind.hardening import SWITCHES
from novamind.phi.models import DataKey

pytestmark = pytest.mark.django_db


def outcome(source, key):
    return {check.key: check for check in source()}[key]


@pytest.fixture
def master_key(settings, tmp_path: Path) -> Path:
    path = tmp_path / "master.key"
    path.write_bytes(b"0" * 32)
    path.chmod(0o400)
    settings.MASTER_KEY_FILE = path
    DataKey.objects.create(patient_id=None, purpose="data", master_key_id="a", wrapped=b"x")
    return path


def test_one_private_master_key_holds(master_key):
    found = outcome(checks.of_secrets, "encryption")
    assert (found.state, "1 data keys under 1 master keys" in found.fact) == ("holds", True)


def test_a_master_key_others_can_read_fails(master_key):
    master_key.chmod(0o440)
    found = outcome(checks.of_secrets, "encryption")
    assert (found.state, "readable by others" in found.fact) == ("fails", True)


def test_two_master_keys_fail(master_key):
    DataKey.objects.create(patient_id=None, purpose="index", master_key_id="b", wrapped=b"x")
    assert outcome(checks.of_secrets, "encryption").state == "fails"


def test_a_missing_master_key_fails_unless_there_is_nothing_to_open(master_key):
    master_key.unlink()
    assert outcome(checks.of_secrets, "encryption").state == "fails"
    DataKey.objects.all().delete()
    assert outcome(checks.of_secrets, "encryption").state == "not configured"


@pytest.mark.parametrize(
    ("broker", "cache", "state"),
    [
        ("", "", "not configured"),
        ("rediss://a/0", "rediss://b/0?ssl_cert_reqs=required", "holds"),
        ("rediss://a/0", "redis://b/0", "fails"),
        ("rediss://a/0?ssl_cert_reqs=none", "", "fails"),
    ],
)
def test_redis_by_its_addresses(settings, broker, cache, state):
    settings.REDIS_URL, settings.CACHE_URL = broker, cache
    found = outcome(checks.of_the_wire, "redis_tls")
    assert found.state == state
    assert "://" not in found.fact


def test_the_database_is_asked_how_it_is_reached():
    found = outcome(checks.of_the_wire, "database_tls")
    if connection.vendor == "sqlite":
        assert found.state == "not configured"
    else:  # the servers of the tests speak plainly
        assert (found.state, "not encrypted" in found.fact) == ("fails", True)


@pytest.mark.parametrize(
    ("encrypted", "mode", "state"),
    [(True, "verify-full", "holds"), (True, "verify-ca", "fails"), (True, "require", "fails"),
     (False, "verify-full", "fails")],
)  # fmt: skip
def test_a_certificate_of_another_host_is_not_enough(encrypted, mode, state):
    assert checks.state_of_tls(encrypted, mode) == state


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_that_is_off_is_named(settings, name):
    assert outcome(checks.of_the_house, "safety_switches").state == "holds"
    setattr(settings, name, False)
    found = outcome(checks.of_the_house, "safety_switches")
    assert (found.state, name in found.fact) == ("fails", True)


def test_accounts_that_nobody_uses(make_user):
    old = clock.now() - timedelta(days=91)
    never, gone = make_user("never@clinic.test", "therapist"), make_user("gone@clinic.test", "therapist")
    make_user("someone@clinic.test", "patient")
    User.objects.update(created_at=old)
    User.objects.filter(pk=gone.pk).update(last_login=old)
    make_user("new@clinic.test", "therapist")
    found = outcome(checks.of_the_house, "stale_accounts")
    assert (found.state, found.fact.startswith("2 of 3")) == ("fails", True)
    User.objects.filter(pk__in=[never.pk, gone.pk]).update(is_active=False)
    assert outcome(checks.of_the_house, "stale_accounts").state == "holds"


def test_a_backup_is_not_configured_until_there_is_one():
    assert outcome(checks.of_the_house, "backup").state == "not configured"


@pytest.mark.parametrize(
    ("kept", "state"),
    [
        (None, "not configured"),
        ("{", "not configured"),
        ({"bandit": 0, "pip_audit": 0}, "holds"),
        ({"bandit": 1, "pip_audit": 0}, "fails"),
        ({"bandit": 0, "pip_audit": 2}, "fails"),
        ({"bandit": 0, "pip_audit": None}, "fails"),
        ({"bandit": 0, "pip_audit": 0, "days": 31}, "fails"),
    ],
)
def test_the_last_result_of_the_tools(settings, tmp_path, kept, state):
    settings.DATA_DIR = tmp_path
    if kept is not None:
        (tmp_path / "checks").mkdir()
        if isinstance(kept, dict):
            kept = json.dumps(kept | {"at": (clock.now() - timedelta(days=kept.pop("days", 0))).isoformat()})
        (tmp_path / "checks" / "security.json").write_text(kept)
    assert outcome(checks.of_the_house, "code_scan").state == state
