"""Non-wear against ActiLife's periods and hand-made cases."""

import numpy as np
import pytest

from actigraphy.science.nonwear import (
    absorb_islands,
    choi,
    laid_aside,
    movement_against_usual,
    too_still_for_sleep,
    troiano,
    zero_runs,
)
from actigraphy.science.runs import runs_of
from actigraphy.tests.science_files import gold, wall_seconds


def actilife_counts(data):
    rows = gold(data, "10sec60sec")
    return np.array([float(row["axis1"]) for row in rows]), wall_seconds([row["timestamp"].rstrip("Z") for row in rows])


def periods(rows, clock, name):
    mine = [row for row in rows if row["nonwear_algorithm"] == name and row["wear"] == "FALSE"]
    starts = wall_seconds([row["period_start"].rstrip("Z") for row in mine])
    return [(int(start - clock[0]) // 60, int(row["length"])) for start, row in zip(starts, mine, strict=True)], mine[0]


def found(off):
    starts, ends = runs_of(off)
    return [(int(start), int(end - start)) for start, end in zip(starts, ends, strict=True)]


@pytest.mark.data
@pytest.mark.parametrize("name", ["Choi Default", "Choi Custom1", "Choi Custom2"])
def test_choi_equals_actilife_s_periods(shared_data, name):
    counts, clock = actilife_counts(shared_data)
    wanted, how = periods(gold(shared_data, "Choi-periods"), clock, name)
    off = choi(
        counts,
        min_period=int(how["min_period_len"]),
        window=int(how["min_window_len"]),
        spike_tolerance=int(how["spike_tolerance"]),
    )
    assert found(off) == wanted


@pytest.mark.data
@pytest.mark.parametrize("name", ["Troiano Default", "Troiano Custom1", "Troiano Custom2"])
def test_consecutive_troiano_equals_actilife_s_periods(shared_data, name):
    counts, clock = actilife_counts(shared_data)
    rows = [row for row in gold(shared_data, "Troiano-periods") if row["endat_nnz_seq"] == "TRUE"]
    wanted, how = periods(rows, clock, name)
    off = troiano(
        counts,
        min_period=int(how["min_period_len"]),
        spike_tolerance=int(how["spike_tolerance"]),
        spike_stop=float(how["spike_stoplevel"]),
    )
    assert found(off) == wanted


@pytest.mark.parametrize("detect", [choi, troiano, zero_runs])
def test_a_gap_is_missing_not_non_wear(detect):
    counts = np.zeros(400)
    counts[200:] = np.nan
    off = detect(counts)
    assert off[:200].all()
    assert not off[200:].any()
    split = np.zeros(340)
    split[170] = np.nan
    assert not zero_runs(split).any()
    assert not detect(np.full(300, np.nan)).any()
    assert len(detect(np.zeros(0))) == 0


def test_a_choi_spike_is_forgiven_only_between_long_zeros():
    counts = np.zeros(130)
    counts[60:62] = 50
    assert choi(counts).all()
    counts[62] = 50
    assert not choi(counts).any()
    counts[60:63] = [50, 0, 0]
    counts[80] = 50
    assert not choi(counts).any()


def test_three_hours_of_zeros_are_sleep_in_a_rest_period_and_non_wear_outside():
    counts = np.full(1440, 100.0)
    counts[100:300] = 0
    counts[800:1000] = 0
    asleep = np.zeros(1440, dtype=bool)
    asleep[700:1200] = True
    assert found(zero_runs(counts, outside=asleep)) == [(100, 200)]


def test_zeros_that_are_most_of_a_rest_period_are_a_watch_on_a_table():
    counts = np.full(1440, 100.0)
    counts[800:1000] = 0
    asleep = np.zeros(1440, dtype=bool)
    asleep[790:1010] = True
    assert found(zero_runs(counts, outside=asleep)) == [(800, 200)]


def test_five_hours_without_any_movement_are_not_sleep():
    counts = np.full(1440, 100.0)
    counts[0:299] = 0
    counts[500:800] = 15
    assert found(too_still_for_sleep(counts, floor=20.0)) == [(500, 300)]
    assert not too_still_for_sleep(counts, floor=0.0).any()


def still_stretches(*bouts_per_h, hours=8):
    """Counts of consecutive rests of ``hours`` with this much movement each, an hour awake between; and their spans."""
    counts, spans = np.full(len(bouts_per_h) * (hours + 1) * 60, 300.0), []
    for index, rate in enumerate(bouts_per_h):
        start = index * (hours + 1) * 60
        counts[start : start + hours * 60] = 0
        if rate:
            counts[np.arange(start + 5, start + hours * 60, 60 // rate)] = 100
        spans.append((start, start + hours * 60))
    return counts, spans


def test_movement_in_rest_is_compared_with_the_person_s_other_rests():
    rate, usual = movement_against_usual(*still_stretches(6, 4, 1, 4, 6), floor=20.0)
    assert rate.tolist() == [6.0, 4.0, 1.0, 4.0, 6.0]
    assert usual.tolist() == [4.0, 5.0, 5.0, 5.0, 4.0]
    _, usual = movement_against_usual(*still_stretches(6, 4, 1), floor=20.0)
    assert np.isnan(usual).all()


def test_stillness_beside_non_wear_is_non_wear_when_far_from_the_person_s_usual():
    counts, spans = still_stretches(4, 4, 4, 1, 4)
    start, end = spans[3]
    before, after = np.zeros(len(counts), dtype=bool), np.zeros(len(counts), dtype=bool)
    before[start - 185 : start - 5] = after[end + 5 : end + 185] = True
    ((low, length),) = found(laid_aside(counts, after, spans, floor=20.0))
    assert (low - start, low + length) == (6, end + 5)  # from the first push on
    assert laid_aside(counts, before, spans, floor=20.0)[start - 5 : end - 60].all()
    assert not laid_aside(counts, np.zeros(len(counts), dtype=bool), spans, floor=20.0).any()
    usual = still_stretches(4, 4, 4, 4, 4)[0]
    assert not laid_aside(usual, after, spans, floor=20.0).any()
    assert not laid_aside(counts, after, spans[1:4], floor=20.0).any()
    after[end + 184] = False
    assert not laid_aside(counts, after, spans, floor=20.0).any()


def test_a_night_before_a_morning_on_the_bedside_table_is_kept():
    counts, spans = still_stretches(4, 4, 4, 4, 4, hours=13)
    end = spans[3][1]
    counts[end - 300 : end] = 0
    off = np.zeros(len(counts), dtype=bool)
    off[end : end + 180] = True
    ((low, length),) = found(laid_aside(counts, off, spans, floor=20.0))
    assert low + length == end
    assert 300 <= length <= 330


def test_handling_between_long_non_wear_is_not_wear():
    off = np.ones(2880, dtype=bool)
    off[1000:1100] = False
    assert absorb_islands(off).all()
    off[400:1700] = False
    assert (~absorb_islands(off)).sum() == 1300


def test_wear_before_a_short_break_stays_wear():
    off = np.zeros(1440, dtype=bool)
    off[60:120] = True
    assert (absorb_islands(off) == off).all()
    off[60:600] = True
    assert absorb_islands(off)[:60].all()
