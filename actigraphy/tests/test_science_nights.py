"""A night's numbers against nights counted by hand."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from actigraphy.science.nights import score_nights, sleep_bounds
from actigraphy.science.rest import RestPeriod
from novamind.clock import local_times, resolve_local
from novamind.measures import Abstained


def one_night(zone="UTC", noon="2024-01-10T12:00", rest=(660, 1140), **over):
    """A noon-to-noon recording (24 elapsed hours) with the given rest period, all of it asleep."""
    tz = ZoneInfo(zone)
    start = int(resolve_local(datetime.fromisoformat(noon), tz).timestamp())
    times = local_times(start, 60, over.pop("n", 1440), tz)
    sleep = np.zeros(len(times))
    sleep[rest[0] : rest[1]] = 1
    worn = np.ones(len(times), dtype=bool)
    periods = (RestPeriod(*rest, int(times.night[rest[0]]), True),)
    return sleep, worn, periods, times


def scored(sleep, worn, periods, times):
    sleep = np.where(worn, sleep, np.nan)
    return score_nights(sleep, worn, periods, times, epoch_s=60, method="by hand")


def test_a_night_is_counted_minute_by_minute():
    sleep, worn, periods, times = one_night()
    sleep[660:680] = 0  # 20 minutes to fall asleep
    sleep[800:815] = 0  # two awakenings
    sleep[900] = 0
    sleep[1130:1140] = 0  # 10 minutes awake in bed
    (night,) = scored(sleep, worn, periods, times)
    assert night.valid
    assert str(night.evening) == "2024-01-10"
    assert datetime.fromtimestamp(night.rest_start, UTC) == datetime(2024, 1, 10, 23, tzinfo=UTC)
    assert datetime.fromtimestamp(night.onset, UTC) == datetime(2024, 1, 10, 23, 20, tzinfo=UTC)
    assert datetime.fromtimestamp(night.offset, UTC) == datetime(2024, 1, 11, 6, 50, tzinfo=UTC)
    assert (night.sol_min, night.waso_min, night.awakenings) == (20.0, 16.0, 2.0)
    assert night.tst_min == 480 - 30 - 16
    assert night.efficiency == pytest.approx(434 / 480)
    assert night.midsleep_h == pytest.approx(3 + 5 / 60)
    assert night.flags == ()


def test_onset_waits_for_ten_calm_minutes():
    sleep = np.array([1.0] * 5 + [0.0] * 5 + [1.0] * 4 + [0.0] + [1.0] * 20 + [0.0] * 3)
    assert sleep_bounds(sleep, epoch_s=60) == (10, 35)
    assert sleep_bounds(np.tile([1.0, 0.0], 60), epoch_s=60) is None
    assert sleep_bounds(np.ones(9), epoch_s=60) is None


@pytest.mark.parametrize(("zone", "noon", "n", "midsleep", "hours"), [
    ("Europe/Oslo", "2003-03-29T12:00", 1380, 4.0, 8.0),
    ("Europe/Oslo", "2003-10-25T12:00", 1500, 2.0, 8.0),
    ("Australia/Lord_Howe", "2024-04-06T12:00", 1470, 2.5, 8.0),
])  # fmt: skip
def test_a_night_with_a_clock_change_keeps_its_elapsed_hours(zone, noon, n, midsleep, hours):
    """Asleep at 23:00 for eight elapsed hours: four hours later the clock shows 4, 2 or half past 2."""
    (night,) = scored(*one_night(zone, noon, n=n))
    assert night.flags == ("dst",)
    assert night.tst_min == hours * 60
    assert (night.offset - night.onset) / 3600 == hours
    assert night.midsleep_h == midsleep


def test_a_night_with_a_double_hour_keeps_both_hours():
    (night,) = scored(*one_night("Europe/Oslo", "2003-10-25T12:00", rest=(660, 1200), n=1500))
    assert night.tst_min == 540
    assert night.worn_h == 25.0


def test_a_day_sleeper_s_midsleep_is_at_noon():
    (night, _) = scored(*one_night(rest=(1260, 1620), n=2000))
    assert night.midsleep_h == 12.0
    assert str(night.evening) == "2024-01-10"


def why(night):
    for name in ("onset", "offset", "tst_min", "sol_min", "waso_min", "efficiency", "midsleep_h", "awakenings"):
        assert isinstance(getattr(night, name), Abstained)
    return night.tst_min


def test_too_little_wear_says_how_much():
    sleep, worn, periods, times = one_night()
    worn[:600] = False
    (night,) = scored(sleep, worn, periods, times)
    assert why(night).reason == "worn 14 h; 16 h needed"
    assert "partial_wear" in night.flags


def test_a_rest_with_a_tenth_not_worn_is_not_measured():
    sleep, worn, periods, times = one_night()
    worn[800:840] = False
    (night,) = scored(sleep, worn, periods, times)
    assert night.valid
    assert night.efficiency == 1.0
    worn[800:860] = False
    (night,) = scored(sleep, worn, periods, times)
    assert why(night).code == "too_little_wear"


def test_a_watch_off_for_longer_than_the_rest_found_may_hide_the_real_one():
    sleep, worn, periods, times = one_night(rest=(1100, 1300))
    worn[700:1000] = False
    (night,) = scored(sleep, worn, periods, times)
    assert why(night).code == "too_little_wear"


def test_a_night_without_rest_says_so():
    sleep, worn, _, times = one_night()
    (night,) = scored(sleep, worn, (), times)
    assert why(night).reason == "the data allow no answer (no main rest period found)"
    assert night.flags == ("no_rest_found",)


def test_a_rest_cut_by_the_end_of_the_recording_is_not_measured():
    sleep, worn, periods, times = one_night(rest=(900, 1440))
    (night,) = scored(sleep, worn, periods, times)
    assert why(night).reason == "the data allow no answer (the recording begins or ends during the rest period)"
    assert night.flags == ("recording_edge",)
    assert not night.measurable


def test_a_rest_that_meets_a_stretch_not_worn_is_measured_and_flagged():
    sleep, worn, periods, times = one_night()
    worn[1140:1200] = False
    (night,) = scored(sleep, worn, periods, times)
    assert night.valid
    assert night.measurable
    assert night.flags == ("partial_wear", "truncated")


@pytest.mark.parametrize("noon", ["2024-01-10T12:00", "2024-01-10T21:00"])
def test_a_night_the_recording_does_not_hold_is_not_the_patient_s_doing(noon):
    """Fifteen hours from noon on, and fifteen until noon: 16 h of wear cannot be had."""
    sleep, worn, periods, times = one_night(noon=noon, rest=(300, 700), n=900)
    worn[800:] = False
    (night,) = scored(sleep, worn, periods, times)
    assert why(night).reason == "the data allow no answer (the recording begins or ends that night)"
    assert night.flags == ("recording_edge",)
    assert not night.measurable
    assert (night.recorded_h, round(night.worn_h, 1)) == (15.0, 13.3)


def test_a_night_cut_by_the_recording_that_can_still_be_measured_is_and_needs_no_flag():
    (night,) = scored(*one_night(noon="2024-01-10T19:00", rest=(240, 720), n=17 * 60))
    assert night.valid
    assert night.measurable
    assert night.flags == ()
    assert night.recorded_h == 17.0


def test_a_recording_edge_excuses_no_watch_taken_off():
    sleep, worn, periods, times = one_night(rest=(900, 1440))
    worn[:600] = False
    (night,) = scored(sleep, worn, periods, times)
    assert why(night).reason == "worn 14 h; 16 h needed"
    assert night.measurable
    assert night.flags == ("partial_wear",)


def test_wear_just_short_of_enough_is_not_rounded_up_to_it():
    sleep, worn, periods, times = one_night()
    worn[: 8 * 60 + 1] = False
    (night,) = scored(sleep, worn, periods, times)
    assert why(night).reason == "worn 15.9 h; 16 h needed"


def test_long_and_split_rest_are_flagged():
    (night, _) = scored(*one_night(rest=(660, 1440), n=2000))
    assert night.flags == ("long_rest",)
    sleep, worn, periods, times = one_night(rest=(660, 800))
    nap = RestPeriod(300, 500, periods[0].night, False)
    (night,) = scored(sleep, worn, (nap, *periods), times)
    assert night.flags == ("split_rest",)


def test_no_recording_has_no_nights():
    assert (
        score_nights(
            np.zeros(0), np.zeros(0, dtype=bool), (), local_times(0, 60, 0, ZoneInfo("UTC")), epoch_s=60, method=""
        )
        == ()
    )
