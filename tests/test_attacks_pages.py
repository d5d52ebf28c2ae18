"""Attack 3, third part: a mark in every text of every row, on every page; and templates that could let one through."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import models

from novamind.phi.fields import EncryptedField
from patients.models import Consent
from patients.services import share_patient
from tests.test_attacks_fields import OURS
from tests.test_role_url_table import ask, visitor
from tests.urls_of_novamind import every_url, values_for

ROOT = Path(__file__).resolve().parents[1]
MARK = "'\"><i zqx>{{ 77777777|add:1 }}"
#: Words of ours, by which code is chosen; nobody can send one that is unknown.
WORDS_OF_OURS = {
    "zone", "device_type", "channel", "password", "digest", "weights_sha256", "input_hash", "sha256", "session_hash",
    "password_mark", "storage_name", "master_key_id", "kind", "key", "search_text", "queue",
}  # fmt: skip


APPENDED = {"patients.Consent", "registry.InferenceRecord"}  # their rows stay as they are


def poison() -> int:
    """Put the mark into every text of every row, a different one into each, and say how many there were."""
    done = 0
    for model in apps.get_models():
        if model._meta.app_label not in OURS or model._meta.label in APPENDED:
            continue
        fields = [field for field in model._meta.concrete_fields if is_text(field)]
        for row in model._base_manager.all() if fields else ():
            for field in fields:
                done += 1
                text = f"{done}{MARK}"
                setattr(row, field.attname, {"note": text} if field.name == "before" else text)  # what stood, by field
            plain = {field.attname: getattr(row, field.attname) for field in fields if not secret(field)}
            if plain:
                models.QuerySet(model).filter(pk=row.pk).update(**plain)
            if any(map(secret, fields)):
                row.save(update_fields=[field.attname for field in fields if secret(field)])
    return done


@pytest.fixture
def poisoned(chart: Any, clinical_admin: Any) -> Any:
    share_patient(patient=chart.patient, user=clinical_admin)
    Consent.objects.create(
        patient=chart.patient, purpose="research", stream="heart", given=True, how="written", remark=MARK
    )
    assert poison() > 50
    return chart


@pytest.mark.exhaustive
def test_a_mark_in_every_text_is_on_no_page_more_than_a_text(poisoned, psychiatrist, clinical_admin):
    wrong, shown = [], 0
    for user in (psychiatrist, clinical_admin):
        client = visitor(user)
        for url in every_url():
            if "logout" in url.name:
                continue
            answer = ask(client, "GET", url.of(values_for(url, poisoned, user)))
            is_page = answer.headers.get("Content-Type", "").startswith("text/html")
            told = answer.content.decode() if is_page else ""
            shown += "&lt;i zqx&gt;" in told
            if answer.status_code >= 500 or "<i zqx" in told or "77777778" in told:
                wrong.append(f"{url.name}: {answer.status_code}")
            if any("<" in inert for inert in re.findall(r'(?s)<script[^>]*json"[^>]*>(.*?)</script>', told)):
                wrong.append(f"{url.name}: markup within JSON")
            if answer.headers.get("X-Content-Type-Options") != "nosniff":
                wrong.append(f"{url.name}: not nosniff")
    assert wrong == []
    assert shown > 60


def secret(field: Any) -> bool:
    return isinstance(field, EncryptedField)


def is_text(field: Any) -> bool:
    kinds = models.CharField | models.TextField | EncryptedField
    room = getattr(field, "max_length", None) or 1000
    return (
        isinstance(field, kinds) and not field.choices and room > len(MARK) + 4 and field.name not in WORDS_OF_OURS
        and field.name != "date_of_birth"
    )  # fmt: skip


#: What hands a text on as markup, and where that is meant, with its reason.
UNSAFE = {
    "py": re.compile(r"mark_safe\(|SafeString\(|SafeText\(|format_html\((?!\s*['\"])|html_safe|autoescape"),
    "html": re.compile(r"\|\s*safe|autoescape|<script(?![^>]*\bsrc=)|\son[a-z]+=|javascript:|\sstyle="),
    "js": re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"),
}
MEANT = {
    "actigraphy/report.py": (
        3,
        "one file for one's own disk: our style, Plotly itself, and what Plotly wrote of a figure",
    ),
    "templates/actigraphy/report.html": (1, "the same file: a script of ours within the page, since it stands alone"),
}


def test_nothing_hands_a_text_on_as_markup_but_what_is_listed():
    found: dict[str, int] = {}
    for folder in ("novamind", "patients", "actigraphy", "twins", "insights", "templates", "static/js"):
        for path in (ROOT / folder).rglob("*.*"):
            unsafe = UNSAFE.get(path.suffix.lstrip("."))
            if unsafe and "tests" not in path.parts:
                place = str(path.relative_to(ROOT))
                found[place] = found.get(place, 0) + len(unsafe.findall(path.read_text(encoding="utf-8")))
    assert len(found) > 200
    assert {place: n for place, n in found.items() if n} == {place: n for place, (n, _) in MEANT.items()}
