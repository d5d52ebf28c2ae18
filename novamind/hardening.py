"""What staging and production refuse to start with. Each rule is one line of :func:`dangers`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.core.exceptions import ImproperlyConfigured

from novamind.limits import LIMITS

SECRET_CHARACTERS = 32
METRICS_CHARACTERS = 16
SECRETS = ("SECRET_KEY", "JWT_SECRET_KEY", "AUDIT_SEAL_KEY")
SWITCHES = ("RATE_LIMITING_ENABLED", "PHI_SANITIZATION_ENABLED", "HIPAA_LOG_SANITIZATION_ENABLED")
#: Those of django-anymail that take one key.
_MAIL_WITH_KEY = {"brevo", "mailersend", "mailgun", "mandrill", "postmark", "resend", "sendgrid", "sparkpost"}
THIS_MACHINE = {"127.0.0.1", "localhost", "::1"}
CHECKED_SSLMODE = "verify-full"  # verify-ca takes the certificate of any host of that authority


def refuse_unsafe(settings: Mapping[str, Any]) -> None:
    """Raise ``ImproperlyConfigured`` with a sentence for each setting that would expose patients."""
    if found := list(dangers(settings)):
        raise ImproperlyConfigured(f"{settings['ENVIRONMENT']} does not start like this: " + " ".join(found))


def dangers(settings: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for each unsafe setting; none quotes a value, which may be a secret."""
    for name in SWITCHES:
        if not settings[name]:
            yield f"{name} is off."
    if settings["DEMO"]:
        yield "DEMO is on; it is for synthetic patients."
    for name in SECRETS:
        if len(settings[name]) < SECRET_CHARACTERS:
            yield f"{name} is shorter than {SECRET_CHARACTERS} characters."
    for one, other in combinations(SECRETS, 2):
        if settings[one] == settings[other]:
            yield f"{other} is the same as {one}."
    if 0 < len(settings["METRICS_TOKEN"]) < METRICS_CHARACTERS:
        yield f"METRICS_TOKEN is shorter than {METRICS_CHARACTERS} characters."
    if settings["UPLOAD_LIMIT_MB"] > LIMITS["file_most"].value:
        yield f"UPLOAD_LIMIT_MB is more than {LIMITS['file_most'].value}."
    yield from _on_the_wire(settings)
    yield from _of_the_stores(settings)
    yield from _of_messages(settings)
    for name in ("PAT_BEDROCK_ENDPOINT", "NOTES_BEDROCK_ENDPOINT", "NOTES_OPENAI_URL"):
        if settings[name] and not is_private_road(settings[name]):
            yield f"{name} is neither https:// nor this machine."


def _on_the_wire(settings: Mapping[str, Any]) -> Iterator[str]:
    if not settings["ALLOWED_HOSTS"]:
        yield "ALLOWED_HOSTS is empty."
    if "*" in settings["ALLOWED_HOSTS"]:
        yield "ALLOWED_HOSTS lets any name in."
    if not all(origin.startswith("https://") for origin in settings["CSRF_TRUSTED_ORIGINS"]):
        yield "CSRF_TRUSTED_ORIGINS names an origin that is not https://."
    if settings["SENTRY_DSN"] and not settings["SENTRY_DSN"].startswith("https://"):
        yield "SENTRY_DSN is not https://."
    if not all(provider["issuer"].startswith("https://") for provider in settings["OIDC_PROVIDERS"]):
        yield "OIDC_PROVIDERS names an issuer that is not https://."
    if settings["TRUSTED_PROXY_COUNT"] < 0:
        yield "TRUSTED_PROXY_COUNT is negative."


def _of_the_stores(settings: Mapping[str, Any]) -> Iterator[str]:
    database = settings["DATABASES"]["default"]
    if database["ENGINE"] != "django.db.backends.postgresql":
        yield "DATABASE_URL is not PostgreSQL."
    elif database.get("OPTIONS", {}).get("sslmode") != CHECKED_SSLMODE:
        yield "DATABASE_URL has an sslmode that does not check whose certificate it is; verify-full alone is taken."
    if not settings["REDIS_URL"]:
        yield "REDIS_URL is not set."
    for name in ("REDIS_URL", "CACHE_URL"):
        if settings[name] and not is_checked_redis(settings[name]):
            yield f"{name} is not rediss://, or its certificate is not checked."
    if settings["S3_ENDPOINT_URL"] and not _is_safe_endpoint(settings["S3_ENDPOINT_URL"]):
        yield "S3_ENDPOINT_URL is not https:// and leaves this machine's own network."


def is_checked_redis(url: str) -> bool:
    """TLS to Redis with its certificate and name checked."""
    asked = parse_qs(urlsplit(url).query, keep_blank_values=True)
    checked = {value.lower() for value in asked.get("ssl_cert_reqs", [])} <= {"required", "cert_required"}
    # Left out, the host name is checked; clients differ in what they take for a "no".
    return url.startswith("rediss://") and checked and "ssl_check_hostname" not in asked


def is_private_road(url: str) -> bool:
    """TLS; or a server of this machine, which no wire leads to."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in THIS_MACHINE)


def _is_safe_endpoint(url: str) -> bool:
    """TLS; or a name without a dot, which only a container network knows: files are encrypted before they go there."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme == "https" or (parts.scheme == "http" and bool(host) and not set(host) & {".", ":"})


def _of_messages(settings: Mapping[str, Any]) -> Iterator[str]:
    for name in ("SITE_URL", "TWILIO_URL", "EMAIL_API_URL"):
        if settings[name] and not settings[name].startswith("https://"):
            yield f"{name} is not https://."
    if settings["EMAIL_PROVIDER"] in {"", "console"}:
        yield "EMAIL_PROVIDER sends nothing: alerts would be lines in the log, and nobody would be called."
    if not settings["SITE_URL"]:
        yield "SITE_URL is not set."
    if settings["SMS_PROVIDER"] not in {"console", "twilio"}:
        yield "SMS_PROVIDER is not console or twilio."
    wanted = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM") if settings["SMS_PROVIDER"] == "twilio" else ()
    yield from (f"{name} is not set." for name in wanted if not settings[name])
    if settings["EMAIL_PROVIDER"] not in {"", "console", *_MAIL_WITH_KEY, "amazon_ses"}:
        yield "EMAIL_PROVIDER is none that is known here."
    if settings["EMAIL_PROVIDER"] in _MAIL_WITH_KEY and not settings["EMAIL_API_KEY"]:
        yield "EMAIL_API_KEY is not set."
    if settings["CRISIS_TEXT"] == settings["CRISIS_TEXT_WITHOUT_A_CLINIC"]:
        yield "CRISIS_TEXT is not set: patients would read no number to call."
    if not re.fullmatch(r"(([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)?", settings["QUIET_HOURS"], re.ASCII):
        yield "QUIET_HOURS does not read as 21:00-08:00."
