"""Ratings: crashes of steady patients, mood that rises, and what an empty Brief says."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client

from insights.jobs import derive
from insights.pages.brief import by_chance
from insights.rules import activation, series
from insights.rules.series import difference_in_words
from insights.statements import Statement, Tier
from novamind import clock
from novamind.audit.recording import recorded
from patients.models import CheckIn, Patient
from twins.features import Daily

LAST = date(2026, 3, 1)
WAVE = np.random.default_rng(5).choice([-1, 0, 1], series.SPAN)


def said(**days: Any) -> list[Statement]:
    """The statements of 17 weeks, of the series named; the others are not known."""
    values = np.full((len(series.FEATURES), series.SPAN), np.nan)
    for name, one in days.items():
        values[list(series.FEATURES).index(name)] = one
    daily = Daily(LAST - timedelta(days=series.SPAN - 1), LAST, "UTC", values, np.empty((0, series.SPAN)))
    found = list(series.statements(daily, series.departures(daily), series.own_weeks(daily)))
    return [*found, *activation.statements(found)]


def weeks(before: float, week: float, *, noise: float = 1.0) -> Any:
    """Sixteen weeks about one level, a week about another."""
    return np.concatenate([np.full(series.SPAN - 7, before), np.full(7, week)]) + noise * WAVE


def test_a_crash_after_eight_steady_weeks_asks_to_act():
    steady = [7] * 80 + [6] * 16 + [8] * 16
    (one,) = (one for one in said(mood=[*steady, *[1] * 7]) if one.key == "mood:lower")
    assert one.tier == Tier.ACT
    assert "1 of 10" in one.description
    assert "before 7 of 10" in one.description


@pytest.mark.parametrize(("level", "way"), [(5, {"mood:lower"}), (9, {"mood:higher"}), (6, set()), (7, set())])
def test_who_always_said_the_same_is_heard_and_one_point_may_be_rounding(level, way):
    found = [one for one in said(mood=[7] * (series.SPAN - 7) + [level] * 7) if one.method == series.STEADY]
    assert {one.key for one in found} == way
    assert all("always the same before: 7 of 10" in one.description for one in found)


@pytest.mark.parametrize("name", ["mood", "energy", "sleep_quality"])
def test_a_rating_above_the_own_range_is_no_good_news(name):
    (one,) = (one for one in said(**{name: weeks(5, 9)}) if one.key == f"{name}:higher")
    assert one.tier == Tier.LOOK


def test_anxiety_below_the_own_range_asks_for_a_look():
    assert {one.tier for one in said(anxiety=weeks(6, 2))} == {Tier.LOOK}


@pytest.mark.parametrize("name", ["mood", "energy"])
def test_more_mood_or_energy_on_less_sleep_asks_to_act(name):
    found = said(**{name: weeks(5, 9), "sleep_duration": weeks(420, 280, noise=20)})
    (one,) = (one for one in found if one.key == "activation")
    assert one.tier == Tier.ACT
    assert "manic" in one.description
    assert set(one.needs) == {("treatment", "questionnaires"), ("treatment", "actigraphy")}
    assert {piece.data_type for piece in one.evidence} == {name, "sleep_duration"}


@pytest.mark.parametrize(
    "days",
    [
        {"mood": weeks(5, 9)},
        {"sleep_duration": weeks(420, 280, noise=20)},
        {"mood": weeks(5, 9), "sleep_duration": weeks(420, 560, noise=20)},
        {"mood": weeks(9, 5), "sleep_duration": weeks(420, 280, noise=20)},
    ],
)
def test_either_alone_or_the_other_way_is_no_activation(days):
    assert "activation" not in {one.key for one in said(**days)}


def test_a_trend_of_the_middle_of_sleep_moves_later_and_does_not_rise():
    words = " ".join(one.description for one in said(midsleep=2 + 0.05 * np.arange(series.SPAN) + 0.1 * WAVE))
    assert "moving later over the last 56 days" in words
    assert "rising" not in words


def test_a_small_difference_of_a_rating_is_never_told_as_none():
    assert difference_in_words("mood", 0.04) == "0.04 points higher"
    assert difference_in_words("mood", -2.0) == "2 points lower"


@pytest.mark.parametrize(
    ("by", "said"),
    [(-0.0592, "6 percentage points less"), (0.4, "40 percentage points more"), (0.004, "0.4 percentage points more")],
)
def test_a_difference_of_shares_is_as_exact_as_the_shares_beside_it(by, said):
    assert difference_in_words("sleep_efficiency", by) == said


def test_chance_is_told_of_a_hundred_with_two_decimals():
    assert "in 0.27 of 100" in by_chance(0.9973)
    assert "in fewer than 0.01 of 100" in by_chance(0.99999)
    assert "in 5 of 100" in by_chance(0.95)


@pytest.fixture
def patient(make_patient: Any, team: Any) -> Any:
    """Nine weeks of mood that stays."""
    with recorded(actor_label="system:test", request_id="test"):
        made = make_patient(team)
        today = clock.now().astimezone(made.tz).date()
        for back in range(1, 64):
            on = today - timedelta(days=back)
            at = clock.midnight(on, made.tz) + timedelta(hours=9)
            CheckIn.objects.create(patient=made, at=at, by_patient=True, day=on, mood=6 + back % 3)
        yield made


def page_of(patient: Patient, user: Any) -> str:
    derive(patient.pk).store()
    client = Client()
    client.force_login(user)
    return client.get(f"/patients/{patient.pk}/brief/").content.decode()


@pytest.mark.django_db
def test_an_empty_brief_says_what_was_not_judged_and_does_not_reassure(patient, psychiatrist, make_patient, team):
    page = page_of(patient, psychiatrist)
    assert "Nothing has changed that the rules find in 1 of 16 daily series." in page
    assert "does not mean that the patient is well" in page
    assert "Not said of 15 of 16 daily series" in page
    assert "<li>Anxiety: <span" in page
    assert "<li>Mood: <span" not in page
    page = page_of(make_patient(team), psychiatrist)
    assert "Nothing can be said of change" in page
    assert "Not said of 16 of 16 daily series" in page
    assert "None of these is known on enough days." in page
