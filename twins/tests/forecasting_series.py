"""Series of simulated people, and a forecaster that trains in seconds."""

from dataclasses import replace
from functools import cache

from novamind.simulator import simulate_daily
from twins.science.forecasting import PRESETS, Panel, Scale, fit

SLIDER = Scale(0, 100, 1)
#: Trained hardly at all: what is tested is the road, not the skill.
HASTY = replace(PRESETS["small"], name="hasty", heads=2, layers=1, width=8, feed_forward=16, epochs=2)


def panel(people, days=60, seed=1):
    scores = simulate_daily(people, days, seed=seed).ratings.low_mood
    return Panel(tuple(f"SYNTHETIC {at}" for at in range(people)), scores)


@cache
def forecaster():
    return fit(panel(9), preset=HASTY, seed=0, scale=SLIDER)
