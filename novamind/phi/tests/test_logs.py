"""What a log line may hold."""

from __future__ import annotations

import json
import logging

import pytest

from novamind.phi.logs import LineFormatter, SanitizingFilter


def line(message: str, *args: object, **more: object) -> str:
    record = logging.LogRecord(
        "novamind.test", logging.ERROR, "file.py", 1, message, args, **({"exc_info": None} | more)
    )
    SanitizingFilter().filter(record)
    return LineFormatter().format(record)


@pytest.mark.parametrize(
    "text",
    [
        "password=hunter2zqx",
        "Password: hunter2zqx",
        '{"password": "hunter2zqx"}',
        "Authorization: Bearer hunter2zqx",
        "authorization=Token hunter2zqx",
        "Cookie: sessionid=hunter2zqx",
        "token=hunter2zqx&next=/",
    ],
)
def test_secrets_are_masked(text):
    assert "hunter2zqx" not in line(text)
    assert "hunter2zqx" not in line("%s", text)


def test_an_exceptions_message_stays_out_but_its_place_does_not():
    try:
        raise ValueError("born 1931-02-17")
    except ValueError as error:
        written = line("failed", exc_info=(ValueError, error, error.__traceback__))
    assert "1931" not in written
    assert json.loads(written)["error"] == "ValueError"
    assert "test_logs.py" in json.loads(written)["where"][-1]


def test_a_line_is_one_line_of_json_whatever_is_logged():
    written = line('first\nsecond \u2028 {"level": "forged"}')
    assert "\n" not in written
    assert json.loads(written)["level"] == "ERROR"


@pytest.mark.parametrize("value", ["kari.moen@post.example", "123-45-6789", "+47 22 33 44 55", "(555) 201-3344"])
def test_contacts_and_national_numbers_are_masked(value):
    assert value not in line("could not reach %s", value)


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("could not read the chart of Mrs Hansen", "Hansen"),
        ("patient Kari Nordmann cannot be opened", "Nordmann"),
        ("Her brother Torvald rang", "Torvald"),
        ("MRN: A-17 is taken", "A-17"),
        ("record number 4711 is taken", "4711"),
    ],
)
def test_names_that_something_announces_and_numbers_of_charts_are_masked(text, who):
    assert who not in line(text)


def test_what_programs_say_stays():
    for text in (
        "delivery 3f2504e0 (reminder) would have left now; no provider is configured",
        "rates are counted per process for 10 s: ConnectionError",
        "Found credentials in environment variables.",
        "account 0daa47e3-0034-4230-a9bc-e970eabe1f4e ended",
        "Watching for file changes with StatReloader",
    ):
        assert json.loads(line(text))["message"] == text


def test_the_ids_and_times_a_log_is_read_for_stay():
    text = "job 3f2504e0-4f89-11d3-9a0c-0305e82c3301 slot 2026-11-21T04:00:00+00:00 took 12.5 s at 10.0.0.4:5432"
    assert json.loads(line(text))["message"] == text


def test_the_switch_turns_masking_off_outside_production(settings):
    settings.HIPAA_LOG_SANITIZATION_ENABLED = False
    assert "kari.moen@post.example" in line("to kari.moen@post.example")


@pytest.mark.parametrize(
    "key",
    [
        "0daa47e3-0034-4230-a9bc-e970eabe1f4e",
        "00345678-1234-4abc-8def-004712345678",
        "a1b2c3d4-1234-4321-8765-123456789012",
    ],
)
def test_the_key_of_a_patient_is_no_telephone_number(key):
    """Whoever reads the line must find whom it is about."""
    assert f"patient {key} cannot" in line("patient %s cannot be opened", key)


def test_a_number_from_abroad_is_one_also_beside_a_key():
    said = line("patient %s rang from 0047 912 34 567.", "0daa47e3-0034-4230-a9bc-e970eabe1f4e")
    assert "912" not in said
