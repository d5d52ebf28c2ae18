"""A site's own rules: answered by, named with their version, and refused at the start where they are none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.checks import run_checks

from twins.rules_in_use import rules_in_use, the_rules_can_be_read
from twins.science.pgx import shipped_rules
from twins.science.pgx.rules import SHIPPED
from twins.tests.test_medication import answer_of, client, clinician, drug_of, page_of, patient

__all__ = ["client", "clinician", "patient"]


@pytest.fixture
def own_rules(tmp_path: Any, settings: Any) -> Any:
    """The shipped rules under another version, in which CPIC says of citalopram what the clinic wrote."""
    said = json.loads(SHIPPED.read_text(encoding="utf-8"))
    rules = [
        row | {"text": "As this clinic has agreed."} if (row["source"], row["drug"]) == ("CPIC", "citalopram") else row
        for row in said["rules"]
    ]
    path = tmp_path / "own.json"
    path.write_text(json.dumps(said | {"version": "own-7", "rules": rules}), encoding="utf-8")
    settings.PGX_RULES_FILE = str(path)
    return path


@pytest.mark.django_db
def test_the_sites_own_rules_answer_on_the_page_and_over_the_api(client, patient, own_rules):
    assert "As this clinic has agreed." in page_of(client, patient)
    told = answer_of(client, patient)
    assert told["rules_version"] == "own-7"
    assert {one["version"] for one in drug_of(told, "escitalopram")["guidelines"]} == {"own-7"}
    assert the_rules_can_be_read(None) == []


def test_without_a_file_the_shipped_rules_are_in_use(settings):
    settings.PGX_RULES_FILE = ""
    assert rules_in_use() is shipped_rules()


@pytest.mark.parametrize("content", ["", "{}", None])
def test_a_file_that_is_no_set_of_rules_stops_the_start(tmp_path, settings, content):
    path = tmp_path / "wrong.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    settings.PGX_RULES_FILE = str(path)
    (error,) = [one for one in run_checks() if one.id == "twins.E001"]
    assert error.msg.startswith("PGX_RULES_FILE: wrong.json")
