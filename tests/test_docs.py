"""Docs cannot lag: a setting, a route, a right or a command that they do not name fails."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.apps import apps
from drf_spectacular.generators import SchemaGenerator

from novamind.accounts.roles import RIGHTS, ROLES, SUPERUSER_RIGHTS
from patients.models import Part2Record

ROOT = Path(__file__).resolve().parents[1]
DOCS = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
APPS = ("novamind", "patients", "actigraphy", "twins", "insights")


def settings_text() -> str:
    files = ("settings.py", "settings_messages.py")
    return "".join((ROOT / "novamind" / name).read_text(encoding="utf-8") for name in files)


def test_every_setting_that_is_read_is_explained():
    settings = settings_text()
    read = set(re.findall(r"""(?:\benv(?:\.\w+)?|\bsecret)\(\s*["']([A-Z][A-Z0-9_]*)["']""", settings))
    assert "DATABASE_URL" in read
    assert {name for name in read if f"`{name}`" not in DOCS["settings.md"]} == set()


def test_no_setting_is_explained_that_nothing_reads():
    settings = settings_text()
    rows = [line.split("|")[1] for line in DOCS["settings.md"].splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([A-Z][A-Z0-9_]+)`", row)}
    assert {name for name in named if f'"{name}"' not in settings} == set()


def test_every_route_of_the_api_is_named_with_its_methods():
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    routes = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert {route for route in routes if f"`{route}`" not in DOCS["api.md"]} == set()
    assert set(re.findall(r"`([A-Z]+ /api/v1/[^`]*)`", DOCS["api.md"])) <= routes


def test_every_command_is_named():
    commands = {
        path.stem
        for app in APPS
        for path in (ROOT / app).glob("**/management/commands/*.py")
        if path.stem != "__init__"
    }
    everything = "\n".join(DOCS.values())
    assert {name for name in commands if f"manage.py {name}" not in everything} == set()


@pytest.mark.parametrize("right", RIGHTS)
def test_the_table_of_rights_is_the_one_in_code(right):
    header = next(line for line in DOCS["roles.md"].splitlines() if line.startswith("| Right"))
    columns = [cell.strip() for cell in header.strip("|").split("|")][1:]
    row = next(line for line in DOCS["roles.md"].splitlines() if line.startswith(f"| `{right}`"))
    cells = [cell.strip() for cell in row.strip().removeprefix("|").removesuffix("|").split("|")][1:]
    said = {column for column, cell in zip(columns, cells, strict=True) if cell == "yes"}
    assert set(columns) == {*ROLES, "superuser"}
    assert said == RIGHTS[right] | ({"superuser"} if right in SUPERUSER_RIGHTS else set())


def test_links_between_pages_lead_somewhere():
    for name, text in DOCS.items():
        for target in re.findall(r"\]\(([\w/.-]+\.md)\)", text):
            assert (ROOT / "docs" / target).is_file(), f"{name}: {target}"


def test_the_page_on_consent_names_every_record_that_carries_a_part_2_label():
    text = (ROOT / "docs" / "consent.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`([A-Z][a-z]+[A-Za-z]*)`", text.split("These carry it:")[1].split("Of notes")[0]))
    assert told == {model.__name__ for model in apps.get_models() if issubclass(model, Part2Record)}
