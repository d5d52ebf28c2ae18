"""What the cross-app suites share."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from tests.one_of_everything import one_of_everything


@pytest.fixture
def chart(patient: Any, psychiatrist: Any) -> SimpleNamespace:
    """The cast's patient with one row of everything that a chart and the rooms around it hold."""
    return one_of_everything(patient)


@pytest.fixture
def doctor(transactional_db: None, signed_in: Any, psychiatrist: Any) -> Client:
    """The psychiatrist's browser, on a database with real transactions."""
    client = signed_in(psychiatrist)
    client.raise_request_exception = False
    return client
