"""``docs/security.md`` and ``docs/asvs.csv``: every test that they name exists, and their numbers are right."""

from __future__ import annotations

import ast
import csv
import os
import re
import subprocess
import sys
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

import pytest
from rest_framework_simplejwt.tokens import RefreshToken

from novamind import clock
from novamind.accounts.models import User
from tests.signing_in import sign_in

ROOT = Path(__file__).resolve().parents[1]
DOCS = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
with (ROOT / "docs" / "asvs.csv").open(encoding="utf-8", newline="") as _file:
    ASVS = list(csv.DictReader(_file))
MAPPED = [row for row in ASVS if row["state"] == "mapped"]
APPLY = [row for row in ASVS if row["state"] != "not applicable"]
HIPAA = [
    [cell.strip() for cell in line.strip("|").split("|")] for line in DOCS.splitlines() if line.startswith("| 164.3")
]

#: What was chosen: the requirements of levels 1 and 2 that concern this kind of system most.
CHOSEN = """
1.2.1 1.2.3 1.2.4 1.3.7 1.5.1 1.5.2 2.3.3 2.4.1
3.3.1 3.3.2 3.3.3 3.4.1 3.4.2 3.4.3 3.4.4 3.4.5 3.4.6 3.7.2 4.1.3 5.2.2 5.2.3 5.3.2 5.4.1 5.4.2 5.4.3
6.2.9 6.2.10 6.2.11 6.2.12 6.3.3 6.3.4 6.4.3 6.5.1 7.3.1 7.4.1 7.4.2 7.4.3 7.4.4 7.4.5 8.2.1 8.2.2 8.2.3 8.4.1
9.1.1 9.1.2 9.1.3 9.2.1 9.2.2 9.2.3 9.2.4 11.3.1 11.3.2 11.3.3 13.2.4 13.3.1 14.2.1 14.2.2 14.2.3 14.2.4 14.3.1 14.3.2
15.3.3 15.3.4 16.2.1 16.2.2 16.2.3 16.2.4 16.2.5 16.3.1 16.3.2 16.3.3 16.3.4 16.4.1 16.4.2 16.4.3 16.5.1 16.5.2 16.5.3
""".split()


@lru_cache
def named_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def exists(test: str) -> bool:
    path, _, name = test.partition("::")
    return name.startswith("test_") and (ROOT / path).is_file() and name in named_in(path)


def test_every_chosen_requirement_is_there_once():
    assert [row["requirement"] for row in ASVS] == CHOSEN
    assert {row["level"] for row in ASVS} <= {"1", "2"}
    assert {row["state"] for row in ASVS} <= {"mapped", "open", "not applicable"}


@pytest.mark.parametrize("row", MAPPED, ids=[row["requirement"] for row in MAPPED])
def test_the_test_of_a_requirement_exists(row):
    assert exists(row["test or reason"]), row["test or reason"]


def test_what_is_open_or_does_not_apply_says_why():
    assert all(len(row["test or reason"].split()) > 3 for row in ASVS if row["state"] != "mapped")
    assert not [row for row in ASVS if row["state"] != "mapped" and "::" in row["test or reason"]]


def test_the_share_that_is_mapped_is_the_one_the_page_says():
    share = round(100 * len(MAPPED) / len(APPLY))
    told = " ".join(DOCS.split())
    opened = len(APPLY) - len(MAPPED)
    assert (
        f"{len(MAPPED)} of {len(APPLY)} that apply are mapped to an automatic test ({share} %), {opened} are open"
        in told
    )
    assert share >= 90
    assert f"a selection: {len(ASVS)} of the 253 requirements of levels 1 and 2" in told
    assert f"Nothing is said of the other {253 - len(ASVS)}" in told


def test_every_rule_of_hipaa_has_its_test_or_says_what_is_open():
    tested = [row for row in HIPAA if row[2]]
    assert f"{len(tested)} of {len(HIPAA)} rows have a test." in DOCS
    assert [row[2] for row in tested if not exists(row[2].strip("`"))] == []
    assert all(row[1].startswith("open: ") for row in HIPAA if not row[2])
    assert len(HIPAA) >= 17


def test_a_test_that_is_not_there_would_be_seen():
    assert exists("tests/test_security_map.py::test_every_chosen_requirement_is_there_once")
    assert not exists("tests/test_security_map.py::test_that_nobody_wrote")
    assert not exists("tests/nowhere.py::test_x")


@pytest.mark.slow
def test_cookies_in_production_are_secure_and_of_this_host(tmp_path):
    shown = "from novamind import settings as s; print(*(v for k, v in sorted(vars(s).items()) if 'COOKIE' in k))"
    env = os.environ | {"ENVIRONMENT": "production", "DATA_DIR": str(tmp_path), "DEMO": "0", "CACHE_URL": ""}
    env |= {"ALLOWED_HOSTS": "clinic.invalid", "DATABASE_URL": "postgresql://app:x@database.invalid/novamind"}
    env |= {"SECRET_KEY": "a" * 40, "JWT_SECRET_KEY": "b" * 40, "AUDIT_SEAL_KEY": "c" * 40}
    env |= {"REDIS_URL": "rediss://broker.invalid/0", "METRICS_TOKEN": "", "CRISIS_TEXT": "Ring us."}
    env |= {"EMAIL_PROVIDER": "amazon_ses", "SITE_URL": "https://clinic.invalid/"}
    told = subprocess.run([sys.executable, "-c", shown], env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "__Host-sessionid" in told.stdout
    assert "__Host-csrftoken" in told.stdout
    assert "False" not in told.stdout


@pytest.mark.django_db
def test_no_password_grows_old(client, psychiatrist):
    User.objects.update(created_at=clock.now() - timedelta(days=4000), last_login=clock.now() - timedelta(days=3999))
    assert sign_in(client, psychiatrist).status_code == 302
    assert client.get("/patients/").status_code == 200


def test_a_token_of_another_type_opens_nothing(client, psychiatrist):
    token = RefreshToken.for_user(psychiatrist)
    assert client.get("/api/v1/patients", HTTP_AUTHORIZATION=f"Bearer {token}").status_code == 401


def test_one_cipher_is_used():
    """AES-GCM-SIV everywhere: authenticated, and a nonce that comes twice gives nothing away but equality."""
    used = set()
    for path in ROOT.glob("*/**/*.py"):
        if {".venv", "tests"} & set(path.parts):
            continue
        used |= set(re.findall(r"ciphers(?:\.aead)? import (.+)", path.read_text(encoding="utf-8")))
    assert used == {"AESGCMSIV"}
