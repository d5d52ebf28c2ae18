"""``.env.example`` names every setting, and starts the site as it stands."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
SETTINGS = "".join(
    (ROOT / "novamind" / name).read_text(encoding="utf-8") for name in ("settings.py", "settings_messages.py")
)

# The names that the users' own .env files have.
CONTRACT = set(
    """
    ENVIRONMENT DATABASE_URL REDIS_URL JWT_SECRET_KEY AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION S3_BUCKET
    OPENAI_API_KEY MENTALLAMA_MODEL_MAPPINGS XGBOOST_TREATMENT_RESPONSE_MODEL_PATH
    XGBOOST_OUTCOME_PREDICTION_MODEL_PATH XGBOOST_RISK_PREDICTION_MODEL_PATH RATE_LIMITING_ENABLED
    PHI_SANITIZATION_ENABLED PAT_MODEL_PROVIDER PAT_MODEL_ID PAT_AWS_REGION PAT_BATCH_SIZE PAT_MAX_SEQUENCE_LENGTH
    PAT_PHI_DETECTION_LEVEL HIPAA_LOG_SANITIZATION_ENABLED HIPAA_PHI_DETECTION_LEVEL
    JOB_LEASE_S TICK_S MASTER_KEY_FILE KMS_KEY_ID CACHE_URL MIGRATE_DATABASE_URL NOTES_PROVIDER UPLOAD_LIMIT_MB
    """.split()
)


def names(text: str) -> set[str]:
    return set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", text, flags=re.MULTILINE))


def sections() -> dict[str, str]:
    parts = re.split(r"^# --- (.+?) -+$", EXAMPLE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def read_by_settings() -> set[str]:
    return set(re.findall(r"""(?:\benv(?:\.\w+)?|\bsecret)\(\s*["']([A-Z][A-Z0-9_]*)["']""", SETTINGS))


def test_every_setting_that_is_read_is_named():
    assert read_by_settings() - names(EXAMPLE) == set()


def test_every_name_of_the_contract_is_named():
    assert names(EXAMPLE) >= CONTRACT


def test_every_name_is_read():
    """Those for the composition are read by ``docker-compose.yml``."""
    asked = {name for title, text in sections().items() if title != "docker compose" for name in names(text)}
    assert asked - read_by_settings() == set()


def test_no_name_appears_twice():
    found = re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", EXAMPLE, flags=re.MULTILINE)
    assert sorted(found) == sorted(set(found))


@pytest.mark.slow
def test_a_copy_of_the_example_changes_nothing(tmp_path):
    lines = [line for line in EXAMPLE.splitlines() if line and not line.startswith("#")]
    env = os.environ | dict(line.split("=", 1) for line in lines) | {"DATA_DIR": str(tmp_path)}
    for name in ("DATABASE_URL", "REDIS_URL", "CACHE_URL"):
        env.pop(name, None)
    shown = "from django.conf import settings as s; print(s.HARDENED, s.ON_SQLITE, s.REDIS_URL == '', s.DEMO)"
    command = [sys.executable, "-c", shown]
    env["DJANGO_SETTINGS_MODULE"] = "novamind.settings"
    result = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False", "True", "True", "False"]


@pytest.mark.parametrize(
    "line",
    [
        "PAT_BATCH_SIZE=32",
        "PAT_MAX_SEQUENCE_LENGTH=1120",  # the contract's 1,024 tokens are too few for PAT-L
        "XGBOOST_RISK_PREDICTION_MODEL_PATH=/models/risk_prediction.xgb",
        "HIPAA_PHI_DETECTION_LEVEL=strict",
    ],
)
def test_the_defaults_of_the_contract_stand(line):
    assert re.search(rf"^(?:# )?{re.escape(line)}$", EXAMPLE, flags=re.MULTILINE)


def test_the_batch_size_in_force_is_the_contracts():
    assert re.search(r'PAT_BATCH_SIZE = env\.int\("PAT_BATCH_SIZE", default=32\)', SETTINGS)
