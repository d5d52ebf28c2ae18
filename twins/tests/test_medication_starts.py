"""Days before and after a medicine was begun: exact means, own variability, reasons in place of numbers."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from novamind import clock
from novamind.audit.recording import recorded
from novamind.measures import Abstained
from patients.models import CheckIn, Medication
from twins.science.around import LEAST_PAIRS, SPAN, around
from twins.tests.test_medication import client, clinician, patient, withdraw

__all__ = ["client", "clinician", "patient"]
RNG = np.random.default_rng(7)


def days(n: int, at: int, shift: float) -> np.ndarray:
    values = RNG.normal(5, 1, n)
    values[at:] += shift
    return values


def test_the_means_and_the_pairs_are_those_of_a_second_reckoning():
    values = days(200, 160, 1.0)
    values[::5] = np.nan
    found = around(values, 160)
    before, after = values[132:160], values[160:188]
    assert (found.before, found.after) == pytest.approx((np.nanmean(before), np.nanmean(after)))
    assert (found.known_before, found.known_after) == (np.isfinite(before).sum(), np.isfinite(after).sum())
    frames = np.lib.stride_tricks.sliding_window_view(values[:160], 2 * SPAN)  # every eight weeks before the day
    moves = np.nanmean(frames[:, SPAN:], axis=1) - np.nanmean(frames[:, :SPAN], axis=1)
    assert (found.pairs, found.as_large) == (len(moves), (np.abs(moves) >= abs(found.difference)).sum())


def test_a_large_change_is_rare_in_the_own_history_and_none_is_not():
    assert around(days(300, 260, 4.0), 260).as_large == 0
    shares = [(found := around(days(300, 260, 0.0), 260)).as_large / found.pairs for _ in range(40)]
    assert 0.3 < np.mean(shares) < 0.7


def test_nothing_is_said_without_days_before_after_or_of_the_own_history():
    values = days(200, 160, 1.0)
    gaps = values.copy()
    gaps[132:150] = np.nan
    with pytest.raises(Abstained) as why:
        around(gaps, 160)
    assert (why.value.code, why.value.needed, why.value.got) == ("too_few_days", 14, 10)
    with pytest.raises(Abstained) as why:
        around(values[:173], 160)
    assert (why.value.code, why.value.got) == ("too_few_days", 13)
    short = values[160 - 2 * SPAN - LEAST_PAIRS + 2 :]
    with pytest.raises(Abstained) as why:
        around(short, 2 * SPAN + LEAST_PAIRS - 2)
    assert (why.value.code, why.value.needed) == ("too_few_days", 2 * SPAN + LEAST_PAIRS - 1)
    around(values[160 - 2 * SPAN - LEAST_PAIRS + 1 :], 2 * SPAN + LEAST_PAIRS - 1)
    with pytest.raises(Abstained) as why:
        around(np.full(200, 5.0), 160)
    assert why.value.code == "no_variation"


@pytest.mark.django_db
def test_the_page_says_what_was_and_what_else_changed(client, patient, clinician):
    begun = date.today() - timedelta(days=90)
    with recorded(actor_label="system:test", request_id="test"):
        noon, rows = clock.now(), []
        for back in range(1, 220):
            day = date.today() - timedelta(days=back)
            mood = (3 if day < begun else 7) + back % 2
            rows.append(CheckIn(patient=patient, at=noon - timedelta(days=back), by_patient=True, day=day, mood=mood))
        CheckIn.objects.bulk_create(rows)
    page = " ".join(client.get(f"/patients/{patient.pk}/twin/medication/starts/").content.decode().split())
    assert "observational" in page
    assert "no effect of the drug" in page
    assert f"venlafaxine ended on {begun:%d %b %Y}" in page
    mood = page.split(">Mood<")[1].split("</tr>")[0]
    assert (">3.5<" in mood, ">7.5<" in mood, "0 of " in mood) == (True, True, True)
    heart = page.split(">Heart rate<")[1].split("</tr>")[0]
    assert "before the start: 0 valid days; 14 needed" in heart
    assert "from the start on: 0 valid days; 14 needed" in heart
    # Venlafaxine began 189 days ago, with 30 days of check-ins before: both sides are known, too little to compare.
    early = page.split(">venlafaxine")[1].split(">Mood<")[1].split("</tr>")[0]
    assert (early.count(">3.5<"), "before the start: 30 valid days; 83 needed" in early) == (2, True)
    withdraw(patient, "questionnaires")
    page = client.get(f"/patients/{patient.pk}/twin/medication/starts/").content.decode()
    assert ">7.5<" not in page
    withdraw(patient, "medication")
    assert "has not consented" in client.get(f"/patients/{patient.pk}/twin/medication/starts/").content.decode()


@pytest.mark.django_db
def test_what_was_tried_says_the_response_or_that_none_was_recorded_and_what_is_planned(client, patient):
    begun = date.today() - timedelta(days=90)
    with recorded(actor_label="system:test", request_id="test"):
        noon, rows = clock.now(), []
        for back in range(60, 119):
            day = date.today() - timedelta(days=back)
            mood = (3 if day < begun else 7) + back % 2
            rows.append(CheckIn(patient=patient, at=noon - timedelta(days=back), by_patient=True, day=day, mood=mood))
        CheckIn.objects.bulk_create(rows)
        soon = date.today() + timedelta(days=5)
        Medication.objects.create(patient=patient, drug="lithium", started_on=soon, started_precision="day")
    told = client.get(f"/api/v1/patients/{patient.pk}/medication-recommendations").json()
    by = {one["medication"]: one["history"] for one in (*told["not_assessed"], *told["excluded"])}
    (paroxetine,), (venlafaxine,), (lithium,) = by["paroxetine"], by["venlafaxine"], by["lithium"]
    assert paroxetine["state"] == "current"
    (mood,) = paroxetine["response"]["series"]
    assert (mood["series"], mood["before"], mood["after"], mood["earlier_pairs"]) == ("Mood", 3.5, 7.5, None)
    assert paroxetine["response"]["label"].startswith("observational")
    assert (venlafaxine["response"], venlafaxine["response_reason"]) == (None, "response not recorded")
    assert (lithium["state"], lithium["response_reason"]) == ("planned", "not begun yet")
    page = " ".join(client.get(f"/patients/{patient.pk}/twin/medication/").content.decode().split())
    assert "mood 3.5 before, 7.5 from the start (observational)" in page
    assert "not effective enough; response not recorded" in page
    assert f"planned from {soon.day} " in page
    withdraw(patient, "questionnaires")
    page = client.get(f"/patients/{patient.pk}/twin/medication/").content.decode()
    assert "7.5 from the start" not in page


@pytest.mark.django_db
def test_without_a_day_before_the_days_after_are_told_and_one_line_says_so(client, patient):
    begun = date.today() - timedelta(days=90)
    with recorded(actor_label="system:test", request_id="test"):
        for back in range(70, 91):
            CheckIn.objects.create(
                patient=patient, at=clock.now() - timedelta(days=back), by_patient=True,
                day=date.today() - timedelta(days=back), mood=4,
            )  # fmt: skip
        Medication.objects.filter(patient=patient, drug="venlafaxine").update(started_on=begun - timedelta(days=300))
    page = " ".join(client.get(f"/patients/{patient.pk}/twin/medication/starts/").content.decode().split())
    assert page.count("No day of the 28 before the start has a value, so nothing is compared.") == 1
    mood = page.split(">Mood<")[1].split("</tr>")[0]
    assert (">4.0<" in mood, ">21 days<" in mood) == (True, True)
    assert "before the start:" not in page
    assert "from the start on: 0 valid days; 14 needed" in page.split(">Heart rate<")[1].split("</tr>")[0]


@pytest.mark.django_db
def test_a_labelled_course_is_no_start_to_whom_it_is_hidden(client, patient):
    with recorded(actor_label="system:test", request_id="test"):
        Medication.objects.filter(patient=patient).update(part2=True)
    assert "paroxetine" not in client.get(f"/patients/{patient.pk}/twin/medication/starts/").content.decode()
