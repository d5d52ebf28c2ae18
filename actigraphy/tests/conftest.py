"""Patients, as the tests of this app need them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def make_patient(make_patient: Callable[..., Any]) -> Callable[..., Any]:
    """Lets models read their movement: without it every model abstains."""
    from patients.models import Consent

    def make(*teams: Any, **fields: Any) -> Any:
        patient = make_patient(*teams, **fields)
        Consent.objects.create(patient=patient, purpose="models", stream="actigraphy", given=True, how="written")
        return patient

    return make
