"""Who writes under 42 CFR Part 2, and what was announced."""

from __future__ import annotations

from typing import Any

import pytest

from patients.models import CareTeam
from patients.services import assign_patient, join_team
from patients.treatment import genotyping, prescribing


@pytest.fixture
def programme(patient: Any, make_user: Any) -> Any:
    """A nurse practitioner of a substance use programme that treats the patient."""
    team = CareTeam.objects.create(name="Programme", part2_programme=True)
    user = make_user("programme@clinic.test", "nurse practitioner")
    join_team(team=team, user=user)
    assign_patient(team=team, patient=patient)
    return user


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What was published, as a subscriber would be told."""
    told: list[tuple[str, dict[str, Any]]] = []
    for module in (prescribing, genotyping):
        monkeypatch.setattr(module, "publish", lambda event, actor=None, **ids: told.append((event, ids)))
    return told
