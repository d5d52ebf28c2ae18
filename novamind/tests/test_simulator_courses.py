"""Simulated courses: reproducible, and what came of them follows the chances that are the truth."""

import numpy as np
import pytest

from novamind.simulator import simulate_courses


@pytest.fixture(scope="module")
def made():
    return simulate_courses(3000, 5)


def responded(made):
    asked = np.isfinite(made.later)
    return asked, made.later[asked] <= 0.5 * made.baseline[asked]


def test_the_same_seed_gives_the_same_courses():
    first, second, other = (simulate_courses(40, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.later, second.later, equal_nan=True)
    assert np.array_equal(first.before, second.before, equal_nan=True)
    assert not np.array_equal(first.p_response, other.p_response)


def test_responses_come_as_often_as_their_chances_say(made):
    asked, came = responded(made)
    for low in (0.0, 0.25, 0.5, 0.75):
        within = (made.p_response[asked] >= low) & (made.p_response[asked] < low + 0.25)
        assert came[within].mean() == pytest.approx(made.p_response[asked][within].mean(), abs=0.05)


def test_early_stops_come_as_often_as_their_chances_say(made):
    stopped = (made.stopped_after < 84) & np.isin(made.stop_reason, ["side_effects", "no_effect"])
    assert stopped.mean() == pytest.approx(made.p_stop.mean(), abs=0.02)
    high = made.p_stop > 0.5
    assert stopped[high].mean() == pytest.approx(made.p_stop[high].mean(), abs=0.06)


def test_without_an_effect_everybody_has_the_same_chances():
    made = simulate_courses(200, 5, effect=0.0)
    assert np.ptp(made.p_response) == 0
    assert np.ptp(made.p_stop) == 0


def test_people_have_one_to_three_courses(made):
    _, courses = np.unique(made.person, return_counts=True)
    assert set(courses) == {1, 2, 3}
