"""Early warning: alerts without a change, and episodes found, on simulated people whose course is known.

Every day of a person is judged by the last 119 days alone, as it is served. An alert is a day on which a series has
changed that comes at least two weeks after the last such day. Not simulated: heart, breathing, temperature, steps and
movement. Episodes of the simulator begin from one day to the next, so that nothing of them can be seen before.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.figures import Figure
from novamind.simulator import ALL, DailyCohort, Effects, simulate_daily
from novamind.simulator.persona import DEPRESSED, EUTHYMIC
from twins.science.change import BASELINE_DAYS, LEAST_BASELINE, QUARTER_DAYS, WINDOW_DAYS, Departure, limit_for, watch

PEOPLE = int(os.environ.get("WARNING_PEOPLE", "200"))
LOADS = (0.5, 1.0)
SEED, DRAWS, BATCH = 20, 2_000, 10
#: Two alerts closer than this are one.
APART_DAYS = 14
#: Of those whose episode is looked for: well before it for a whole window and a month, ill for a month after.
WELL_DAYS, ILL_DAYS = WINDOW_DAYS + 28, 28
ONSETS_PER_QUARTER = (0.05, 0.25)
NIGHTS_MISSING = 0.1
STILL = ALL.without("episodes", "drift")


@dataclass(frozen=True)
class Person:
    """(series, days) of one simulated person; of an episode, the day it begins."""

    series: dict[str, np.ndarray]
    onset: int = -1
    #: Days of a baseline that are known: the newest of them.
    baseline: int = BASELINE_DAYS


def measure() -> list[Figure]:
    """Alerts per person and three months where nothing changes, shares of episodes found; each with its interval."""
    ill = who_fall_ill()
    with ProcessPoolExecutor() as pool:
        still, young, drifting, fallen = (
            list(pool.map(daily_peaks, people, chunksize=BATCH))
            for people in (
                nobody_changes(STILL),
                [replace(one, baseline=LEAST_BASELINE) for one in nobody_changes(STILL, nights_missing=0)],
                nobody_changes(ALL.without("episodes")),
                ill,
            )
        )
    figures = []
    for load in LOADS:
        false = [alerts(one, load) for one in still]
        rate = interval(counted(false))
        figures.append(figure(f"load {load:g}: alerts in 3 months, nothing changes ({len(false)})", rate,
                              target=f"<= {load:g}", met=rate[0] <= load))  # fmt: skip
        for words, people in (("a baseline of 28 days", young), ("mood drifts slowly", drifting)):
            rate = interval(counted([alerts(one, load) for one in people]))
            figures.append(figure(f"load {load:g}: alerts in 3 months, {words} ({len(people)})", rate))
        figures += found_figures(load, [one.onset for one in ill], [alerts(one, load) for one in fallen], false)
    return figures


def daily_peaks(person: Person) -> list[tuple[int, float, int]]:
    """For every day from the first whole window on: the day, the largest sum, and how many series were watched."""
    days = len(next(iter(person.series.values())))
    return [(end - 1, *_peak(person, end)) for end in range(WINDOW_DAYS, days + 1)]


def _peak(person: Person, end: int) -> tuple[float, int]:
    unknown = np.arange(WINDOW_DAYS) < BASELINE_DAYS - person.baseline
    window = {name: np.where(unknown, np.nan, one[end - WINDOW_DAYS : end]) for name, one in person.series.items()}
    watched = [one for one in watch(window, load=1.0).series.values() if isinstance(one, Departure)]
    return max((max(one.rising[-1], one.falling[-1]) for one in watched), default=0.0), len(watched)


def alerts(peaks: list[tuple[int, float, int]], load: float) -> list[int]:
    """Days on which an alert begins: a series has changed, and none had for two weeks."""
    changed = [day for day, peak, watched in peaks if watched and peak >= limit_for(load, watched)]
    return [day for last, day in zip([-APART_DAYS, *changed], changed, strict=False) if day - last >= APART_DAYS]


def nobody_changes(effects: Effects, nights_missing: float = NIGHTS_MISSING) -> list[Person]:
    """People over a window and three months, by the simulator without what the effects leave out."""
    cohort = simulate_daily(PEOPLE, WINDOW_DAYS + QUARTER_DAYS - 1, SEED, effects=effects)
    return [Person(one) for one in seen(cohort, range(PEOPLE), nights_missing)]


def who_fall_ill() -> list[Person]:
    """People at the begin of a depression after a long time well, cut so that it begins on day ``WELL_DAYS``."""
    cohort = simulate_daily(40 * PEOPLE, 2 * WELL_DAYS, SEED + 1)
    state = cohort.states.state
    begins = (state[:, 1:] == DEPRESSED) & (state[:, :-1] == EUTHYMIC)
    found = []
    for who in np.flatnonzero(begins.any(axis=1)):
        day = int(np.argmax(begins[who])) + 1
        well, ill = state[who, max(day - WELL_DAYS, 0) : day], state[who, day : day + ILL_DAYS]
        if len(well) == WELL_DAYS and len(ill) == ILL_DAYS and not well.any() and (ill == DEPRESSED).all():
            found.append((int(who), day))
    found = found[:PEOPLE]
    everything = seen(cohort, [who for who, _ in found])
    return [
        Person({name: row[day - WELL_DAYS : day + ILL_DAYS] for name, row in one.items()}, WELL_DAYS)
        for one, (_, day) in zip(everything, found, strict=True)
    ]


def seen(cohort: DailyCohort, who: range | list[int], missing: float = NIGHTS_MISSING) -> list[dict[str, np.ndarray]]:
    """What a watch and a check-in would show of each person, by the names of :mod:`twins.features`."""
    nights, ratings, rng = cohort.nights, cohort.ratings, np.random.default_rng([SEED, len(who)])
    people = []
    for one in who:
        bed, onset, offset, waso, tst = (
            column[one, :-1] for column in (nights.bed_h, nights.onset_h, nights.offset_h, nights.waso_h, nights.tst_h)
        )
        worn = np.where(rng.random(len(bed)) < missing, np.nan, 1.0)
        midsleep = (onset + offset) / 2 - 24 * np.arange(len(bed))
        people.append(
            {
                "sleep_duration": worn * tst * 60, "sleep_latency": worn * (onset - bed) * 60,
                "wake_after_sleep_onset": worn * waso * 60, "sleep_efficiency": worn * tst / (offset - bed),
                "midsleep": worn * midsleep, "mood": 10 - np.round(ratings.low_mood[one] / 10),
                "anxiety": np.round(ratings.anxiety[one] / 10), "energy": np.round(ratings.energy[one] / 10),
            }
        )  # fmt: skip
    return people


def found_figures(load: float, onsets: list[int], alerted: list[list[int]], still: list[list[int]]) -> list[Figure]:
    """Shares of episodes with an alert by time from their begin, and the share of alerts that are of an episode."""
    within = {words: np.array([any(first <= day - onset <= last for day in days)
                               for onset, days in zip(onsets, alerted, strict=True)], dtype=float)
              for words, first, last in (("the week before it", -7, -1), ("within 7 days", 0, 6),
                                         ("within 14 days", 0, 13), ("within 28 days", 0, 27))}  # fmt: skip
    figures = [
        figure(f"load {load:g}: depressions with an alert {words} ({len(hit)})", interval(hit))
        for words, hit in within.items()
    ]
    return figures + [
        figure(f"load {load:g}: PPV at {onsets_each:g} onsets in 3 months, 14 days",
               value_of_alerts(within["within 14 days"], counted(still), onsets_each))
        for onsets_each in ONSETS_PER_QUARTER
    ]  # fmt: skip


def counted(alerted: list[list[int]]) -> np.ndarray:
    """How many alerts each person had."""
    return np.array([len(days) for days in alerted], dtype=float)


def value_of_alerts(found: np.ndarray, false: np.ndarray, onsets: float) -> tuple[float, float, float]:
    """Share of alerts that come with an onset, and its 95 % interval from drawing both groups of people again."""
    rng = np.random.default_rng(SEED)

    def share(found: float, false: float) -> float:
        return float(onsets * found / max(onsets * found + false, 1e-12))

    drawn = [share(rng.choice(found, len(found)).mean(), rng.choice(false, len(false)).mean()) for _ in range(DRAWS)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return share(found.mean(), false.mean()), float(low), float(high)


def interval(values: np.ndarray) -> tuple[float, float, float]:
    """Mean and its 95 % interval from drawing people again."""
    rng = np.random.default_rng(SEED)
    drawn = rng.choice(values, (DRAWS, len(values))).mean(axis=1)
    return float(values.mean()), float(np.quantile(drawn, 0.025)), float(np.quantile(drawn, 0.975))


def figure(name: str, measured: tuple[float, float, float], **judged: object) -> Figure:
    """A share or rate with its interval; the second number is the interval's low end."""
    value, low, high = measured
    return Figure(name, value, low, f"({low:.3f} to {high:.3f})", **judged)  # type: ignore[arg-type]
