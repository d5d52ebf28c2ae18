"""Models of treatments, trained once for every test that needs one."""

from __future__ import annotations

from typing import Any

import pytest

from twins.response import training
from twins.science.treatment import TARGETS
from twins.tests.treated import PEOPLE


@pytest.fixture(scope="session")
def models() -> dict[str, Any]:
    """One of each target, of simulated people."""
    material = training.simulated(PEOPLE, seed=3)
    return {target: training.train(material, target, seed=1) for target in TARGETS}
