"""Series, scales and what was known on a day; abstentions by the number of points."""

import numpy as np
import pytest

from novamind.measures import Abstained
from twins.science.forecasting import Panel, PanelError, Scale, read_table, reliability
from twins.science.forecasting.panel import cut


def test_a_table_in_any_order_begins_on_each_persons_first_day_and_keeps_gaps_missing(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("person,day,score,note\nb,2026-03-03,5,x\na,7,1,\na,9,3,\na,10,,\nb,2026-03-01,4,\n")
    panel = read_table(path)
    assert panel.people == ("a", "b")
    np.testing.assert_array_equal(panel.scores, [[1, np.nan, 3, np.nan], [4, np.nan, 5, np.nan]])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("person,day\na,1\n", "no column score"),
        ("person,day,score\n", "no row"),
        ("person,day,score\na,1,2\na,1,3\n", "two scores on one day"),
        ("person,day,score\na,1,2\na,one,3\n", "line 3"),
        ("person,day,score\na,1,inf\n", "line 2"),
        ("person,day,score\na,1\n", "line 2"),
        ("person,day,score\na,1,2\na,9999,3\n", "ten years"),
    ],
)
def test_a_table_without_series_is_refused_by_name(tmp_path, text, says):
    path = tmp_path / "scores.csv"
    path.write_text(text)
    with pytest.raises(PanelError, match=says):
        read_table(path)


def test_a_window_holds_what_was_known_on_its_day_and_nothing_later():
    scores = np.array([[1.0, 2, np.nan, 4, 5, 6], [np.nan, 7, np.nan, np.nan, np.nan, np.nan]])
    windows = cut(Panel(("a", "b"), scores), least_points=2, horizon=2)
    # By hand: person a knows two scores from day 1 on; after the last day nothing comes; person b never has two.
    np.testing.assert_array_equal(windows.person, [0, 0, 0, 0])
    np.testing.assert_array_equal(windows.origin, [1, 2, 3, 4])
    np.testing.assert_array_equal(windows.history[0, -2:], [1, 2])
    assert np.isnan(windows.history[0, :-2]).all()
    np.testing.assert_array_equal(windows.future, [[np.nan, 4], [4, 5], [5, 6], [6, np.nan]])


def test_scores_are_moved_onto_the_grid_and_interval_ends_outwards():
    phq9 = Scale(0, 27, 1)
    values = np.array([-3.0, 4.4, 4.6, 30.0])
    np.testing.assert_array_equal(phq9.nearest(values), [0, 4, 5, 27])
    np.testing.assert_array_equal(phq9.below(values), [0, 4, 4, 27])
    np.testing.assert_array_equal(phq9.above(values), [0, 5, 5, 27])
    np.testing.assert_array_equal(Scale(0, 100).nearest(np.array([-1.0, 4.4, 101.0])), [0, 4.4, 100])
    assert phq9.above(np.array([np.inf])) == 27


def test_whole_scores_are_seen_as_a_grid_and_a_constant_is_no_scale():
    assert Scale.seen(np.array([[1.0, np.nan, 9.0]])) == Scale(1, 9, 1)
    assert Scale.seen(np.array([[1.5, 9.0]])) == Scale(1.5, 9, 0)
    with pytest.raises(PanelError, match="vary"):
        Scale.seen(np.array([[3.0, 3.0]]))


@pytest.mark.parametrize(("points", "word"), [(7, "low"), (13, "low"), (14, "medium"), (29, "medium"), (30, "high")])
def test_reliability_follows_the_number_of_points(points, word):
    assert reliability(points) == word


def test_six_points_are_no_forecast():
    with pytest.raises(Abstained) as why:
        reliability(6)
    assert (why.value.code, why.value.needed, why.value.got) == ("too_few_days", 7, 6)
