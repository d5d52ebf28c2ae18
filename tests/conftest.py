"""What the cross-app suites share."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.one_of_everything import one_of_everything


@pytest.fixture
def chart(patient: Any, psychiatrist: Any) -> SimpleNamespace:
    """The cast's patient with one row of everything that a chart and the rooms around it hold."""
    return one_of_everything(patient)
