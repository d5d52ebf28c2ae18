"""Rest periods in recordings of known structure."""

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from actigraphy.science.rest import _maximal_segments, _rest_spans, daily_trend, find_rest, main_rest_mask
from novamind.clock import local_times, resolve_local


def living(zone="Europe/Oslo", start="2024-01-10T12:00", n_days=6, sleep=((23.0, 7.0),), epoch_s=60, seed=3):
    """Bursts of activity by day, rare movements in the given clock hours; (counts, times, truth)."""
    tz = ZoneInfo(zone)
    first = int(resolve_local(np.datetime64(start).astype("datetime64[s]").item(), tz).timestamp())
    times = local_times(first, epoch_s, n_days * 86400 // epoch_s, tz)
    hour = times.second_of_day / 3600
    asleep = np.zeros(len(times), dtype=bool)
    for low, high in sleep:
        asleep |= (hour >= low) & (hour < high) if low < high else (hour >= low) | (hour < high)
    rng = np.random.default_rng(seed)
    awake = rng.gamma(1.5, 150.0, len(times)).round() * epoch_s / 60
    moves = np.where(rng.random(len(times)) < 0.06, rng.gamma(1.5, 30.0, len(times)).round(), 0.0)
    return np.where(asleep, moves, awake), times, asleep


def edges(mask):
    steps = np.diff(np.concatenate(([0], mask.astype(int), [0])))
    return list(zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1), strict=True))


def assert_found(periods, truth, tolerance):
    mains = [(period.start, period.end) for period in periods if period.main]
    wanted = edges(truth)
    assert len(mains) == len(wanted)
    for (start, end), (low, high) in zip(mains, wanted, strict=True):
        assert abs(start - low) <= tolerance
        assert abs(end - high) <= tolerance


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("hours", [(23.0, 7.0), (3.5, 12.5), (9.0, 16.0), (20.0, 4.0), (0.0, 4.5)])
def test_a_main_rest_period_is_found_within_ten_minutes_at_any_time_of_day(hours, seed):
    counts, times, truth = living(start="2024-01-10T18:00", sleep=(hours,), seed=seed)
    assert_found(find_rest(counts, times, epoch_s=60), truth, 10)


@pytest.mark.parametrize(("zone", "start"), [
    ("Europe/Oslo", "2003-03-27T12:00"),
    ("Europe/Oslo", "2003-10-23T12:00"),
    ("Australia/Lord_Howe", "2024-04-04T12:00"),
])  # fmt: skip
def test_a_clock_change_inside_the_night_breaks_nothing(zone, start):
    counts, times, truth = living(zone, start)
    assert_found(find_rest(counts, times, epoch_s=60), truth, 10)


def test_a_day_sleeper_s_rest_belongs_to_the_evening_before():
    counts, times, _ = living(sleep=((9.0, 16.0),), start="2024-01-10T18:00")
    first = find_rest(counts, times, epoch_s=60)[0]
    assert first.night == times.day[0]
    assert times.day[first.start] == times.day[0] + 1


def test_a_nap_is_a_further_rest_period_not_the_main_one():
    counts, times, _ = living(sleep=((23.0, 7.0), (14.0, 15.0)))
    periods = find_rest(counts, times, epoch_s=60)
    naps = [period for period in periods if not period.main]
    assert len(naps) == 6
    assert all(abs(period.end - period.start - 60) <= 15 for period in naps)


def test_an_hour_up_at_night_does_not_split_it_but_three_do():
    counts, times, _ = living()
    night = find_rest(counts, times, epoch_s=60)[0]
    rng = np.random.default_rng(0)
    up = counts.copy()
    up[night.start + 240 : night.start + 280] = rng.gamma(1.5, 150, 40)
    assert [p.end - p.start for p in find_rest(up, times, epoch_s=60) if p.night == night.night] == [
        night.end - night.start
    ]
    up[night.start + 180 : night.start + 360] = rng.gamma(1.5, 150, 180)
    assert len([p for p in find_rest(up, times, epoch_s=60) if p.night == night.night]) == 2


def test_a_night_without_rest_has_none_and_its_neighbors_keep_theirs():
    counts, times, truth = living()
    low, high = edges(truth)[2]
    counts[low:high] = np.random.default_rng(5).gamma(1.5, 150.0, high - low)
    truth[low:high] = False
    assert_found(find_rest(counts, times, epoch_s=60), truth, 10)


def test_a_patient_in_bed_for_days_is_cut_where_most_is_going_on():
    counts, times, _ = living(n_days=9)
    calm = living(n_days=9, sleep=((0.0, 24.0),), seed=8)[0]
    rest = (times.day >= times.day[0] + 3) & (times.day < times.day[0] + 6)
    counts[rest] = calm[rest]
    for start in np.flatnonzero(rest & (times.second_of_day == 17 * 3600)):
        counts[start : start + 60] = 200
    mains = [period for period in find_rest(counts, times, epoch_s=60) if period.main]
    assert max(period.end - period.start for period in mains) <= 18 * 60
    assert len(mains) >= 8


@pytest.mark.parametrize("broken_by", [0, -1])
@pytest.mark.parametrize("gap", [1, 60, 400])
def test_a_stretch_too_long_is_cut_even_where_only_missing_data_breaks_it(gap, broken_by):
    state = np.concatenate((np.ones(700), np.full(gap, broken_by), np.ones(700))).astype(np.int64)
    assert _rest_spans(state, 1.0, 1080) == [(0, 700), (700 + gap, 1400 + gap)]
    assert _rest_spans(np.ones(2000, dtype=np.int64), 1.0, 1080) == [(0, 2000)]


def test_a_short_gap_is_bridged_and_a_long_one_is_not_rest():
    counts, times, truth = living()
    low, _ = edges(truth)[1]
    counts[low + 100 : low + 130] = np.nan
    assert_found(find_rest(counts, times, epoch_s=60), truth, 10)
    counts[low - 600 : low + 400] = np.nan
    found = main_rest_mask(find_rest(counts, times, epoch_s=60), len(counts))
    assert not found[low - 600 : low + 390].any()


@pytest.mark.parametrize("n", [0, 1, 2, 100, 5000])
@pytest.mark.parametrize("value", [0.0, 50.0, np.nan])
def test_nothing_stands_out_of_a_constant_or_empty_recording(value, n):
    _, times, _ = living()
    times = type(times)(times.utc_s[:n], times.offset_s[:n])
    assert find_rest(np.full(n, value), times, epoch_s=60) == ()


def test_epochs_of_five_minutes_will_do():
    counts, times, truth = living(epoch_s=300)
    assert_found(find_rest(counts, times, epoch_s=300), truth, 3)


def test_the_trend_keeps_a_whole_day_at_the_ends():
    counts = np.tile(np.repeat([0.0, 100.0], 720), 4)
    assert np.allclose(daily_trend(counts, epoch_s=60), 50.0)
    assert np.isnan(daily_trend(counts[:700], epoch_s=60)).all()


def test_maximal_segments_are_those_of_ruzzo_and_tompa_s_own_example():
    scores = [4.0, -5.0, 3.0, -3.0, 1.0, 2.0, -2.0, 2.0, -2.0, 1.0, 5.0]
    assert _maximal_segments(scores) == [(0, 1), (2, 3), (4, 11)]


def best_first(scores, first=0):
    """Ruzzo and Tompa's definition: the shortest best stretch, then the same left and right of it."""
    sums = np.concatenate(([0.0], np.cumsum(scores)))
    spans = [(low, high) for low in range(len(scores)) for high in range(low + 1, len(scores) + 1)]
    best = min(spans, key=lambda span: (sums[span[0]] - sums[span[1]], span[1] - span[0]), default=(0, 0))
    if sums[best[1]] <= sums[best[0]]:
        return []
    low, high = best
    return [*best_first(scores[:low], first), (first + low, first + high), *best_first(scores[high:], first + high)]


def test_maximal_segments_are_those_of_the_definition():
    rng = np.random.default_rng(4)
    for _ in range(300):
        scores = rng.normal(-0.3, 4.0, rng.integers(1, 25)).tolist()
        assert _maximal_segments(scores) == best_first(scores)
