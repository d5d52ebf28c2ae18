"""Sleep and wake against ActiLife's own output, published formulas and hand-made cases."""

import hashlib
import json

import numpy as np
import pytest

from actigraphy.science.sleep import (
    ACTILIFE,
    COLE_KRIPKE,
    GGIR,
    PYACTIGRAPHY,
    RAW,
    SADEH_PAPER,
    cole_kripke,
    oakley,
    oakley_threshold,
    sadeh,
    webster,
)
from actigraphy.tests.science_files import actiwatch, depresjon, gold
from novamind.measures import Abstained


def actilife_minutes(data, column):
    rows = gold(data, "sleep-awake")
    counts = np.array([float(row["axis1"]) for row in rows])
    return counts, np.array([1.0 if row[column] == "S" else 0.0 for row in rows])


def sha(sleep):
    return hashlib.sha256(sleep.astype(np.int8).tobytes()).hexdigest()


@pytest.mark.data
def test_cole_kripke_equals_actilife_in_every_minute(shared_data):
    counts, theirs = actilife_minutes(shared_data, "cole-kripke")
    assert len(theirs) == 1500
    assert (cole_kripke(counts, scale=ACTILIFE) == theirs).sum() == 1500


@pytest.mark.data
@pytest.mark.parametrize(("scale", "equal"), [(PYACTIGRAPHY, 1353), (GGIR, 1114), (RAW, 1002)])
def test_another_scale_is_another_algorithm(shared_data, scale, equal):
    counts, theirs = actilife_minutes(shared_data, "cole-kripke")
    assert (cole_kripke(counts, scale=scale) == theirs).sum() == equal


@pytest.mark.data
def test_sadeh_equals_actilife_in_every_minute(shared_data):
    counts, theirs = actilife_minutes(shared_data, "sadeh")
    assert (sadeh(counts) == theirs).sum() == 1500
    assert (sadeh(counts, threshold=SADEH_PAPER) == theirs).sum() == 1354


@pytest.mark.data
@pytest.mark.parametrize(
    "name", ["example_01.AWD", "example_02.AWD", "depresjon/condition_1.csv", "depresjon/condition_5.csv"]
)
def test_oakley_and_webster_equal_independent_formulas(shared_data, shared_reference, name):
    values = json.loads((shared_reference / "actigraphy_values.json").read_text())
    wanted = values["own_paper_formulae"]["files"][name]
    if name.endswith("AWD"):
        counts, _ = actiwatch(shared_data, name)
    else:
        counts, _ = depresjon(shared_data, name[10:-4], days=100)
    for threshold in (20, 40, 80):
        theirs = wanted[f"oakley60_thr{threshold}"]
        sleep = oakley(counts, epoch_s=60, threshold=threshold)
        hundredths = np.correlate(np.pad(counts, 2), np.array([4.0, 20.0, 100.0, 20.0, 4.0]), mode="valid")
        assert np.array_equal(sleep == 1, hundredths <= 100 * threshold)
        # Minutes that weigh exactly the threshold are sleep; the reference left some to the rounding of its sum.
        ties = int((hundredths == 100 * threshold).sum())
        assert 0 <= sleep.sum() - theirs["n_sleep"] <= min(ties, 3)
        assert sleep.sum() > theirs["n_sleep"] or sha(sleep) == theirs["sha256_int8"]
    scored = cole_kripke(counts, scale=PYACTIGRAPHY)
    assert sha(scored) == wanted["CK_mean2s(/30)"]["sha256_int8"]
    assert sha(webster(scored)) == wanted["CK_mean2s(/30)+webster"]["sha256_int8"]


@pytest.mark.parametrize("scorer", [
    lambda counts: cole_kripke(counts, scale=ACTILIFE),
    sadeh,
    lambda counts: oakley(counts, epoch_s=60),
])  # fmt: skip
def test_a_missing_minute_is_unknown_and_so_is_whatever_depends_on_it(scorer):
    counts = np.zeros(60)
    counts[30] = np.nan
    sleep = scorer(counts)
    assert np.isnan(sleep[30])
    assert np.isnan(sleep[29])
    assert (sleep[:20] == 1).all()
    assert (sleep[40:] == 1).all()
    assert np.isnan(scorer(np.full(5, np.nan))).all()
    assert len(scorer(np.zeros(0))) == 0
    assert scorer(np.zeros(1)) == [1.0]


def test_cole_kripke_weighs_four_minutes_back_and_two_ahead():
    for setting, (factor, weights) in COLE_KRIPKE.items():
        for lag, weight in zip(range(-4, 3), weights, strict=True):
            counts = np.zeros(21)
            counts[10 + lag] = 1.01 / (factor * weight)
            assert cole_kripke(counts, scale=RAW, setting=setting)[10] == 0, (setting, lag)
            counts[10 + lag] = 0.99 / (factor * weight)
            assert cole_kripke(counts, scale=RAW, setting=setting)[10] == 1, (setting, lag)


def test_webster_takes_one_three_and_four_minutes_after_four_ten_and_fifteen_of_wake():
    for wake, taken in ((3, 0), (4, 1), (9, 1), (10, 3), (14, 3), (15, 4)):
        sleep = np.concatenate((np.ones(30), np.zeros(wake), np.ones(30)))
        assert (webster(sleep) == 0).sum() == wake + taken


def test_webster_does_not_cascade_on_what_it_rescored():
    sleep = np.concatenate((np.ones(30), np.zeros(4), np.ones(1), np.zeros(2), np.ones(30)))
    # The first rule joins 4 + 1 + 2 minutes of wake; only the original 4 may take a minute.
    assert (webster(sleep) == 0).sum() == 7


def test_webster_drops_short_sleep_between_long_wake():
    for asleep, wake, kept in ((5, 9, 4), (6, 10, 0), (9, 10, 0), (10, 10, 7), (14, 20, 0), (15, 20, 11)):
        sleep = np.concatenate((np.zeros(wake), np.ones(asleep), np.zeros(wake)))
        assert (webster(sleep) == 1).sum() == kept


def test_webster_leaves_unknown_minutes_unknown():
    sleep = np.concatenate((np.zeros(15), np.full(5, np.nan), np.ones(5)))
    assert np.array_equal(webster(sleep), sleep, equal_nan=True)


@pytest.mark.parametrize("epoch_s", [15, 30, 60, 120])
def test_oakley_calls_a_burst_wake_at_every_epoch_length(epoch_s):
    counts = np.zeros(101)
    counts[50] = 41 / {15: 4.0, 30: 2.0, 60: 1.0, 120: 0.5}[epoch_s]
    sleep = oakley(counts, epoch_s=epoch_s)
    assert np.flatnonzero(sleep == 0).tolist() == [50]
    with pytest.raises(Abstained, match="unsupported_device"):
        oakley(counts, epoch_s=45)


def test_the_automatic_threshold_is_eight_ninths_of_a_mobile_minute():
    counts = np.array([0.0, 3.0, 4.0, 100.0, np.nan])
    assert oakley_threshold(counts, epoch_s=60) == pytest.approx(0.88888 * 107 / 2)
    with pytest.raises(Abstained, match="no_variation"):
        oakley_threshold(np.zeros(10), epoch_s=60)
    assert (oakley(counts[:4], epoch_s=60, threshold=None) == [1, 1, 1, 0]).all()
