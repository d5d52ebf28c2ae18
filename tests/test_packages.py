"""Every package that was asked for is installed by default and works for its living; the web process starts light."""

import ast
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SOURCE = ("novamind", "patients", "actigraphy", "twins", "insights", "deploy")

#: Distribution -> the module it brings.
CARD = {
    "django": "django",
    "djangorestframework": "rest_framework",
    "django-guardian": "guardian",
    "django-auditlog": "auditlog",
    "celery": "celery",
    "redis": "redis",
    "tensorflow": "tensorflow",
    "boto3": "boto3",
    "pandas": "pandas",
    "plotly": "plotly",
}
#: Named in the settings and imported by Django from there.
BY_SETTING = {
    "psycopg": "django.db.backends.postgresql",
    "django-storages": "storages.backends.s3",
}


def distribution(requirement: str) -> str:
    name = requirement
    for mark in "[<>=!~ ;":
        name = name.split(mark)[0]
    return name.lower()


def imported() -> set[str]:
    """Top-level modules that anything but a test imports."""
    found = set()
    for folder in SOURCE:
        for path in (ROOT / folder).rglob("*.py"):
            if "tests" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found.add(node.module.split(".")[0])
    return found


def test_every_package_of_the_card_is_a_default_dependency():
    dependencies = {distribution(line) for line in PROJECT["project"]["dependencies"]}
    assert {*CARD, *BY_SETTING} - dependencies == set()
    assert "pytest-django" in {distribution(line) for line in PROJECT["dependency-groups"]["dev"]}


@pytest.mark.parametrize("name", CARD)
def test_a_package_of_the_card_is_used(name):
    assert CARD[name] in imported()


def test_the_packages_that_django_imports_are_named_in_the_settings(settings):
    text = (ROOT / "novamind" / "settings.py").read_text(encoding="utf-8")
    assert "storages.backends.s3.S3Storage" in text
    assert "db_url_config(DATABASE_URL)" in text  # a postgresql:// address is psycopg


def test_this_suite_runs_on_pytest_django(request):
    assert request.config.pluginmanager.hasplugin("django")


def test_a_web_process_starts_without_science_models_or_data_frames(tmp_path):
    program = (
        "import sys, json, novamind.wsgi; from django.urls import get_resolver; get_resolver().url_patterns; "
        "heavy = ('tensorflow', 'keras', 'sklearn', 'scipy', 'onnx', 'onnxruntime', 'pandas', 'plotly', 'h5py', "
        "'boto3', 'matplotlib'); "
        "print(json.dumps([name for name in heavy if name in sys.modules]))"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "DATA_DIR": str(tmp_path), "ENVIRONMENT": "test"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert json.loads(ran.stdout.splitlines()[-1]) == []
