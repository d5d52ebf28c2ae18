"""What the analysis finds in synthetic recordings against the sleep that really was in them.

The simulator's nights must first be like real ones, or agreement says nothing: within the nights found (onset to
offset) movement is compared with 55 Depresjon recordings, analyzed by the same code.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pytest

from actigraphy.science.devices import DEVICES
from actigraphy.science.pipeline import RestActivity, analyze_counts
from actigraphy.science.runs import runs_of
from novamind import clock
from novamind.simulator import Persona, SimulatedPatient, simulate

pytestmark = pytest.mark.slow

MONDAY, DAYS = date(2024, 1, 8), 13


@dataclass(frozen=True)
class Lived:
    """One person: minutes found minus minutes true of each night measured, and the two they came from."""

    patient: SimulatedPatient
    found: RestActivity
    tst: np.ndarray
    onset: np.ndarray
    offset: np.ndarray
    tst_ratio: np.ndarray


def lived(persona):
    patient = simulate(persona, start=MONDAY, days=DAYS)
    home = clock.zone(persona.zone)
    times = clock.local_times(int(patient.utc_s[0]), 60, len(patient.utc_s), home)
    found = analyze_counts(patient.counts.astype(float), epoch_s=60, times=times, device=DEVICES["actiwatch"])
    night, rows = {night.evening: night for night in found.nights if night.valid}, []
    truth = patient.truth.nights
    for onset_s, offset_s, tst_h in zip(truth.onset_s, truth.offset_s, truth.tst_h, strict=True):
        seen = night.get(clock.night_of(clock.from_epoch(float(onset_s)), home))
        if seen is not None:
            rows.append((seen.tst_min, 60 * tst_h, (seen.onset - onset_s) / 60, (seen.offset - offset_s) / 60))
    tst, true_tst, onset, offset = np.array(rows).reshape(-1, 4).T
    return Lived(patient, found, tst - true_tst, onset, offset, tst / true_tst)


def of_each(people, name):
    """The median night of each person."""
    return np.array([np.median(getattr(person, name)) for person in people])


def halved(people):
    """The share of nights of which less than 60 % was found."""
    return (np.concatenate([person.tst_ratio for person in people]) < 0.6).mean()


@pytest.fixture(scope="module")
def ordinary():
    drawn = (Persona.draw(seed) for seed in range(400))
    return [lived(persona) for persona in drawn if not (persona.insomnia or persona.shift_worker)][:120]


def within_nights(person):
    """(share of still minutes, share above 40 counts, mean run, single minutes and >= 5 among runs) of movement."""
    first = person.found.times.utc_s[0]
    nights = [
        person.found.counts[int((night.onset - first) // 60) : int((night.offset - first) // 60)]
        for night in person.found.nights
        if night.valid
    ]
    counts = np.concatenate(nights)
    run = np.concatenate([np.subtract(*runs_of(night > 0)[::-1]) for night in nights])
    return (counts == 0).mean(), (counts > 40).mean(), run.mean(), (run == 1).mean(), (run >= 5).mean()


def test_movement_within_the_nights_of_ordinary_people_is_like_that_of_real_recordings(ordinary):
    seen = np.array([within_nights(person) for person in ordinary])
    # Median person of 32 controls and 23 depressed: .87 and .84; .081 and .085; 1.5 and 1.6; .70 and .68; .029 and .025
    assert np.median(seen, axis=0) == pytest.approx([0.86, 0.075, 1.55, 0.70, 0.03], rel=0, abs=0.05)
    low, high = np.percentile(seen[:, 1], [5, 95])  # .05 and .12 in both groups
    assert 0.035 < low < 0.06
    assert 0.09 < high < 0.13
    assert 0.05 < (seen[:, 0] < 0.76).mean() < 0.2  # watches that report small counts at rest: 8 of 55


def test_sleep_of_ordinary_people_is_found_within_half_an_hour(ordinary):
    assert np.median(abs(of_each(ordinary, "tst"))) <= 25
    assert np.median(abs(np.concatenate([person.tst for person in ordinary]))) <= 30
    assert abs(np.median(of_each(ordinary, "tst"))) <= 10
    assert np.percentile(abs(of_each(ordinary, "tst")), 95) <= 75
    assert halved(ordinary) <= 0.01


@pytest.mark.parametrize("edge", ["onset", "offset"])
def test_onset_and_offset_of_ordinary_people_are_found_within_a_quarter_of_an_hour(ordinary, edge):
    assert np.median(abs(np.concatenate([getattr(person, edge) for person in ordinary]))) <= 15
    assert np.percentile(abs(of_each(ordinary, edge)), 90) <= 30


def test_most_nights_worn_are_measured(ordinary):
    measured = sum(len(person.tst) for person in ordinary)
    # Night 0 began before the recording, the last ends after it; some nights the watch lay on the table.
    assert measured >= 0.9 * len(ordinary) * (DAYS - 1)


def test_few_nights_truly_worn_are_taken_for_a_watch_laid_aside(ordinary):
    nights = [night for person in ordinary for night in person.found.nights if night.valid]
    assert 0 < sum("maybe_not_worn" in night.flags for night in nights) <= 0.02 * len(nights)


@pytest.mark.parametrize(
    ("known", "worst_share"),
    [
        ({"restlessness": 2.0, "insomnia": False}, 0.75),
        ({"restlessness": 1.0, "insomnia": True}, 0.75),
        ({"kind": "unipolar", "state_at_start": "depressed"}, 0.75),
    ],
)
def test_the_nights_of_restless_sleepers_are_not_cut_in_halves(known, worst_share):
    people = [lived(Persona.draw(seed, shift_worker=False, **known)) for seed in range(50)]
    assert halved(people) <= 0.02
    assert of_each(people, "tst_ratio").min() >= worst_share


def test_sleep_by_day_after_a_night_shift_is_found_too():
    people = [lived(Persona.draw(seed, shift_worker=True, insomnia=False)) for seed in range(30)]
    assert np.median(abs(of_each(people, "tst"))) <= 30
    assert halved(people) <= 0.01
