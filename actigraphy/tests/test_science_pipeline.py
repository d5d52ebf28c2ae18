"""The whole analysis: any input gives an answer, and never an invented one."""

from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from actigraphy.science import rhythm as r
from actigraphy.science.acceleration import Epochs
from actigraphy.science.devices import DEVICES, DeviceProfile
from actigraphy.science.pipeline import RestActivity, analyze_counts
from actigraphy.science.raw_sleep import raw_sleep
from actigraphy.tests.test_science_rest import living
from novamind.clock import LocalTimes, local_times
from novamind.measures import Abstained

ACTIWATCH = DEVICES["actiwatch"]
UTC = ZoneInfo("UTC")


def analyze(counts, times=None, epoch_s=60, device=ACTIWATCH, **over):
    if times is None:
        times = local_times(1_704_888_000, epoch_s, len(counts), ZoneInfo("Europe/Oslo"))
    return analyze_counts(counts, epoch_s=epoch_s, times=times, device=device, **over)


def assert_sound(result: RestActivity, n: int) -> None:
    """Every number is finite and in range, or abstained."""
    assert len(result.counts) == len(result.worn) == len(result.sleep) == len(result.times) == n
    for name, value in result.rhythm.items():
        assert isinstance(value, Abstained) or np.isfinite(value), name
    bounds = {"RA": (0, 1), "SRI": (-100, 100), "L5_onset_h": (0, 24), "M10_onset_h": (0, 24), "acrophase_h": (0, 24)}
    for name, (low, high) in bounds.items():
        value = result.rhythm[name]
        assert isinstance(value, Abstained) or low <= value <= high, name
    for night in result.nights:
        if night.valid:
            assert 0 < night.efficiency <= 1
            assert night.rest_start <= night.onset < night.offset <= night.rest_end
            assert 0 <= night.midsleep_h < 24
            assert night.tst_min + night.waso_min <= (night.offset - night.onset) / 60
    assert not (result.worn & ~np.isfinite(result.counts)).any()
    assert not np.isfinite(result.sleep[~result.worn]).any()


SCORED = {key: device for key, device in DEVICES.items() if device.sleep_algorithm not in {"none", "hdcza"}}


@pytest.mark.parametrize("device", SCORED.values(), ids=SCORED.keys())
def test_a_week_of_a_regular_life_is_measured_whole(device):
    counts, times, _ = living(n_days=8)
    scale = 5.0 if device.scale else 1.0
    result = analyze(counts * scale, times, device=device)
    assert_sound(result, len(counts))
    abstained = {name for name, value in result.rhythm.items() if isinstance(value, Abstained)}
    assert abstained == {"period_chi2_h", "period_ls_h"}  # ten valid days
    assert sum(night.valid for night in result.nights) == 8
    assert [night.flags for night in result.nights] == [()] * 8
    assert result.rhythm["SRI"] > 85
    assert result.valid_days == 7
    assert result.gaps == ()
    midsleep = [night.midsleep_h for night in result.nights]
    assert np.allclose(midsleep, 3.0, atol=0.2)
    assert device.sleep_method in result.methods["sleep"]


def test_a_watch_that_measures_acceleration_is_scored_by_it_and_not_by_its_counts():
    counts, times, _ = living(n_days=8)
    rng, n = np.random.default_rng(1), len(counts)
    epochs = Epochs.missing(n)
    asleep = (times.hour_of_day >= 23) | (times.hour_of_day < 7)
    fine = np.repeat(asleep, 12)
    posture = np.repeat(rng.uniform(-60, 60, n // 40 + 1), 480)[: 12 * n]
    epochs.z_angle[:] = np.where(fine, posture + rng.normal(0, 0.02, 12 * n), rng.uniform(-60, 60, 12 * n))
    epochs.mean[:], epochs.variance[:], epochs.low[:], epochs.high[:] = 0.5, 0.1, -1.0, 1.0
    raw = raw_sleep(epochs, times)
    result = analyze(counts, times, device=DEVICES["axivity"], raw=raw)
    assert_sound(result, n)
    whole = [night for night in result.nights if night.valid]
    assert len(whole) >= 6
    assert np.allclose([night.midsleep_h for night in whole], 3.0, atol=0.1)
    assert all(460 <= night.tst_min <= 480 for night in whole)
    assert "HDCZA" in result.methods["rest"]
    assert "van Hees 2013" in result.methods["non_wear"]
    by_counts = analyze(counts, times, device=DEVICES["actigraph_wrist"], raw=raw)
    assert "Cole-Kripke" in by_counts.methods["sleep"]
    assert "HDCZA" not in by_counts.methods["rest"]
    none = analyze(counts, times, device=DEVICES["axivity"])
    assert not any(night.valid for night in none.nights)


@pytest.mark.parametrize("n", [0, 1, 2, 59, 1440, 10 * 1440])
@pytest.mark.parametrize("value", [0.0, 1.0, 7.0, 250.0, np.nan, np.inf, -3.0])
def test_a_constant_missing_or_tiny_recording_abstains_everywhere(value, n):
    result = analyze(np.full(n, value))
    assert_sound(result, n)
    assert all(isinstance(number, Abstained) for number in result.rhythm.values())
    assert not any(night.valid for night in result.nights)
    assert isinstance(result.l5, Abstained)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    data=st.data(),
    epoch_s=st.sampled_from([10, 15, 30, 60, 120, 300]),
    zone=st.sampled_from(["UTC", "Europe/Oslo", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns"]),
    start=st.integers(0, 2_000_000_000),
    device=st.sampled_from(sorted(DEVICES)),
    assume_worn=st.booleans(),
)
def test_no_input_crashes_or_invents(data, epoch_s, zone, start, device, assume_worn):
    hours = data.draw(
        arrays(np.float64, st.integers(0, 200), elements=st.sampled_from([0.0, 2.0, 40.0, 400.0, np.nan]))
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    level = np.repeat(hours, 3600 // epoch_s)
    counts = np.where(level > 2, np.floor(rng.gamma(1.0, np.nan_to_num(level) + 1e-9)), level)
    times = local_times(start, epoch_s, len(counts), ZoneInfo(zone))
    before = counts.copy()
    result = analyze(counts, times, epoch_s, DEVICES[device], assume_worn=assume_worn)
    assert_sound(result, len(counts) * epoch_s // max(60, epoch_s))
    assert np.array_equal(counts, before, equal_nan=True)
    again = analyze(counts, times, epoch_s, DEVICES[device], assume_worn=assume_worn)
    assert again.rhythm == result.rhythm
    assert again.nights == result.nights


def test_a_watch_laid_aside_is_non_wear_not_sleep():
    counts, times, _ = living(n_days=20)
    counts[8 * 1440 :] = 0
    counts[9 * 1440 : 12 * 1440] = 5  # an idle Actiwatch reports small constant counts
    counts[15 * 1440 : 15 * 1440 + 20] = 300  # carried from a drawer to another
    result = analyze(counts, times)
    assert sum(night.valid for night in result.nights) == 8
    assert result.valid_days == 7
    assert not result.worn[8 * 1440 :].any()
    assert not [period for period in result.rest if period.end > 8 * 1440 + 1]


def test_a_watch_left_off_for_a_night_hides_that_night_only():
    counts, times, _ = living(n_days=8)
    counts[3 * 1440 + 600 : 3 * 1440 + 1200] = 0
    result = analyze(counts, times)
    assert [night.valid for night in result.nights] == [True] * 3 + [False] + [True] * 4
    assert result.nights[3].tst_min.code == "too_little_wear"


def test_a_watch_laid_aside_and_pushed_now_and_then_is_not_a_night_of_excellent_sleep():
    counts, times, _ = living(n_days=8)
    morning = 4 * 1440 + 21 * 60  # 09:00 after the fifth night
    counts[morning : morning + 22 * 60] = 0
    counts[morning + 70 : morning + 12 * 60 : 100] = 300
    result = analyze(counts, times)
    fifth, sixth = result.nights[4:6]
    assert not result.worn[morning + 30 : morning + 22 * 60].any()
    assert fifth.valid
    assert abs(fifth.tst_min - analyze(living(n_days=8)[0], times).nights[4].tst_min) < 15
    assert "maybe_not_worn" in fifth.flags
    assert sixth.tst_min.code == "too_little_wear"
    assert sum(night.valid for night in result.nights) == 7
    assert analyze(counts, times, assume_worn=True).worn.all()


def test_a_rest_as_still_as_a_watch_laid_aside_is_measured_and_flagged():
    counts, times, truth = living(n_days=8)
    night = np.flatnonzero(truth & (times.night == times.night[0] + 3))
    counts[night] = 0
    counts[night[::90]] = 60
    result = analyze(counts, times)
    assert [night.flags for night in result.nights] == [()] * 3 + [("maybe_not_worn",)] + [()] * 4
    assert result.nights[3].valid


def test_the_rhythm_is_computed_from_the_valid_days_alone():
    """Two half days at the ends and a day half worn: seven valid days of ten, and the numbers of those."""
    counts, times, _ = living("UTC", n_days=9)
    counts[4 * 1440 : 4 * 1440 + 720] = np.nan
    counts[4 * 1440 - 300 : 4 * 1440] = np.nan
    result = analyze(counts, times)
    assert (len(result.days), result.valid_days) == (10, 7)
    alone = counts.copy()
    for day in result.days:
        if not day.valid:
            alone[times.day == np.datetime64(day.day).astype(np.int64)] = np.nan
    profile = r.average_profile(np.where(result.worn, alone, np.nan), times, epoch_s=60)
    assert np.array_equal(result.profile, profile)
    assert result.rhythm["M10"] == r.m10(profile).level
    assert result.rhythm["mesor"] == r.cosinor(alone, times, epoch_s=60).mesor
    hourly = r.hourly_means(alone, times, epoch_s=60)
    assert result.rhythm["IS"] == r.interdaily_stability(*hourly)
    assert result.rhythm["IV"] == r.intradaily_variability(*hourly)
    whole = analyze(counts, times, assume_worn=True)
    assert whole.rhythm["mesor"] == r.cosinor(counts, times, epoch_s=60).mesor
    assert "every sample" in whole.methods["rhythm"]
    assert "days worn >= 16 h" in result.methods["rhythm"]


def test_four_still_hours_by_day_are_non_wear_and_by_night_sleep():
    counts, times, _ = living(n_days=8)
    counts[200:440] = 0
    counts[1440 + 700 : 1440 + 940] = 0
    result = analyze(counts, times)
    assert not result.worn[200:440].any()
    assert result.worn[1440 + 700 : 1440 + 940].all()
    assert all(night.valid for night in result.nights)


def test_values_filled_in_by_the_exporting_software_are_not_activity():
    counts, times, _ = living(n_days=8)
    counts[1440 + 420 : 1440 + 1200] = 347
    result = analyze(counts, times)
    assert not result.worn[1440 + 420 : 1440 + 1200].any()
    assert ("filled", 13.0) in [(gap.reason, (gap.end - gap.start) / 3600) for gap in result.gaps]
    assert result.nights[1].tst_min.code == "too_little_wear"
    assert analyze(counts, times, assume_worn=True).worn.all()


def test_missing_is_told_from_not_worn_and_neither_becomes_zero():
    counts, times, _ = living(n_days=8)
    counts[2000:2100] = np.nan
    counts[200:440] = 0
    result = analyze(counts, times)
    assert [(gap.reason, int(gap.end - gap.start) // 60) for gap in result.gaps] == [
        ("non_wear", 240),
        ("missing", 100),
    ]
    assert np.isnan(result.counts[2000:2100]).all()
    whole = analyze(living(n_days=8)[0], times)
    assert result.rhythm["mesor"] == pytest.approx(whole.rhythm["mesor"], rel=0.05)


def test_the_device_s_own_off_wrist_flag_is_believed():
    counts, times, _ = living(n_days=8)
    told = np.zeros(len(counts), dtype=bool)
    told[300:420] = True
    assert not analyze(counts, times, nonwear=told).worn[300:420].any()


def test_shorter_epochs_are_summed_to_minutes_and_a_torn_minute_is_missing():
    counts, times, _ = living(n_days=7)
    fine = np.repeat(counts / 4, 4)
    finer = LocalTimes(np.repeat(times.utc_s, 4) + np.tile([0, 15, 30, 45], len(times)), np.repeat(times.offset_s, 4))
    result = analyze(fine, finer, epoch_s=15)
    assert result.epoch_s == 60
    assert np.array_equal(result.counts, counts)
    assert result.rhythm == analyze(counts, times).rhythm
    fine[402] = np.nan
    assert np.isnan(analyze(fine, finer, epoch_s=15).counts[100])


def test_epochs_too_long_for_the_scorer_leave_the_rhythm_and_abstain_the_nights():
    counts, times, _ = living(n_days=7)
    result = analyze(counts.reshape(-1, 5).sum(axis=1), LocalTimes(times.utc_s[::5], times.offset_s[::5]), epoch_s=300)
    assert isinstance(result.rhythm["IS"], float)
    assert result.nights[1].tst_min.code == "unsupported_device"
    assert result.nights[1].tst_min.what == "sleep from epochs of 300 s"


@pytest.mark.parametrize("epoch_s", [7, 45, 90, 1000])
def test_an_epoch_that_fits_no_clock_is_refused(epoch_s):
    with pytest.raises(ValueError, match="do not divide"):
        analyze(np.zeros(10), epoch_s=epoch_s)


def test_an_irregular_grid_is_refused():
    times = LocalTimes(np.array([0, 60, 180]), np.zeros(3, dtype=np.int64))
    with pytest.raises(ValueError, match="regular"):
        analyze(np.zeros(3), times)


def test_choi_is_for_the_hip_only_and_cole_kripke_never_without_a_scale():
    assert {key for key, device in DEVICES.items() if device.nonwear == "choi"} == {"actigraph_hip"}
    assert all(device.placement == "hip" for device in DEVICES.values() if device.nonwear == "choi")
    with pytest.raises(ValueError, match="scale"):
        DeviceProfile("x", "x", "wrist", "zero_runs", "cole_kripke", "x")


def test_each_local_day_s_wear_is_counted_in_its_own_hours():
    counts, times, _ = living("Europe/Oslo", "2003-10-25T00:00", n_days=3)
    days = analyze(counts, times, assume_worn=True).days
    assert [day.worn_min for day in days] == [1440, 1500, 1380]
    assert [day.valid for day in days] == [True] * 3
