"""The shipped forecaster: what it is, and that nobody real is in it."""

import json
from pathlib import Path

import numpy as np
import pytest

import twins
from novamind.registry.cards import problems
from twins.science.forecasting import Scale, load_forecaster
from twins.tests.forecasting_series import panel
from twins.training import registry_card

SHIPPED = Path(twins.__file__).parent / "shipped"


@pytest.fixture(scope="module")
def card():
    return json.loads((SHIPPED / "forecaster.card.json").read_text())


def test_the_shipped_file_is_the_one_of_its_card_small_and_simulated(card):
    content = (SHIPPED / "forecaster.npz").read_bytes()
    assert len(content) < 1_000_000
    shipped = load_forecaster(content, sha256=card["sha256"])
    assert shipped.norm.scale == Scale(0, 100, 1)
    assert card["data"]["simulated"]
    assert "SYNTHETIC" in card["data"]["who"]
    assert problems(registry_card(card)) == []


def test_the_shipped_forecaster_beats_the_own_mean_of_simulated_people_and_covers(card):
    found = card["held_out"]["models"]
    assert found["ensemble"]["own_mean_minus_model_interval"][0] > 0
    assert 0.75 < found["ensemble"]["coverage_80"] < 0.85
    assert 0.92 < found["ensemble"]["coverage_95"] < 0.98


def test_which_model_serves_follows_from_the_figures_on_people_of_another_source(card):
    # Ours until an interval above zero on real people says otherwise.
    low, high = card["external"]["own_mean_minus_ensemble_interval"]
    assert low <= high
    assert card["serves"] == ("ensemble" if low > 0 else "own-mean")


def test_the_shipped_forecaster_answers_about_somebody_new():
    said = load_forecaster(SHIPPED / "forecaster.npz").forecast(panel(1, seed=99).scores[0])
    assert np.isfinite(said.points).all()
