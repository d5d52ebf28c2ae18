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

MONDAY = date(2027, 5, 3)


def unpacked(typed):
    values = np.frombuffer(base64.b64decode(typed["bdata"]), dtype=typed["dtype"])
    return values.reshape([int(n) for n in typed["shape"].split(",")]) if "shape" in typed else values


def day_row(evening=MONDAY, level=100.0, minutes=1440, **more):
    return DayRow(evening, np.full(minutes, level), np.ones(minutes, dtype=bool), **more)


def trace(figure, color):
    [found] = [one for one in figure["data"] if one.get("fillcolor") == color]
    return found


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
        twice = y[(x > 845) & (x < 895)]
        assert len(twice) == 20
        assert len(set(twice.tolist())) == 2

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
        line = unpacked(profile(MeanDay(days))["data"][2]["y"])
        assert np.isnan(line[60:66]).all()
        assert (line[:60] == 50).all()

    def test_a_recording_without_any_worn_minute_is_drawn_empty(self):
        go.Figure(profile(MeanDay(np.full((2, 1440), np.nan))))


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

    def test_no_night_is_no_chart_but_words(self):
        assert trend([], [])["layout"]["meta"]["caption"] == "No night was measured."

    def test_nights_that_all_abstained_are_drawn_empty(self):
        go.Figure(trend(self.nights, [self.series([np.nan] * 7)]))

    def test_the_median_needs_four_of_seven_nights_and_the_night_itself(self):
        values = np.array([1, 2, np.nan, 3, 10, np.nan, 4, 5], dtype=float)
        shown = running_median(values)
        assert np.isnan(shown[[0, 1, 2, 3, 5]]).all()
        assert shown[[4, 6, 7]].tolist() == [2.5, 3.0, 4.0]
