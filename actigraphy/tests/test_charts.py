"""The charts of the Actigraphy page: valid for Plotly, and true to their data."""

import base64
import csv
import json
import re
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

from actigraphy.charts import DayRow, MeanDay, RestBar, Series, Stretch, actogram, profile, running_median, trend
from novamind.measures import Abstained

MONDAY = date(2027, 5, 3)


def unpacked(typed):
    values = np.frombuffer(base64.b64decode(typed["bdata"]), dtype=typed["dtype"])
    return values.reshape([int(n) for n in typed["shape"].split(",")]) if "shape" in typed else values


def day_row(evening=MONDAY, level=100.0, minutes=1440, **more):
    return DayRow(evening, np.full(minutes, level), np.ones(minutes, dtype=bool), **more)


def trace(figure, color):
    [found] = [one for one in figure["data"] if one.get("fillcolor") == color]
    return found


def caption(figure):
    return figure["layout"]["meta"]["caption"]


def hours(figure):
    """Words and means of the hours under the pointer, as {words: mean} of the left half."""
    heat = figure["data"][-1]
    return {
        text: mean
        for texts, means in zip(heat["text"], unpacked(heat["z"]), strict=True)
        for text, mean in zip(texts[:24], means[:24], strict=True)
        if text
    }


def test_every_color_that_a_chart_names_is_a_property_of_the_page():
    root = Path(__file__).resolve().parents[2]
    known = set(re.findall(r"(--[\w-]+):", (root / "static" / "css" / "novamind.css").read_text(encoding="utf-8")))
    sources = [*(root / "actigraphy").glob("*.py"), *(root / "actigraphy" / "charts").glob("*.py")]
    named = {
        name for source in sources for name in re.findall(r"var\((--[\w-]+)\)", source.read_text(encoding="utf-8"))
    }
    assert named
    assert named <= known


class TestActogram:
    def test_it_is_valid_for_plotly_and_for_json(self):
        rest = ((660.0, 1140.0, "sleep"), RestBar(120, 160, "nap"))
        drawn = actogram([day_row(rest=rest), day_row(MONDAY + timedelta(days=1))], zone="Europe/Oslo")
        go.Figure(drawn)
        json.dumps(drawn)

    def test_each_day_is_drawn_twice_in_its_own_row_and_right_in_the_row_before(self):
        drawn = actogram(
            [day_row(rest=((660, 1140, "sleep"),)), day_row(MONDAY + timedelta(days=1), rest=((600, 1000, "sleep"),))]
        )
        bars = trace(drawn, "var(--sleep)")
        boxes = {(round(x), y // 1000) for x, y in zip(unpacked(bars["x"])[::6], unpacked(bars["y"])[::6], strict=True)}
        assert boxes == {(660, 1.0), (600, 0.0), (1440 + 600, 1.0)}

    def test_the_newest_day_is_at_the_bottom(self):
        axis = actogram([day_row(), day_row(MONDAY + timedelta(days=1))])["layout"]["yaxis"]
        assert axis["ticktext"] == ["Mon 3 May", "Tue 4 May"]
        assert axis["tickvals"][0] > axis["tickvals"][1]

    def test_an_evening_that_is_missing_keeps_its_empty_row(self):
        axis = actogram([day_row(), day_row(MONDAY + timedelta(days=2))])["layout"]["yaxis"]
        assert axis["ticktext"] == ["Mon 3 May", "Tue 4 May", "Wed 5 May"]

    def test_the_scale_is_the_99th_percentile_and_says_so(self):
        activity = np.full(1440, 100.0)
        activity[:5] = 100_000
        drawn = actogram([DayRow(MONDAY, activity, np.ones(1440, dtype=bool))])
        assert "full height is 100 counts/min, the 99th percentile" in drawn["layout"]["meta"]["caption"]
        assert unpacked(trace(drawn, "var(--activity-fill)")["y"]).max() == 960

    def test_time_off_the_wrist_is_hatched_and_never_drawn_as_rest_or_activity(self):
        row = day_row()
        row.worn[300:600] = False
        drawn = actogram([row])
        hatched = trace(drawn, "var(--off-wrist-tint)")
        assert hatched["fillpattern"]["shape"] == "/"
        assert np.nanmin(unpacked(hatched["x"])) == 300
        area = trace(drawn, "var(--activity-fill)")
        x, y = unpacked(area["x"]), unpacked(area["y"])
        assert set(y[(x > 300) & (x < 600)]) == {220}
        assert "Mon 3 May 18\u201319 h" not in hours(drawn)

    def test_outside_the_recording_nothing_is_hatched_and_its_start_and_end_are_marked(self):
        within = np.zeros(1440, dtype=bool)
        within[360:1200] = True
        row = DayRow(MONDAY, np.where(within, 100.0, np.nan), within.copy(), recorded=within)
        row.worn[600:660] = False
        drawn = actogram([row])
        hatched = unpacked(trace(drawn, "var(--off-wrist-tint)")["x"])
        assert (np.nanmin(hatched), np.nanmax(hatched).round()) == (600, 660)
        [marks] = [one for one in drawn["data"] if one.get("mode") == "markers+text"]
        assert list(zip(marks["x"], marks["text"], strict=True)) == [(360.0, "start"), (1200.0, "end")]
        assert drawn["layout"]["meta"]["table"]["rows"][0][3] == "13 h 00 min of 14 h 00 min recorded"
        go.Figure(drawn)

    def test_a_start_near_the_edge_has_its_mark_and_no_cut_word(self):
        within = np.arange(1440) >= 30
        drawn = actogram([DayRow(MONDAY, np.full(1440, 1.0), within.copy(), recorded=within)])
        [marks] = [one for one in drawn["data"] if one.get("mode") == "markers+text"]
        assert (marks["x"], marks["text"]) == ([30.0], [""])

    def test_a_day_recorded_from_end_to_end_has_no_marks(self):
        assert not [one for one in actogram([day_row()])["data"] if one.get("mode") == "markers+text"]

    def test_a_rest_across_noon_is_drawn_in_both_rows_and_listed_once_with_its_true_times(self):
        first = day_row(rest=((1325, 1607, "sleep"), (600, 700, "sleep")))
        second = day_row(MONDAY + timedelta(days=1), rest=((-115, 167, "sleep"),))
        drawn = actogram([first, second])
        rests = [row[1] for row in drawn["layout"]["meta"]["table"]["rows"]]
        assert rests == ["22:00\u201323:40, 10:05\u201314:47", "\u2013"]
        bars = trace(drawn, "var(--sleep)")
        assert sorted(set(unpacked(bars["x"])[::6].round().tolist())) == [0, 600, 1325, 1440]

    def test_a_rest_that_began_before_the_first_row_keeps_its_true_times(self):
        drawn = actogram([day_row(rest=((-115, 167, "sleep"),))])
        assert drawn["layout"]["meta"]["table"]["rows"][0][1] == "10:05\u201314:47"

    def test_the_words_under_the_pointer_are_of_the_hour(self):
        activity = np.repeat(np.arange(24.0), 60)
        shown = hours(actogram([DayRow(MONDAY, activity, np.ones(1440, dtype=bool))]))
        assert shown["Mon 3 May 12\u201313 h"] == 0
        assert shown["Tue 4 May 00\u201301 h"] == 12
        assert shown["Tue 4 May 11\u201312 h"] == 23

    def test_a_night_with_a_double_hour_keeps_both_hours(self):
        # Noon + 15 h is 03:00 summer time, when the clocks go back to 02:00.
        activity = np.zeros(1500)
        activity[840:900], activity[900:960] = 100, 300
        row = DayRow(date(2027, 10, 30), activity, np.ones(1500, dtype=bool), change_min=900)
        drawn = actogram([row])
        assert hours(drawn)["Sun 31 Oct 02\u201303 h"] == 200
        area = trace(drawn, "var(--activity-fill)")
        x, y = unpacked(area["x"]), unpacked(area["y"])
        [again] = [one for one in drawn["data"] if one.get("line", {}).get("color") == "var(--text)"]
        assert set(y[(x > 845) & (x < 895)].tolist()) == {220 + round(740 / 3)}
        heights = unpacked(again["y"])
        assert set(heights[np.isfinite(heights)].tolist()) == {960}
        assert (np.nanmin(unpacked(again["x"])), np.nanmax(unpacked(again["x"]))) == (842.5, 897.5)
        assert "In the night of Sat 30 Oct the clocks showed 02:00\u201303:00 twice" in caption(drawn)

    def test_a_skipped_hour_is_empty_and_the_morning_keeps_its_clock(self):
        activity = np.zeros(1380)
        activity[840:900] = 100  # the hour after 02:00, which the clocks call 03:00
        row = DayRow(
            date(2027, 3, 27), activity, np.ones(1380, dtype=bool), rest=((780, 960, "sleep"),), change_min=840
        )
        drawn = actogram([row])
        shown = hours(drawn)
        assert shown["Sun 28 Mar 03\u201304 h"] == 100
        assert "Sun 28 Mar 02\u201303 h" not in shown
        bars = unpacked(trace(drawn, "var(--sleep)")["x"])
        assert bars[[0, 1, 6, 7]].round().tolist() == [780, 840, 900, 1020]
        [change] = [line for line in drawn["layout"]["shapes"] if line.get("layer") == "above"]
        assert change["x0"] == 840

    def test_a_day_of_another_length_says_where_its_clock_changed(self):
        with pytest.raises(ValueError, match="where its clock was changed"):
            day_row(minutes=1380)

    def test_a_device_that_never_moved_is_said_to_show_no_movement(self):
        drawn = actogram([day_row(level=0.0)])
        assert "no movement" in drawn["layout"]["meta"]["caption"]
        go.Figure(drawn)

    def test_a_device_that_was_never_worn_is_drawn(self):
        row = DayRow(MONDAY, np.full(1440, np.nan), np.zeros(1440, dtype=bool))
        drawn = actogram([row])
        go.Figure(drawn)
        assert drawn["layout"]["meta"]["table"]["rows"][0][-1] == "not worn"

    def test_no_day_is_no_chart_but_words(self):
        assert actogram([])["layout"]["meta"]["caption"] == "No day was recorded."

    def test_ninety_days_still_fit_the_numbers_that_say_where_a_point_is(self):
        rows = [day_row(MONDAY + timedelta(days=n)) for n in range(90)]
        assert unpacked(trace(actogram(rows), "var(--activity-fill)")["y"]).max() > 89_000

    def test_the_input_is_left_as_it_was(self):
        row = day_row(rest=((660, 1140, "sleep"),))
        before = row.activity.copy()
        actogram([row])
        assert (row.activity == before).all()

    @pytest.mark.data
    def test_two_weeks_of_a_real_recording_weigh_under_100_kb(self, shared_data):
        with (shared_data / "depresjon" / "control" / "control_1.csv").open(encoding="ascii") as file:
            rows = list(csv.DictReader(file))
        start = datetime.fromisoformat(rows[0]["timestamp"])
        lead = (start.hour - 12) * 60 + start.minute
        activity = np.concatenate([np.full(lead, np.nan), [float(row["activity"]) for row in rows]])[: 14 * 1440]
        days = [
            DayRow(start.date() + timedelta(days=n), minutes, np.isfinite(minutes))
            for n, minutes in enumerate(activity.reshape(14, 1440))
        ]
        assert len(json.dumps(actogram(days))) < 100_000


class TestMeanDay:
    def test_it_is_valid_for_plotly(self):
        drawn = profile(MeanDay(np.full((6, 1440), 50.0), Stretch(90, 300, 5.0), Stretch(540, 600, 320.0)))
        go.Figure(drawn)
        json.dumps(drawn)

    def test_l5_and_m10_are_named_with_their_mean_and_their_start(self):
        drawn = profile(MeanDay(np.full((6, 1440), 50.0), Stretch(90, 300, 5.0), Stretch(540, 600, 320.0)))
        texts = [note["text"] for note in drawn["layout"]["annotations"]]
        assert texts == ["L5 5.00<br>from 01:30", "M10 320<br>from 09:00"]

    def test_hours_that_cross_midnight_are_shaded_on_both_sides(self):
        drawn = profile(MeanDay(np.full((6, 1440), 50.0), l5=Stretch(1380, 300, 5.0)))
        assert [(shape["x0"], shape["x1"]) for shape in drawn["layout"]["shapes"]] == [(23.0, 24.0), (0.0, 4.0)]

    def test_nothing_is_shaded_where_nothing_was_computed(self):
        assert profile(MeanDay(np.full((6, 1440), 50.0)))["layout"]["shapes"] == []

    def test_minutes_nobody_wore_are_a_gap(self):
        days = np.full((3, 1440), 50.0)
        days[:, 600:660] = np.nan
        line = unpacked(profile(MeanDay(days))["data"][-1]["y"])
        assert np.isnan(line[60:66]).all()
        assert (line[:60] == 50).all()

    def test_the_band_breaks_where_under_five_days_have_a_value(self):
        days = np.full((6, 1440), 50.0)
        days[:, 600:660] = np.nan
        days[:2, 900:1440] = np.nan
        band, line = profile(MeanDay(days))["data"]
        x = unpacked(band["x"])
        assert band["fill"] == "toself"
        assert not ((x > 10) & (x < 11)).any()
        assert np.nanmax(x) < 15
        gaps = np.flatnonzero(np.isnan(x))
        assert len(gaps) == 2, "two outlines, each closed"
        assert [x[0], x[gaps[0] + 1]] == [x[gaps[0] - 1], x[gaps[1] - 1]]
        assert np.isfinite(unpacked(line["y"])[90:]).all()

    def test_a_recording_of_fifteen_hours_has_a_line_of_fifteen_hours_and_no_band(self):
        days = np.full((2, 1440), np.nan)
        days[0, 900:] = days[1, :360] = 50.0
        [line] = drawn = profile(MeanDay(days))["data"]
        assert np.isfinite(unpacked(line["y"])).sum() == 90
        assert len(drawn) == 1
        assert "No band: it needs 5 days" in caption(profile(MeanDay(days)))

    def test_percentiles_of_under_five_days_are_not_given_in_the_table_either(self):
        assert profile(MeanDay(np.full((4, 1440), 50.0)))["layout"]["meta"]["table"]["rows"][0] == [
            "00:00",
            "\u2013",
            "50.0 counts/min",
            "\u2013",
        ]

    def test_the_caption_counts_only_days_that_have_a_worn_minute(self):
        days = np.full((18, 1440), 50.0)
        days[16:] = np.nan
        assert caption(profile(MeanDay(days))).startswith("Line: mean of 16 days,")
        assert caption(profile(MeanDay(days[15:]))).startswith("Line: one day at each time of day,")

    def test_more_days_than_a_byte_counts_are_counted(self):
        line = profile(MeanDay(np.full((300, 1440), 50.0)))["data"][-1]
        assert unpacked(line["customdata"]).max() == 300

    def test_a_recording_without_any_worn_minute_is_words_and_no_plot(self):
        drawn = profile(MeanDay(np.full((2, 1440), np.nan)))
        assert drawn["data"] == []
        assert caption(drawn) == "No minute was worn, so there is no mean day."


class TestTrend:
    nights = tuple(MONDAY + timedelta(days=n) for n in (0, 1, 2, 4, 5, 6, 7))

    def series(self, values, unit="min", **more):
        return Series("total sleep time", np.array(values, dtype=float), unit, **more)

    def test_it_is_valid_for_plotly(self):
        one = self.series([400, 420, np.nan, 380, 390, 410, 400], coverage=np.ones(7), baseline=(380, 450))
        drawn = trend(self.nights, [one])
        go.Figure(drawn)
        json.dumps(drawn)

    def test_a_night_that_is_missing_is_a_gap_and_not_a_line_across(self):
        line, points = trend(self.nights, [self.series([400] * 7)])["data"]
        assert points["x"][3] == "2027-05-06"
        assert np.isnan(unpacked(points["y"])[3])
        assert np.isnan(unpacked(line["y"])[3])
        assert line["connectgaps"] is False

    def test_hover_says_date_value_and_coverage(self):
        _, points = trend(self.nights, [self.series([432] * 7, coverage=np.full(7, 0.962))])["data"]
        assert points["text"][0] == "Mon 3 May 2027<br>total sleep time 7 h 12 min<br>worn 96 %"

    def test_clock_times_before_and_after_midnight_are_neighbors(self):
        axis = trend(self.nights, [self.series([-0.5, 0.5, -1, 0, 0.25, 0.3, 0.1], "clock")])["layout"]["yaxis"]
        assert axis["ticktext"][:3] == ["23:00", "00:00", "01:00"]

    @pytest.mark.parametrize(("values", "got"), [([np.nan] * 7, 0), ([400] + [np.nan] * 6, 1)])
    def test_under_two_values_are_no_trend_but_a_reason(self, values, got):
        assert trend(self.nights, [self.series(values)]) == Abstained("too_few_nights", needed=2, got=got)

    def test_no_night_is_no_trend_but_a_reason(self):
        assert trend([], []) == Abstained("too_few_nights", needed=2, got=0)

    def test_the_own_baseline_is_named_and_drawn_only_after_its_nights(self):
        one = self.series([400] * 7, baseline=(380, 420), baseline_nights=self.nights[:4])
        drawn = trend(self.nights, [one])
        [band] = drawn["layout"]["shapes"]
        assert (band["xref"], band["x0"], band["x1"]) == ("x", "2027-05-07 12:00", "2027-05-10 12:00")
        assert caption(drawn).endswith(
            "Band: own baseline, median \u00b1 scaled MAD of the first 4 measured nights (3 May to 7 May)."
        )
        go.Figure(drawn)

    def test_bands_of_different_nights_say_whose_they_are(self):
        same = {"baseline": (380, 420)}
        first = Series("sleep", np.full(7, 400.0), "min", baseline_nights=self.nights[:2], **same)
        other = Series("wake", np.full(7, 400.0), "min", baseline_nights=self.nights[1:3], **same)
        words = caption(trend(self.nights, [first, other]))
        assert "Band of sleep: own baseline" in words
        assert "Band of wake: own baseline" in words

    @pytest.mark.parametrize("nights", [(), nights])
    def test_a_band_that_nobody_can_name_or_that_no_later_night_is_held_against_is_not_drawn(self, nights):
        drawn = trend(self.nights, [self.series([400] * 7, baseline=(380, 420), baseline_nights=nights)])
        assert drawn["layout"]["shapes"] == []
        assert "Band" not in caption(drawn)

    def test_the_median_needs_four_of_seven_nights_and_the_night_itself(self):
        values = np.array([1, 2, np.nan, 3, 10, np.nan, 4, 5], dtype=float)
        shown = running_median(values)
        assert np.isnan(shown[[0, 1, 2, 3, 5]]).all()
        assert shown[[4, 6, 7]].tolist() == [2.5, 3.0, 4.0]
