"""Production starts only with settings that are safe, and says which are not."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from novamind.hardening import refuse_unsafe
from novamind.settings import development_secret

ROOT = Path(__file__).resolve().parents[2]


def database(engine: str = "postgresql", **options: str) -> dict[str, Any]:
    return {"DATABASES": {"default": {"ENGINE": f"django.db.backends.{engine}", "OPTIONS": options}}}


SAFE: dict[str, Any] = {
    "SITE_URL": "https://clinic.example/",
    "CRISIS_TEXT": "Ring the clinic.",
    "CRISIS_TEXT_WITHOUT_A_CLINIC": "Call your local emergency number.",
    "QUIET_HOURS": "21:00-08:00",
    "EMAIL_PROVIDER": "amazon_ses",
    "EMAIL_API_KEY": "",
    "EMAIL_API_URL": "",
    "SMS_PROVIDER": "console",
    "TWILIO_ACCOUNT_SID": "",
    "TWILIO_AUTH_TOKEN": "",
    "TWILIO_FROM": "",
    "TWILIO_URL": "https://api.twilio.com",
    "ENVIRONMENT": "production",
    "DEMO": False,
    "RATE_LIMITING_ENABLED": True,
    "PHI_SANITIZATION_ENABLED": True,
    "HIPAA_LOG_SANITIZATION_ENABLED": True,
    "SECRET_KEY": "s" * 32,
    "JWT_SECRET_KEY": "j" * 32,
    "AUDIT_SEAL_KEY": "a" * 32,
    "METRICS_TOKEN": "",
    "UPLOAD_LIMIT_MB": 500,
    "SENTRY_DSN": "",
    "OIDC_PROVIDERS": [],
    "ALLOWED_HOSTS": ["clinic.example"],
    "CSRF_TRUSTED_ORIGINS": ["https://clinic.example"],
    "TRUSTED_PROXY_COUNT": 1,
    "REDIS_URL": "rediss://:x@broker.example/0?ssl_cert_reqs=required&ssl_ca_certs=/certs/ca.crt",
    "CACHE_URL": "",
    "S3_ENDPOINT_URL": "",
    "PAT_BEDROCK_ENDPOINT": "",
    "NOTES_BEDROCK_ENDPOINT": "https://bedrock.example",
    "NOTES_OPENAI_URL": "https://models.example/v1",
    **database(sslmode="verify-full"),
}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"METRICS_TOKEN": "m" * 16, "TRUSTED_PROXY_COUNT": 0, "CSRF_TRUSTED_ORIGINS": []},
        {"CACHE_URL": "rediss://cache.example/0", "S3_ENDPOINT_URL": "http://objects:9000"},
        {"S3_ENDPOINT_URL": "https://objects.example"},
        {"NOTES_OPENAI_URL": "http://127.0.0.1:8000/v1"},
        {"REDIS_URL": "rediss://broker/0?ssl_cert_reqs=CERT_REQUIRED"},
    ],
)
def test_safe_settings_start(change):
    refuse_unsafe(SAFE | change)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("RATE_LIMITING_ENABLED", {"RATE_LIMITING_ENABLED": False}),
        ("PHI_SANITIZATION_ENABLED", {"PHI_SANITIZATION_ENABLED": False}),
        ("HIPAA_LOG_SANITIZATION_ENABLED", {"HIPAA_LOG_SANITIZATION_ENABLED": False}),
        ("DEMO", {"DEMO": True}),
        ("SECRET_KEY", {"SECRET_KEY": "zqx" * 10}),
        ("JWT_SECRET_KEY", {"JWT_SECRET_KEY": "zqx" * 10}),
        ("JWT_SECRET_KEY", {"JWT_SECRET_KEY": SAFE["SECRET_KEY"]}),
        ("AUDIT_SEAL_KEY", {"AUDIT_SEAL_KEY": "zqx" * 10}),
        ("AUDIT_SEAL_KEY", {"AUDIT_SEAL_KEY": SAFE["JWT_SECRET_KEY"]}),
        ("METRICS_TOKEN", {"METRICS_TOKEN": "zqx"}),
        ("OIDC_PROVIDERS", {"OIDC_PROVIDERS": [{"id": "x", "issuer": "http://zqx.example"}]}),
        ("SENTRY_DSN", {"SENTRY_DSN": "http://zqx@errors.example/1"}),
        ("ALLOWED_HOSTS", {"ALLOWED_HOSTS": []}),
        ("ALLOWED_HOSTS", {"ALLOWED_HOSTS": ["clinic.example", "*"]}),
        ("CSRF_TRUSTED_ORIGINS", {"CSRF_TRUSTED_ORIGINS": ["https://a.example", "http://zqx.example"]}),
        ("TRUSTED_PROXY_COUNT", {"TRUSTED_PROXY_COUNT": -1}),
        ("DATABASE_URL", database("sqlite3")),
        ("DATABASE_URL", database("mysql", sslmode="verify-full")),
        ("DATABASE_URL", database()),
        *[
            ("DATABASE_URL", database(sslmode=mode))
            for mode in ("disable", "allow", "prefer", "require", "verify-ca", "")
        ],
        ("UPLOAD_LIMIT_MB", {"UPLOAD_LIMIT_MB": 501}),
        ("REDIS_URL", {"REDIS_URL": ""}),
        ("REDIS_URL", {"REDIS_URL": "redis://:zqx@broker/0"}),
        *[
            (name, {name: f"rediss://:zqx@broker/0?{query}"})
            for name in ("REDIS_URL", "CACHE_URL")
            for query in (
                "ssl_cert_reqs=none",
                "ssl_cert_reqs=CERT_NONE",
                "ssl_cert_reqs=optional",
                "ssl_cert_reqs=required&ssl_cert_reqs=none",
                "ssl_cert_reqs=",
                "ssl_check_hostname=false",
            )
        ],
        ("S3_ENDPOINT_URL", {"S3_ENDPOINT_URL": "http://objects.zqx.example"}),
        ("S3_ENDPOINT_URL", {"S3_ENDPOINT_URL": "http://192.0.2.7:9000"}),
        ("S3_ENDPOINT_URL", {"S3_ENDPOINT_URL": "http://[2001:db8::7]:9000"}),
        ("S3_ENDPOINT_URL", {"S3_ENDPOINT_URL": "objects"}),
        ("SITE_URL", {"SITE_URL": "http://zqx.example/"}),
        ("CRISIS_TEXT", {"CRISIS_TEXT": "Call your local emergency number."}),
        ("SITE_URL", {"SITE_URL": "", "EMAIL_PROVIDER": "amazon_ses"}),
        ("TWILIO_URL", {"TWILIO_URL": "http://zqx.example"}),
        ("EMAIL_API_URL", {"EMAIL_API_URL": "http://zqx.example"}),
        *[
            (name, {name: url})
            for name in ("PAT_BEDROCK_ENDPOINT", "NOTES_BEDROCK_ENDPOINT", "NOTES_OPENAI_URL")
            for url in ("http://zqx.example", "http://zqx:8000/v1", "http://127.0.0.1.zqx.example", "zqx")
        ],
        ("SMS_PROVIDER", {"SMS_PROVIDER": "zqx"}),
        ("TWILIO_AUTH_TOKEN", {"SMS_PROVIDER": "twilio"}),
        ("EMAIL_PROVIDER", {"EMAIL_PROVIDER": "zqx"}),
        ("EMAIL_PROVIDER", {"EMAIL_PROVIDER": "console"}),
        ("EMAIL_API_KEY", {"EMAIL_PROVIDER": "postmark"}),
        *[("QUIET_HOURS", {"QUIET_HOURS": said}) for said in ("zqx", "21-8", "21:00-25:00")],
    ],
)
def test_an_unsafe_setting_is_named_and_never_quoted(name, change):
    with pytest.raises(ImproperlyConfigured, match=rf"\b{name}\b") as refused:
        refuse_unsafe(SAFE | change)
    assert "zqx" not in str(refused.value)


def test_everything_unsafe_is_said_at_once():
    with pytest.raises(ImproperlyConfigured, match=r"DEMO.*REDIS_URL"):
        refuse_unsafe(SAFE | {"DEMO": True, "REDIS_URL": ""})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"DATABASE_URL": "postgresql://app:x@database.invalid/novamind?sslmode=disable"}, "sslmode"),
        ({"DATABASE_URL": "postgresql://app:x@database.invalid/novamind?sslmode=verify-ca"}, "sslmode"),
        ({"PAT_BEDROCK_ENDPOINT": "http://bedrock.invalid"}, "PAT_BEDROCK_ENDPOINT"),
        ({"DEMO": "1"}, "DEMO is on"),
        ({"CRISIS_TEXT": ""}, "CRISIS_TEXT is not set"),
        ({"EMAIL_PROVIDER": ""}, "EMAIL_PROVIDER sends nothing"),
    ],
)
def test_the_settings_themselves_ask(change, said, tmp_path):
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "novamind.settings",
        "ENVIRONMENT": "staging",
        "DATA_DIR": str(tmp_path),
        "DEMO": "0",
        "ALLOWED_HOSTS": "clinic.invalid",
        "DATABASE_URL": "postgresql://app:x@database.invalid/novamind",
        "CACHE_URL": "",
    }
    env |= {name: SAFE[name] for name in ("SECRET_KEY", "JWT_SECRET_KEY", "AUDIT_SEAL_KEY", "REDIS_URL", "CRISIS_TEXT")}
    env |= {name: SAFE[name] for name in ("EMAIL_PROVIDER", "SITE_URL")}
    env |= change
    started = subprocess.run(
        [sys.executable, "-c", "import novamind.settings"], env=env, cwd=ROOT, capture_output=True, text=True
    )
    assert (started.returncode == 0) == (not said), started.stderr
    assert said in started.stderr


def test_a_process_that_starts_beside_another_reads_its_whole_secret(tmp_path, monkeypatch):
    path = tmp_path / "secrets" / "secret_key"
    make, beside = secrets.token_urlsafe, []

    def another_starts(length: int) -> str:
        monkeypatch.setattr(secrets, "token_urlsafe", make)
        beside.append(development_secret(path))
        return make(length)

    monkeypatch.setattr(secrets, "token_urlsafe", another_starts)
    ours = development_secret(path)
    assert beside == [ours]
    assert len(ours) > 60
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]
