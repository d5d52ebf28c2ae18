"""The part of the settings about messages (docs/delivery.md) and the crisis text (docs/safety.md)."""

from __future__ import annotations

from typing import Any

import environ

#: Left out on paper, which nobody expects to answer.
NOT_THIS_PAGE = "Do not wait for an answer from this page."
#: A number to call would differ by place: production asks for the clinic's own words.
CRISIS_TEXT_WITHOUT_A_CLINIC = (
    "If you might act on thoughts of harming yourself, or are in danger, call your local emergency number now or go to "
    "the nearest emergency department. " + NOT_THIS_PAGE
)


def messages(env: environ.Env, *, hardened: bool, region: str) -> dict[str, Any]:
    """The settings by name. "console" sends nothing: a line in the log says what would have left."""
    crisis = env.str("CRISIS_TEXT", default="") or CRISIS_TEXT_WITHOUT_A_CLINIC
    email, key = env.str("EMAIL_PROVIDER", default="console"), env.str("EMAIL_API_KEY", default="")
    url, sender = env.str("EMAIL_API_URL", default=""), env.str("EMAIL_FROM", default="novamind@localhost")
    return {
        "SITE_URL": env.str("SITE_URL", default="" if hardened else "http://127.0.0.1:8000/"),
        "QUIET_HOURS": env.str("QUIET_HOURS", default="21:00-08:00"),
        "APPOINTMENT_REMINDER_HOURS": env.int("APPOINTMENT_REMINDER_HOURS", default=24),
        "EMAIL_PROVIDER": email,
        "EMAIL_FROM": sender,
        "DEFAULT_FROM_EMAIL": sender,
        "EMAIL_BACKEND": f"anymail.backends.{email}.EmailBackend",  # of "console", anymail's own, nothing is asked
        "EMAIL_API_KEY": key,
        "EMAIL_API_URL": url,
        "ANYMAIL": {
            "AMAZON_SES_CLIENT_PARAMS": {"region_name": region or None, "endpoint_url": url or None},
            "POSTMARK_SERVER_TOKEN": key,  # it calls its key so
            f"{email.upper()}_API_KEY": key,
            "REQUESTS_TIMEOUT": 20,
        }
        | ({f"{email.upper()}_API_URL": url} if url else {}),
        "SMS_PROVIDER": env.str("SMS_PROVIDER", default="console"),
        "TWILIO_ACCOUNT_SID": env.str("TWILIO_ACCOUNT_SID", default=""),
        "TWILIO_AUTH_TOKEN": env.str("TWILIO_AUTH_TOKEN", default=""),
        "TWILIO_FROM": env.str("TWILIO_FROM", default=""),
        "TWILIO_URL": env.str("TWILIO_URL", default="https://api.twilio.com"),
        "CRISIS_TEXT_WITHOUT_A_CLINIC": CRISIS_TEXT_WITHOUT_A_CLINIC,
        "CRISIS_TEXT": crisis,
        "CRISIS_TEXT_ON_PAPER": crisis.replace(NOT_THIS_PAGE, "").strip(),
    }
