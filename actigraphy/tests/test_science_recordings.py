"""Real recordings through the whole analysis: 55 of Depresjon and one with a diary.

How the rest finder was chosen, on the same data (688 nights of at least 16 h, the diary's 10 nights; median absolute
error of start and end in minutes), the others in quick re-implementations: this one 24 and 7; Crespo 2012 22 and 10,
but three days run together in a bed-bound patient; Roenneberg 2015 (correlation with a template) 180 and 5; blocks of
30 min with gaps under 60 min joined (van Hees 2018) 35 and 8.
"""

import numpy as np
import pytest

from actigraphy.science.devices import DEVICES
from actigraphy.science.pipeline import analyze_counts
from actigraphy.science.rhythm import hourly_means, interdaily_stability
from actigraphy.tests.science_files import (
    OVER_THE_CHANGE,
    actiwatch,
    depresjon,
    depresjon_days,
    depresjon_rows,
    diary,
)
from novamind.clock import date_from_ordinal_day
from novamind.measures import Abstained

pytestmark = pytest.mark.data

#: What a recording of two weeks is mostly too short for.
NEEDS_WEEKS = {"dfa_alpha", "dfa_short", "dfa_long", "period_chi2_h", "period_ls_h"}


def analyze(recording, **over):
    counts, times = recording
    return analyze_counts(counts, epoch_s=60, times=times, device=DEVICES["actiwatch"], **over)


@pytest.mark.slow
def test_all_fifty_five_depresjon_recordings_give_plausible_nights(shared_data):
    hours, onsets, efficiencies, valid, abstained = [], [], [], 0, 0
    for name in depresjon_days(shared_data):
        counts, times = depresjon(shared_data, name)
        result = analyze((counts, times))
        abstained += sum(isinstance(one, Abstained) for name, one in result.rhythm.items() if name not in NEEDS_WEEKS)
        for night in result.nights:
            if night.valid:
                valid += 1
                at = int((night.onset - times.utc_s[0]) // 60)
                hours.append(night.tst_min / 60)
                efficiencies.append(night.efficiency)
                onsets.append((times.second_of_day[at] / 3600 - 12) % 24 + 12)
    assert valid >= 650  # of 746 noon-to-noon nights, 55 of them the recordings' last mornings
    assert 6.3 < np.median(hours) < 7.5
    assert np.percentile(hours, 5) > 3.5
    assert np.percentile(hours, 95) < 11.5
    assert 23.5 < np.median(onsets) < 25.0
    assert 0.8 < np.median(efficiencies) < 0.92
    assert abstained <= 25  # of 990


def test_the_tail_of_a_watch_taken_off_is_not_sleep(shared_data):
    """control_1: 35.8 days in the file, 8 worn on by scores.csv; the watch was handled after that, and filled in."""
    counts, times = depresjon(shared_data, "control_1", days=100)
    result = analyze((counts, times))
    worn_by_day = {day.day: day.worn_min for day in result.days}
    tail = [minutes for day, minutes in worn_by_day.items() if str(day) > "2003-04-03"]
    assert max(tail) < 16 * 60
    assert sum(night.valid for night in result.nights if str(night.evening) > "2003-04-03") == 0
    longest_rest = max(period.end - period.start for period in result.rest)
    assert longest_rest <= 18 * 60


@pytest.mark.parametrize(
    ("name", "evening", "aside", "hours"),
    [
        ("condition_10", "2004-09-13", "2004-09-14T12:00", (5, 8)),
        ("condition_15", "2005-09-12", "2005-09-13T13:00", (6, 8)),
        ("condition_17", "2005-11-21", "2005-11-22T18:00", (6, 8)),
        ("condition_18", "2005-11-21", "2005-11-22T16:00", (1, 4)),
        ("control_5", "2003-02-18", "2003-02-19T13:00", (6, 8)),
        ("control_25", "2004-03-08", "2004-03-09T16:00", (4, 7)),
    ],
)
def test_a_watch_laid_aside_on_the_last_day_is_no_night(shared_data, name, evening, aside, hours):
    """Handed in and pushed now and then: 93 to 100 % zeros with lone bursts, until five hours without any are left."""
    result = analyze(depresjon(shared_data, name, days=100))
    (night,) = [night for night in result.nights if str(night.evening) == evening]
    assert hours[0] * 60 < night.tst_min < hours[1] * 60
    assert "maybe_not_worn" in night.flags
    at = int(np.flatnonzero(result.times.local_s == np.datetime64(aside, "s").astype(np.int64))[0])
    assert not result.worn[at]
    assert night.rest_end <= result.times.utc_s[at]


def test_rhythm_of_a_real_recording_rests_on_the_valid_days_it_names(shared_data):
    counts, times = depresjon(shared_data, "condition_1", days=100)
    result = analyze((counts, times))
    assert (result.valid_days, len(result.days)) == (13, 17)
    kept = np.where(result.worn, counts, np.nan)
    for day in result.days:
        if not day.valid:
            kept[times.day == np.datetime64(day.day).astype(np.int64)] = np.nan
    assert result.rhythm["IS"] == interdaily_stability(*hourly_means(kept, times, epoch_s=60))


def test_a_night_filled_in_by_the_export_is_not_a_night_awake(shared_data):
    result = analyze(depresjon(shared_data, "control_1"))
    (night,) = [night for night in result.nights if str(night.evening) == "2003-03-22"]
    assert night.tst_min.code == "too_little_wear"
    assert max((gap.end - gap.start) / 60 for gap in result.gaps if gap.reason == "filled") == 765


@pytest.mark.parametrize("name", OVER_THE_CHANGE)
def test_onsets_after_the_change_carry_the_file_s_own_clock(shared_data, name):
    counts, times = depresjon(shared_data, name, days=18)
    stamps, _ = depresjon_rows(shared_data, name)
    result = analyze((counts, times))
    valid = [night for night in result.nights if night.valid]
    assert len(valid) >= 6
    for night in valid:
        start, end = (round((at - times.utc_s[0]) / 60) for at in (night.onset, night.offset))
        assert times.second_of_day[start] == int(stamps[start][11:13]) * 3600 + int(stamps[start][14:16]) * 60
        assert date_from_ordinal_day(int(times.night[start])) == night.evening
        middle = stamps[(start + end) // 2]
        assert night.midsleep_h == pytest.approx(int(middle[11:13]) + int(middle[14:16]) / 60, abs=0.02)
    changed = [night for night in result.nights if "dst" in night.flags]
    assert [str(night.evening) for night in changed] == ["2003-03-29"]


def test_every_sample_assumed_worn_gives_the_reference_values(shared_data):
    result = analyze(actiwatch(shared_data, "example_01.AWD"), assume_worn=True)
    assert result.rhythm["IS"] == pytest.approx(0.4562764821501161, rel=1e-9)
    assert result.rhythm["L5"] == pytest.approx(10.991794871794873, rel=1e-9)
    assert result.rhythm["M10_onset_h"] * 3600 == pytest.approx(30420)
    assert result.gaps == ()


def test_rest_periods_agree_with_a_diary(shared_data):
    counts, times = actiwatch(shared_data, "example_01.AWD")
    result = analyze((counts, times))
    begin, end, naps = [], [], []
    for kind, start_s, end_s in diary(shared_data):
        overlapping = [
            period
            for period in result.rest
            if min(times.utc_s[period.end - 1], end_s) > max(times.utc_s[period.start], start_s)
        ]
        if kind == "NIGHT":
            (main,) = [period for period in overlapping if period.main]
            begin.append(abs(int(times.utc_s[main.start]) - start_s) / 60)
            end.append(abs(int(times.utc_s[main.end - 1]) - end_s) / 60)
        elif kind == "NAP":
            naps.append(bool(overlapping))
    assert len(begin) == 10
    assert np.median(begin) <= 25
    assert np.median(end) <= 10
    assert sum(naps) >= 5  # of 10: half an hour's stillness is more than a nap in a chair often has
