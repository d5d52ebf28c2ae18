"""One synthetic patient: reproducible, true to its own truth, and each effect can be switched off."""

import hashlib
import pickle
from dataclasses import fields, replace
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest

from novamind.simulator import ALL, Effects, Persona, Trip, simulate, simulate_daily

MONDAY = date(2024, 1, 8)


def digest(patient):
    return hashlib.sha256(pickle.dumps(patient)).hexdigest()


@pytest.fixture(scope="module")
def patient():
    return simulate(Persona.draw(7, kind="unipolar", state_at_start="depressed"), start=MONDAY, days=28)


def test_the_same_seed_gives_the_same_bytes():
    first, second = (simulate(Persona.draw(11), start=MONDAY, days=10) for _ in range(2))
    assert digest(first) == digest(second)
    assert digest(simulate(Persona.draw(12), start=MONDAY, days=10)) != digest(first)


def test_the_same_seed_gives_the_same_cohort():
    first, second = (hashlib.sha256(pickle.dumps(simulate_daily(50, 30, seed=4))).hexdigest() for _ in range(2))
    assert first == second


def test_a_longer_simulation_begins_with_the_shorter_one():
    short, long = (simulate(Persona.draw(14, kind="unipolar"), start=MONDAY, days=days) for days in (9, 30))
    n = len(short.counts)
    assert np.array_equal(short.counts, long.counts[:n], equal_nan=True)
    assert np.array_equal(short.heart_bpm, long.heart_bpm[:n], equal_nan=True)
    assert np.array_equal(short.ratings.anxiety, long.ratings.anxiety[:, :9], equal_nan=True)
    assert np.array_equal(short.truth.nights.offset_s, long.truth.nights.offset_s[:10])


def test_simulating_leaves_the_global_random_state_alone():
    before = np.random.get_state()[1].copy()
    simulate(Persona.draw(1), start=MONDAY, days=3)
    assert (np.random.get_state()[1] == before).all()


def test_fewer_than_one_day_is_refused():
    with pytest.raises(ValueError, match="at least 1 day"):
        simulate(Persona.draw(1), start=MONDAY, days=0)


def test_one_day_can_be_simulated():
    assert len(simulate(Persona.draw(1), start=MONDAY, days=1).counts) == 1440


def test_what_is_known_about_a_persona_replaces_what_is_drawn_and_nothing_else():
    drawn, known = Persona.draw(5), Persona.draw(5, alarm_h=6.0)
    assert known == replace(drawn, alarm_h=6.0)


def test_activity_in_true_sleep_is_far_lower_than_awake(patient):
    seen = patient.truth.worn & patient.truth.recorded
    asleep, up = seen & (patient.truth.state == 0), seen & (patient.truth.state == 2)
    assert patient.counts[asleep].mean() < 0.25 * patient.counts[up].mean()
    assert (patient.counts[asleep] == 0).mean() > 0.55


def test_true_nights_agree_with_the_minutes(patient):
    night = patient.truth.nights
    for k in range(1, patient.days):
        within = (patient.utc_s >= night.onset_s[k]) & (patient.utc_s < night.offset_s[k])
        asleep = patient.truth.asleep[within]
        assert asleep[0]
        assert asleep[-1]
        assert asleep.sum() / 60 == pytest.approx(night.tst_h[k])
        assert (~asleep).sum() / 60 == pytest.approx(night.waso_h[k])
        assert night.bed_s[k] < night.onset_s[k] < night.offset_s[k] <= night.up_s[k] <= night.bed_s[k + 1]


def test_off_the_wrist_is_zero_and_without_a_sample_is_nan():
    seeds = range(30)
    patients = [simulate(Persona.draw(s, carelessness=5.0), start=MONDAY, days=28) for s in seeds]
    for p in patients:
        worn, recorded = p.truth.worn, p.truth.recorded
        assert (p.counts[recorded & ~worn] == 0).all()
        assert np.isnan(p.counts[~recorded]).all()
        assert not np.isnan(p.counts[recorded]).any()
        assert np.isnan(p.heart_bpm[~(recorded & worn)]).all()
    assert any((~p.truth.recorded).any() for p in patients)
    assert all((~p.truth.worn).any() for p in patients)


def test_the_tail_after_the_study_is_zeros():
    p = simulate(Persona.draw(3), start=MONDAY, days=7, tail_days=4)
    tail = p.counts[p.grid.day >= 7]
    assert len(tail) == 4 * 1440
    assert (tail == 0).all()
    assert p.ratings.low_mood.shape == (1, 7)


@pytest.mark.slow
def test_in_low_mood_more_is_missing():
    ill = [Persona.draw(s, kind="unipolar", state_at_start="depressed") for s in range(60)]
    off = {
        effects: np.mean([(~simulate(p, start=MONDAY, days=14, effects=effects).truth.worn).mean() for p in ill])
        for effects in (ALL, ALL.without("mood_on_missing"))
    }
    assert off[ALL] > 1.3 * off[ALL.without("mood_on_missing")]


def test_episodes_cover_every_day_once(patient):
    episodes = patient.truth.episodes
    assert episodes[0].first == MONDAY
    assert episodes[-1].last == MONDAY + timedelta(days=27)
    for before, after in pairwise(episodes):
        assert after.first == before.last + timedelta(days=1)
        assert after.state != before.state


def test_the_well_have_no_episodes():
    assert {
        e.state for s in range(20) for e in simulate(Persona.draw(s, kind="none"), start=MONDAY, days=30).truth.episodes
    } == {"euthymic"}


def observed(patient, effect_of):
    return {
        "ratings": patient.ratings.low_mood,
        "latent": patient.truth.states.low_mood,
        "onset": patient.truth.nights.onset_s,
        "true counts": patient.truth.counts,
        "worn": patient.truth.worn,
        "second": np.concatenate([b.stamp_s for b in patient.second.batches]),
    }[effect_of]


@pytest.mark.parametrize(
    ("effect", "changed", "untouched"),
    [
        ("episodes", "latent", None),
        ("drift", "latent", None),
        ("weekly_cycle", "latent", None),
        ("mood_on_sleep", "onset", "latent"),
        ("mood_on_activity", "true counts", "onset"),
        ("mood_on_missing", "ratings", "true counts"),
        ("sleep_on_mood", "ratings", "true counts"),
        ("alarm", "onset", "latent"),
        ("naps", "onset", "latent"),
        ("insomnia", "onset", "latent"),
        ("shift_work", "onset", "latent"),
        ("missing", "worn", "true counts"),
        ("device_faults", "second", "ratings"),
    ],
)
def test_a_null_switch_changes_what_it_names_and_nothing_before_it(effect, changed, untouched):
    persona = Persona.draw(
        21,
        kind="unipolar",
        state_at_start="depressed",
        naps_per_week=5.0,
        insomnia=True,
        shift_worker=effect == "shift_work",
        alarm_h=6.5,
        forgets=0.4,
        relief_per_hour=5.0,
    )
    full = simulate(persona, start=MONDAY, days=28)
    null = simulate(persona, start=MONDAY, days=28, effects=ALL.without(effect))
    assert not np.array_equal(observed(full, changed), observed(null, changed), equal_nan=True)
    if untouched:
        assert np.array_equal(observed(full, untouched), observed(null, untouched), equal_nan=True)


def test_every_effect_has_a_switch_that_is_tested():
    marks = test_a_null_switch_changes_what_it_names_and_nothing_before_it.pytestmark
    assert {case[0] for mark in marks for case in mark.args[1]} == {f.name for f in fields(Effects)}


@pytest.mark.slow
def test_without_any_mood_effect_mood_and_movement_are_unrelated():
    related = {}
    for effects in (ALL, ALL.without("mood_on_activity", "mood_on_sleep", "mood_on_missing")):
        together = []
        for seed in range(40):
            p = simulate(Persona.draw(seed, kind="none"), start=MONDAY, days=28, effects=effects)
            by_day = np.nan_to_num(p.counts).reshape(28, 1440).mean(axis=1)
            together.append(np.corrcoef(p.truth.states.low_mood[0], by_day)[0, 1])
        related[effects] = float(np.mean(together))
    assert abs(related[ALL.without("mood_on_activity", "mood_on_sleep", "mood_on_missing")]) < 0.08
    assert related[ALL] < -0.2


def test_without_missing_nothing_is_missing():
    p = simulate(Persona.draw(2), start=MONDAY, days=14, effects=ALL.without("missing"))
    assert p.truth.worn.all()
    assert p.truth.recorded.all()
    assert not np.isnan(p.ratings.low_mood).any()


def test_the_second_source_repeats_one_batch_and_shifts_one():
    p = simulate(Persona.draw(6), start=MONDAY, days=14)
    copies = [b for b in p.second.batches if b.repeats is not None]
    assert len(copies) == 1
    assert np.array_equal(copies[0].stamp_s, p.second.batches[copies[0].repeats].stamp_s)
    shifted = {b.zone_error_s for b in p.second.batches} - {0}
    assert shifted == {3600}  # Oslo in winter


def test_without_faults_the_second_source_agrees_with_the_watch():
    p = simulate(Persona.draw(6), start=MONDAY, days=14, effects=ALL.without("device_faults"))
    stamps = np.concatenate([b.stamp_s for b in p.second.batches])
    counts = np.concatenate([b.counts for b in p.second.batches])
    at = (stamps - p.utc_s[0]) // 60
    assert len(set(at.tolist())) == len(at)
    assert np.array_equal(counts, p.truth.counts[at].astype(np.float32))


def test_heart_rate_is_lowest_asleep_and_steps_need_being_up():
    p = simulate(Persona.draw(8), start=MONDAY, days=14)
    asleep = p.truth.asleep
    assert np.nanmean(p.heart_bpm[asleep]) < np.nanmean(p.heart_bpm[~asleep]) - 8
    assert np.nansum(p.steps[p.truth.state != 2]) == 0
    assert 2000 < np.nansum(p.steps) / 14 < 20000


def test_a_night_worker_sleeps_by_day():
    p = simulate(Persona.draw(4, shift_worker=True), start=MONDAY, days=24)
    local = ((p.truth.nights.onset_s + 3600) % 86_400) / 3600
    assert ((local > 6) & (local < 16)).mean() == pytest.approx(0.25, abs=0.1)


def test_after_a_flight_sleep_follows_the_new_zone_within_a_week():
    trip = Trip(MONDAY + timedelta(days=7), MONDAY + timedelta(days=21), "America/New_York")
    free = Persona.draw(9, kind="none", shift_worker=False, insomnia=False, alarm_h=np.nan, trips=(trip,))
    awake = simulate(free, start=MONDAY, days=28).truth.nights.offset_s

    def clock_h(nights, offset_h):
        return np.mean((awake[nights] / 3600 + offset_h) % 24)

    home = clock_h(slice(1, 8), 1)
    assert clock_h(slice(8, 10), -5) < home - 2  # the body still keeps Oslo time: early awake in New York
    assert clock_h(slice(16, 21), -5) == pytest.approx(home, abs=1)
