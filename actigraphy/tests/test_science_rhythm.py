"""IS, IV, L5, M10, RA, cosinor and SRI against independent formulas, on real recordings and over clock changes."""

import json
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from actigraphy.science import rhythm as r
from actigraphy.science.regularity import overlapping_days, sleep_regularity_index
from actigraphy.science.sleep import oakley
from actigraphy.tests.science_files import OVER_THE_CHANGE, actiwatch, depresjon, depresjon_rows
from novamind.clock import local_times, resolve_local
from novamind.measures import Abstained

FILES = ["example_01.AWD", "example_02.AWD", "depresjon/condition_1.csv", "depresjon/condition_5.csv"]


def recording(data, name):
    return actiwatch(data, name) if name.endswith("AWD") else depresjon(data, name[10:-4], days=100)


def reference(shared_reference, section, name):
    return json.loads((shared_reference / "actigraphy_values.json").read_text())[section]["files"][name]


@pytest.mark.data
@pytest.mark.parametrize("name", FILES)
def test_every_measure_equals_the_independent_formula(shared_data, shared_reference, name):
    wanted = reference(shared_reference, "own_paper_formulae", name)
    counts, times = recording(shared_data, name)
    assert len(counts) == wanted["n"]
    hourly, hour = r.hourly_means(counts, times, epoch_s=60)
    assert len(hourly) == wanted["nbins_60min"]
    profile = r.average_profile(counts, times, epoch_s=60)
    low, high = r.l5(profile), r.m10(profile)
    fit = r.cosinor(counts, times, epoch_s=60)
    theirs = wanted["cosinor_raw"]
    ours = {
        "IS": (r.interdaily_stability(hourly, hour), wanted["IS_60min"]),
        "IV": (r.intradaily_variability(hourly, hour), wanted["IV_60min"]),
        "L5": (low.level, wanted["L5"]),
        "M10": (high.level, wanted["M10"]),
        "L5 onset": (low.onset_h * 3600, wanted["L5_onset_s"]),
        "M10 onset": (high.onset_h * 3600, wanted["M10_onset_s"]),
        "RA": (r.relative_amplitude(low.level, high.level), wanted["RA"]),
        "mesor": (fit.mesor, theirs["mesor"]),
        "amplitude": (fit.amplitude, theirs["amplitude"]),
        "acrophase": (fit.acrophase_h, theirs["acrophase_h"]),
        "R2": (fit.r2, theirs["R2"]),
        "SRI": (sleep_regularity_index(oakley(counts, epoch_s=60), epoch_s=60), wanted["SRI_oakley40"]),
    }
    for what, (value, theirs_value) in ours.items():
        assert value == pytest.approx(theirs_value, rel=1e-9), what


@pytest.mark.data
@pytest.mark.parametrize("name", FILES)
def test_l5_m10_and_ra_equal_pyactigraphy_on_raw_counts(shared_data, shared_reference, name):
    wanted = reference(shared_reference, "pyActigraphy", name)["metrics"]
    profile = r.average_profile(*recording(shared_data, name), epoch_s=60)
    low, high = r.l5(profile).level, r.m10(profile).level
    for key, value in {"L5": low, "M10": high, "RA": r.relative_amplitude(low, high)}.items():
        assert value == pytest.approx(wanted[f"{key}[binarize=False,threshold=0]"]["value"], rel=1e-9)


@pytest.mark.data
@pytest.mark.parametrize("name", OVER_THE_CHANGE)
def test_summer_time_moves_no_onset(shared_data, name):
    """The files' own clock stamps are the truth; 1440 minutes a day would be an hour late after the change."""
    counts, times = depresjon(shared_data, name, days=18)
    stamps, _ = depresjon_rows(shared_data, name)
    minute = np.array([int(stamp[11:13]) * 60 + int(stamp[14:16]) for stamp in stamps[: len(counts)]])
    assert (minute * 60 == times.second_of_day).all()
    assert len(np.unique(times.offset_s)) == 2
    truth = np.array([counts[minute == slot].mean() for slot in range(1440)])
    profile = r.average_profile(counts, times, epoch_s=60)
    assert np.allclose(profile, truth, rtol=1e-12)
    after = times.offset_s == times.offset_s[-1]
    contiguous = local_times(int(times.utc_s[0]), 60, len(counts), ZoneInfo("Etc/GMT-1"))
    shifted = r.cosinor(
        counts[after], type(times)(times.utc_s[after], contiguous.offset_s[after]), epoch_s=60, min_days=0
    )
    right = r.cosinor(counts[after], type(times)(times.utc_s[after], times.offset_s[after]), epoch_s=60, min_days=0)
    assert (right.acrophase_h - shifted.acrophase_h) % 24 == pytest.approx(1.0)


def days(zone, start, n_days, epoch_s=60):
    tz = ZoneInfo(zone)
    first = int(resolve_local(np.datetime64(start).astype("datetime64[s]").item(), tz).timestamp())
    return local_times(first, epoch_s, n_days * 86400 // epoch_s, tz)


def by_clock(times):
    """A patient who lives by the clock on the wall: active from 8 to 18, asleep from 23 to 7."""
    hour = times.second_of_day / 3600
    return np.where((hour >= 8) & (hour < 18), 300.0, np.where((hour >= 23) | (hour < 7), 2.0, 100.0))


@pytest.mark.parametrize(("zone", "start"), [
    ("Europe/Oslo", "2003-03-25T12:00"),
    ("Europe/Oslo", "2003-10-22T12:00"),
    ("Australia/Lord_Howe", "2024-04-02T12:00"),
    ("Australia/Lord_Howe", "2024-10-02T12:00"),
    ("America/Santiago", "2024-04-03T12:00"),
    ("Asia/Kathmandu", "2024-04-03T12:00"),
])  # fmt: skip
def test_a_life_by_the_clock_reads_the_same_over_every_clock_change(zone, start):
    times = days(zone, start, 10)
    counts = by_clock(times)
    profile = r.average_profile(counts, times, epoch_s=60)
    assert r.l5(profile).onset_h == 0.0
    assert r.m10(profile).onset_h == 8.0
    hourly, hour = r.hourly_means(counts, times, epoch_s=60)
    assert r.interdaily_stability(hourly, hour) == pytest.approx(1.0, abs=0.02)
    assert r.cosinor(counts, times, epoch_s=60).acrophase_h == pytest.approx(13.7, abs=0.7)


def test_a_double_hour_gives_two_values_and_a_skipped_one_none():
    autumn = days("Europe/Oslo", "2003-10-26T00:00", 1)
    _, hour = r.hourly_means(np.ones(1440), autumn, epoch_s=60)
    assert hour.tolist() == [0, 1, 2, 2, *range(3, 23)]
    spring = days("Europe/Oslo", "2003-03-30T00:00", 1)
    _, hour = r.hourly_means(np.ones(1440), spring, epoch_s=60)
    assert hour.tolist()[:4] == [0, 1, 3, 4]
    lord_howe = days("Australia/Lord_Howe", "2024-04-07T00:00", 1)
    hourly, hour = r.hourly_means(np.ones(1440), lord_howe, epoch_s=60)
    assert hour.tolist()[:4] == [0, 1, 1, 2]
    assert np.isfinite(hourly).all()


def test_hours_cut_by_the_ends_are_left_out_and_half_worn_hours_kept():
    times = days("UTC", "2024-01-01T00:30", 1)
    counts = np.ones(1440)
    counts[30:61] = np.nan
    counts[90:120] = np.nan
    hourly, hour = r.hourly_means(counts, times, epoch_s=60)
    assert hour[0] == 1
    assert len(hour) == 23
    assert np.isnan(hourly[0])
    assert hourly[1] == 1.0


def test_is_and_iv_count_only_worn_hours():
    times = days("UTC", "2024-01-01T00:00", 8)
    rng = np.random.default_rng(1)
    hourly, hour = r.hourly_means(by_clock(times) + rng.normal(0, 5, len(times)), times, epoch_s=60)
    full = r.interdaily_stability(hourly, hour)
    hourly[30:33] = np.nan
    assert r.interdaily_stability(hourly, hour) == pytest.approx(full, abs=0.02)
    steps = np.diff(hourly)
    known = hourly[np.isfinite(hourly)]
    by_hand = np.nanmean(steps**2) / known.var()
    assert r.intradaily_variability(hourly, hour) == pytest.approx(by_hand)
    hourly[hour == 8] = np.nan
    with pytest.raises(Abstained, match="indeterminate"):
        r.interdaily_stability(hourly, hour)


def test_a_day_of_a_clock_change_is_valid_by_the_hours_it_was_worn():
    times = days("Europe/Oslo", "2003-03-30T00:00", 2)
    counts = np.where(times.hour_of_day < 17, 5.0, np.nan)
    kept = r.on_valid_days(counts, times, epoch_s=60)
    assert np.isfinite(kept[: 16 * 60]).all()  # 0 to 17 h by the clock, one of them skipped
    counts[0] = np.nan
    kept = r.on_valid_days(counts, times, epoch_s=60)
    assert not np.isfinite(kept[: 23 * 60]).any()
    assert np.isfinite(kept[23 * 60 :]).sum() == 17 * 60
    assert r.valid_days(kept, times, epoch_s=60) == r.valid_days(counts, times, epoch_s=60) == 1


def test_four_valid_days_are_too_few_and_the_reason_counts_them():
    times = days("UTC", "2024-01-01T00:00", 4)
    counts = by_clock(times)
    hourly, hour = r.hourly_means(counts, times, epoch_s=60)
    for measure in (r.interdaily_stability, r.intradaily_variability):
        with pytest.raises(Abstained) as why:
            measure(hourly, hour)
        assert why.value.reason == "4 valid days; 5 needed"
        assert measure(hourly, hour, min_days=0) >= 0
    with pytest.raises(Abstained, match="too_few_days"):
        r.cosinor(counts, times, epoch_s=60)


@pytest.mark.parametrize("counts", [np.zeros(7 * 1440), np.full(7 * 1440, 5.0), np.full(7 * 1440, np.nan)])
def test_a_signal_without_variation_has_no_rhythm(counts):
    times = days("UTC", "2024-01-01T00:00", 7)
    hourly, hour = r.hourly_means(counts, times, epoch_s=60)
    profile = r.average_profile(counts, times, epoch_s=60)
    for measure in (
        lambda: r.interdaily_stability(hourly, hour),
        lambda: r.intradaily_variability(hourly, hour),
        lambda: r.l5(profile),
        lambda: r.m10(profile),
        lambda: r.cosinor(counts, times, epoch_s=60),
        lambda: r.relative_amplitude(0.0, 0.0),
    ):
        with pytest.raises(Abstained):
            measure()


def test_l5_goes_round_midnight():
    profile = np.full(1440, 100.0)
    profile[22 * 60 :] = 1.0
    profile[: 3 * 60] = 1.0
    low = r.l5(profile)
    assert (low.level, low.onset_h) == (1.0, 22.0)


def test_sri_is_100_for_equal_days_minus_100_for_inverted_ones_and_waits_for_five_days():
    day = np.repeat([1.0, 0.0], 720)
    assert sleep_regularity_index(np.tile(day, 7), epoch_s=60) == 100.0
    assert sleep_regularity_index(np.concatenate([day, 1 - day] * 4), epoch_s=60) == -100.0
    with pytest.raises(Abstained) as why:
        sleep_regularity_index(np.tile(day, 5), epoch_s=60)
    assert (why.value.code, why.value.needed, why.value.got) == ("too_few_days", 5.0, 4.0)
    almost = np.tile(day, 7)[: 6 * 1440 - 10]
    assert overlapping_days(almost, epoch_s=60) == pytest.approx(5 - 10 / 1440)
    with pytest.raises(Abstained) as why:
        sleep_regularity_index(almost, epoch_s=60)
    assert (why.value.needed, why.value.got) == (5.0, 4.9)
    with pytest.raises(Abstained, match="no_variation"):
        sleep_regularity_index(np.zeros(10 * 1440), epoch_s=60)


def test_the_mean_of_23_and_1_o_clock_is_midnight():
    assert r.circular_mean_h(np.array([23.0, 1.0, np.nan])) == pytest.approx(0.0, abs=1e-9)
    assert r.circular_mean_h(np.array([3.0])) == pytest.approx(3.0)
    with pytest.raises(Abstained, match="indeterminate"):
        r.circular_mean_h(np.array([0.0, 12.0]))
    with pytest.raises(Abstained, match="too_few_nights"):
        r.circular_mean_h(np.array([np.nan]))
