"""Synthetic patients: minutes of one, days of ten thousand."""

from __future__ import annotations

from datetime import date

import numpy as np

from benchmarks.figures import Figure, seconds
from novamind.simulator import Persona, simulate, simulate_daily

MONDAY = date(2024, 1, 8)
DAYS, PEOPLE = 90, 4
LIMIT = "ten standard normal numbers a minute"


def measure() -> list[Figure]:
    """Samples per second of minute data against drawing the random numbers, and a cohort's daily data."""
    personas = [Persona.draw(seed) for seed in range(PEOPLE)]
    minutes = PEOPLE * DAYS * 1440
    rng = np.random.default_rng(0)
    (best, median), (limit, _) = seconds(
        lambda: [simulate(persona, start=MONDAY, days=DAYS) for persona in personas],
        lambda: [rng.standard_normal(minutes) for _ in range(10)],
        times=7,
    )
    ((daily, daily_median),) = seconds(lambda: simulate_daily(10_000, 90, seed=1), times=1)
    return [
        Figure(
            "minutes of one patient, everything", minutes / best / 1e6, minutes / median / 1e6, "M samples/s",
            limit / best, LIMIT, ">= 1 M samples/s", minutes / best >= 1e6,
        ),
        Figure("10,000 people, 90 days of daily data", daily, daily_median, "s", target="<= 60 s", met=daily <= 60),
    ]  # fmt: skip
