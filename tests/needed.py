"""What some tests need and not every machine has: there without it they are skipped, in CI they fail."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import pytest


def needed(module: str) -> Any:
    """A module. Without it the test is skipped; in CI (``CI=true``) it fails: what nobody runs passes for ever."""
    return import_module(module) if in_ci() else pytest.importorskip(module)


def in_ci() -> bool:
    """Whether everything is to be run."""
    return os.environ.get("CI") == "true"


def axe() -> Any:
    """The accessibility checker."""
    return needed("axe_playwright_python.sync_playwright").Axe()
