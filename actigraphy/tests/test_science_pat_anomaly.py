"""Weeks unlike a person's own: what is told, what is not, and when nothing can be said."""

import json

import numpy as np
import pytest

from actigraphy.science.pat.anomaly import (
    JudgedWeek,
    Rule,
    RuleError,
    judge_errors,
    judge_week,
    load_rule,
    rule_bytes,
)
from actigraphy.science.pat.anomaly_trial import PersonTrial, choose_threshold, figures
from novamind.measures import Abstained

RULE = Rule(3.0, "a" * 64, "b" * 64, "d" * 64)


def weeks_of(rng, n):
    """Errors per patch (n, 560): low at night, high by day, each day its own."""
    slot = np.arange(80)
    usual = 0.3 + 0.7 * ((slot > 24) & (slot < 76))
    return (np.tile(usual, 7) * rng.lognormal(0, 0.4, (n, 560))).astype(np.float32)


@pytest.fixture
def history():
    return weeks_of(np.random.default_rng(1), 6)


@pytest.fixture
def week():
    return weeks_of(np.random.default_rng(2), 1)[0]


def on_slots(week, slots, factor):
    changed = week.copy().reshape(7, 80)
    changed[:, slots] *= factor
    return changed.ravel()


def test_a_usual_week_is_not_told(history, week):
    judged = judge_errors(history, week, 3.0)
    assert judged.spans == ()
    assert abs(judged.highest) < 3
    assert judged.scores.shape == (560,)
    assert abs(np.mean(judged.scores)) < 0.15
    assert 0.8 < np.std(judged.scores) < 1.3


@pytest.mark.parametrize(("factor", "sign"), [(3, 1), (1 / 3, -1)])
def test_a_part_of_the_day_that_changed_is_told_with_its_direction(history, week, factor, sign):
    slots = np.arange(30, 45)  # 09:00 to 13:30
    (span,) = judge_errors(history, on_slots(week, slots, factor), 3.0).spans
    assert 30 * 18 - 90 <= span.start_min <= 30 * 18 + 18
    assert 45 * 18 - 18 <= span.end_min <= 45 * 18 + 90
    assert np.sign(span.score) == sign
    assert abs(span.score) > 3


def test_a_change_around_midnight_is_one_span(history, week):
    (span,) = judge_errors(history, on_slots(week, [*range(72, 80), *range(8)], 4), 3.0).spans
    assert 1200 < span.start_min < 1440
    assert 1440 + 60 < span.end_min < 1440 + 240


def test_three_hours_around_each_time_are_judged_together_across_midnight(history, week):
    judged = judge_errors(history, week, 3.0)
    of_slot = judged.scores.reshape(7, 80).sum(axis=0) / np.sqrt(7)
    for slot in (0, 2, 40, 78):
        around = [(slot + step) % 80 for step in range(-5, 5)]
        assert judged.day[slot] == pytest.approx(of_slot[around].mean())


def test_a_change_of_the_whole_day_is_one_day_long(history, week):
    (span,) = judge_errors(history, week * 5, 3.0).spans
    assert (span.start_min, span.end_min) == (0, 1440)


def test_scores_are_the_distance_from_the_median_in_scaled_median_deviations(history, week):
    judged = judge_errors(history, week, 3.0)
    before = np.log(history.reshape(42, 80)[:, 33].astype(float))
    middle = np.median(before)
    spread = 1.4826 * np.median(np.abs(before - middle))
    expected = (np.log(week.reshape(7, 80)[:, 33].astype(float)) - middle) / spread
    np.testing.assert_allclose(judged.scores.reshape(7, 80)[:, 33], expected, rtol=1e-6)


def test_the_last_eight_readable_weeks_count(week):
    rng = np.random.default_rng(5)
    latest = weeks_of(rng, 8)
    older = np.concatenate([weeks_of(rng, 3) * 50, latest[:4], np.full((2, 560), np.nan, np.float32), latest[4:]])
    np.testing.assert_array_equal(judge_errors(older, week, 3.0).scores, judge_errors(latest, week, 3.0).scores)


def test_parts_of_the_day_without_enough_days_are_not_judged(history, week):
    holes = week.copy().reshape(7, 80)
    holes[:4, 10] = np.nan
    judged = judge_errors(history, holes.ravel(), 3.0)
    assert np.isnan(judged.day[10])
    assert np.isfinite(judged.day[[9, 11]]).all()
    history = history.copy().reshape(42, 80)
    history[13:, 50] = np.nan
    assert np.isnan(judge_errors(history.reshape(6, 560), week, 3.0).scores.reshape(7, 80)[:, 50]).all()


def test_too_short_a_history_or_an_unreadable_week_abstains(history, week):
    with pytest.raises(Abstained) as caught:
        judge_errors(np.concatenate([history[:3], np.full((5, 560), np.nan)]), week, 3.0)
    assert (caught.value.code, caught.value.needed, caught.value.got) == ("too_few_days", 28, 21)
    for unreadable in (np.full(560, np.nan, np.float32), np.where(np.arange(560) < 240, week, np.nan)):
        with pytest.raises(Abstained) as caught:
            judge_errors(history, unreadable, 3.0)
        assert caught.value.code == "too_few_days"


class Errors:
    """Stands for a Reconstructor whose weeks are already errors."""

    encoder_sha256, decoder_sha256 = RULE.encoder_sha256, RULE.decoder_sha256

    def errors(self, weeks):
        return weeks


def test_a_week_is_judged_with_the_model_the_threshold_was_measured_with(history, week):
    judged = judge_week(Errors(), RULE, history, week)
    assert isinstance(judged, JudgedWeek)
    np.testing.assert_array_equal(judged.scores, judge_errors(history, week, 3.0).scores)
    with pytest.raises(RuleError, match="another model"):
        judge_week(Errors(), Rule(3.0, "a" * 64, "c" * 64, "d" * 64), history, week)


def test_a_rule_is_read_back_and_a_damaged_one_refused(tmp_path):
    content = rule_bytes(RULE, {"people": 3})
    assert load_rule(content) == RULE
    assert json.loads(content)["card"] == {"people": 3}
    (tmp_path / "rule.json").write_bytes(content)
    assert load_rule(tmp_path / "rule.json") == RULE
    for spoiled in (b"", b"[]", content[:-20], content.replace(b"rule 2", b"rule 1"), content.replace(b"3.0", b"NaN")):
        with pytest.raises(RuleError):
            load_rule(spoiled)
    for wrong in (b"-1.0", b'"3"', b"null"):
        with pytest.raises(RuleError):
            load_rule(content.replace(b"3.0", wrong))
    with pytest.raises(RuleError, match="cannot be read"):
        load_rule(tmp_path / "none.json")


def test_the_threshold_gives_the_alarms_it_is_asked_for_and_figures_are_counts():
    rng = np.random.default_rng(3)
    people = [PersonTrial(rng.exponential(size=13), {}) for _ in range(400)]
    threshold = choose_threshold(people)
    assert threshold == pytest.approx(np.log(13), rel=0.1)
    others = [PersonTrial(rng.exponential(size=13), {"insomnia": 9.0, "agitation": at / 8}) for at in range(40)]
    found = figures(others, threshold)
    alarms = sum((person.unchanged > threshold).sum() for person in others)
    assert found["alarms_per_quarter"]["value"] == round(alarms / 40, 3)
    assert found["alarms_per_quarter"]["low"] < 1 < found["alarms_per_quarter"]["high"]
    assert found["detected"]["insomnia"]["value"] == 1
    share = np.mean(np.arange(40) / 8 > threshold)
    assert found["detected"]["agitation"]["value"] == round(float(share), 3)
    assert found["detected"]["agitation"]["low"] < share < found["detected"]["agitation"]["high"]
