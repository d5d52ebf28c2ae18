"""200 synthetic people against what real recordings and diaries show; targets as measured from those data.

Depresjon: the first ``days`` of each file (32 controls, 23 depressed); MIRORR: 51 people, 88 days; NSHAP: sleep.
"""

from datetime import date

import numpy as np
import pytest

from novamind.simulator import Persona, simulate, simulate_daily

PEOPLE, DAYS = 200, 13
MONDAY = date(2024, 1, 8)


def rest_activity(counts):
    """IS, IV (hourly means, Witting 1990) and RA (mean 24-h profile, 1-min steps) of whole days."""
    hourly = counts.reshape(-1, 60).mean(axis=1)
    spread, profile = ((hourly - hourly.mean()) ** 2).sum(), hourly.reshape(-1, 24).mean(axis=0)
    stability = len(hourly) * ((profile - hourly.mean()) ** 2).sum() / (24 * spread)
    variability = len(hourly) * (np.diff(hourly) ** 2).sum() / ((len(hourly) - 1) * spread)
    sums = np.cumsum(np.concatenate([[0.0], np.tile(counts.reshape(-1, 1440).mean(axis=0), 2)]))
    most, least = ((sums[600:] - sums[:-600]) / 600).max(), ((sums[300:] - sums[:-300]) / 300).min()
    return stability, variability, (most - least) / (most + least)


def describe(counts):
    counts = np.nan_to_num(counts.astype(float))
    moving, logs = counts[counts > 0], np.log1p(counts)
    stability, variability, amplitude = rest_activity(counts)
    return {
        "mean": counts.mean(),
        "zero share": (counts == 0).mean(),
        "median": np.median(moving),
        "p95": np.percentile(moving, 95),
        "lag 1": np.corrcoef(logs[:-1], logs[1:])[0, 1],
        "IS": stability,
        "IV": variability,
        "RA": amplitude,
    }


def described(**known):
    rows = [describe(simulate(Persona.draw(seed, **known), start=MONDAY, days=DAYS).counts) for seed in range(PEOPLE)]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


@pytest.fixture(scope="module")
def controls():
    return described(kind="none")


@pytest.fixture(scope="module")
def depressed():
    return described(kind="unipolar", state_at_start="depressed")


@pytest.fixture(scope="module")
def cohort():
    return simulate_daily(2000, 88, seed=3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "mean", "within", "sd", "sd_within"),
    [
        ("mean", 281, 15, 78, 20),
        ("zero share", 0.31, 0.03, None, None),
        ("median", 267, 25, None, None),
        ("p95", 1278, 60, None, None),
        ("lag 1", 0.82, 0.02, None, None),
        ("IS", 0.43, 0.05, 0.11, 0.04),
        ("IV", 0.89, 0.10, 0.18, 0.08),
        ("RA", 0.84, 0.03, 0.12, 0.04),
    ],
)
def test_activity_of_the_well_matches_the_controls_of_depresjon(controls, name, mean, within, sd, sd_within):
    assert controls[name].mean() == pytest.approx(mean, abs=within)
    if sd is not None:
        assert controls[name].std() == pytest.approx(sd, abs=sd_within)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "mean", "within", "sd", "sd_within"),
    [
        ("mean", 185, 15, 77, 20),
        ("zero share", 0.40, 0.03, None, None),
        ("median", 176, 25, None, None),
        ("p95", 1002, 60, None, None),
        ("lag 1", 0.77, 0.025, None, None),
    ],
)
def test_activity_of_the_depressed_matches_the_depressed_of_depresjon(depressed, name, mean, within, sd, sd_within):
    assert depressed[name].mean() == pytest.approx(mean, abs=within)
    if sd is not None:
        assert depressed[name].std() == pytest.approx(sd, abs=sd_within)


def deciles(values):
    return np.nanpercentile(values, [10, 50, 90])


def lag_1(series):
    both = ~np.isnan(series[1:]) & ~np.isnan(series[:-1])
    later, earlier = series[1:][both], series[:-1][both]
    return np.corrcoef(later, earlier)[0, 1] if later.std() and earlier.std() else np.nan


@pytest.mark.slow
@pytest.mark.parametrize(
    ("item", "means", "spreads", "lags"),
    [
        ("low_mood", (9, 20, 50), (9, 18, 23), (0.02, 0.22, 0.54)),
        ("anxiety", (4, 13, 40), (5, 14, 22), (0.01, 0.18, 0.51)),
        ("energy", (28, 45, 65), (12, 18, 25), (-0.03, 0.17, 0.36)),
    ],
)
def test_ratings_match_mirorr(cohort, item, means, spreads, lags):
    rated = getattr(cohort.ratings, item)
    rated = rated[(~np.isnan(rated)).sum(axis=1) >= 20]
    assert deciles(np.nanmean(rated, axis=1)) == pytest.approx(means, abs=4)
    assert deciles(np.nanstd(rated, axis=1, ddof=1)) == pytest.approx(spreads, abs=4)
    assert deciles([lag_1(series) for series in rated]) == pytest.approx(lags, abs=0.09)


def test_one_to_sixteen_percent_of_ratings_are_left_out(cohort):
    missing = np.isnan(cohort.ratings.low_mood).mean(axis=1)
    assert deciles(missing) == pytest.approx((0.01, 0.06, 0.16), abs=0.025)


def test_sleep_is_as_long_and_as_late_as_people_sleep(cohort):
    slept = cohort.nights.tst_h[~cohort.people.shift_worker, 1:]
    assert slept.mean() == pytest.approx(7.2, abs=0.15)
    assert deciles(slept.mean(axis=1))[[0, 2]] == pytest.approx((5.8, 8.6), abs=0.3)
    assert 60 * cohort.nights.waso_h.mean() == pytest.approx(39, abs=6)
    midsleep = (cohort.nights.onset_h + cohort.nights.offset_h)[:, 1:] / 2 - 24 * np.arange(1, 89)
    assert deciles(midsleep[~cohort.people.shift_worker].mean(axis=1)) == pytest.approx((2.2, 3.7, 5.3), abs=0.4)


def test_workers_sleep_longer_and_later_on_free_days(cohort):
    workers = ~np.isnan(cohort.people.alarm_h) & ~cohort.people.shift_worker
    # Night k is that of the evening of day k - 1, the first day being a Monday: Friday and Saturday evenings are free.
    free = np.isin(np.arange(-1, 88) % 7, (4, 5))
    middle = (cohort.nights.onset_h + cohort.nights.offset_h) / 2 - 24 * np.arange(89)
    assert (middle[workers][:, free].mean() - middle[workers][:, ~free].mean()) == pytest.approx(0.9, abs=0.4)
    assert cohort.nights.tst_h[workers][:, free].mean() > cohort.nights.tst_h[workers][:, ~free].mean() + 0.5
