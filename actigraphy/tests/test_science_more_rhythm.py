"""Extended cosinor, period, transitions, fluctuations, social jetlag: independent formulas, and what always holds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actigraphy.analysis import kept_rhythm
from actigraphy.numbers import RHYTHM
from actigraphy.science.extended_cosinor import extended_cosinor
from actigraphy.science.fragmentation import (
    WINDOWS,
    fluctuation_analysis,
    fluctuations,
    transition_probabilities,
    unbroken,
)
from actigraphy.science.period import chi_square_period, lomb_scargle_period, ten_minute_means
from actigraphy.science.regularity import social_jetlag
from actigraphy.tests.test_science_rhythm import FILES, recording, reference
from novamind.clock import local_times, zone
from novamind.measures import Abstained

QUICK = settings(max_examples=25, deadline=None)
UTC = zone("UTC")


@pytest.fixture(params=FILES)
def real(request, shared_data, shared_reference):
    counts, times = recording(shared_data, request.param)
    return counts, times, reference(shared_reference, "own_paper_formulae", request.param)


@pytest.mark.data
def test_transitions_fluctuations_and_periods_equal_the_independent_formulas(real):
    counts, _, wanted = real
    to_active, to_rest = transition_probabilities(counts, active_from=4)
    assert to_active == pytest.approx(wanted["TP_rest2act[x>=4]"], rel=1e-9)
    assert to_rest == pytest.approx(wanted["TP_act2rest[x>=4]"], rel=1e-9)
    for order in (1, 2):
        theirs = wanted[f"DFA{order}"]
        assert list(WINDOWS) == theirs["n"]
        np.testing.assert_allclose(fluctuations(counts, order=order), theirs["F"], rtol=1e-9)
        ours = fluctuation_analysis(counts, order=order)
        assert ours.alpha == pytest.approx(theirs["alpha"], rel=1e-9)
        assert ours.alpha_short == pytest.approx(theirs["alpha_le90"], rel=1e-9)
        assert ours.alpha_long == pytest.approx(theirs["alpha_120_600"], rel=1e-9)
    means = ten_minute_means(counts, epoch_s=60)
    period, q = chi_square_period(means)
    assert period == pytest.approx(wanted["chi2_periodogram"]["period_h"], rel=1e-9)
    assert q == pytest.approx(wanted["chi2_periodogram"]["Qp"], rel=1e-9)
    assert lomb_scargle_period(means) == pytest.approx(wanted["lomb_scargle"]["period_h"], rel=1e-9)


@pytest.mark.data
def test_the_extended_cosinor_equals_a_fit_to_every_sample(real):
    counts, times, wanted = real
    wanted = wanted["extended_cosinor_log1p_wholedays"]
    n = len(counts) // 1440 * 1440
    counts = np.where(np.arange(len(counts)) < n, counts, np.nan)
    fit = extended_cosinor(counts, times, epoch_s=60)
    # Of two optimizers on the same valley; where the edge is steeper than an epoch (beta 29), it is flat.
    loose = 1e-3 if wanted["beta"] > 20 else 1e-4
    assert fit.acrophase_h == pytest.approx(wanted["acrotime_h"], abs=loose)
    assert fit.up_mesor_h == pytest.approx(wanted["UpMesor_h"] % 24, abs=loose)
    assert fit.down_mesor_h == pytest.approx(wanted["DownMesor_h"] % 24, abs=loose)
    assert fit.minimum == pytest.approx(wanted["minimum"], abs=loose)
    assert fit.amplitude == pytest.approx(wanted["amp"], abs=loose)
    assert fit.pseudo_f == pytest.approx(wanted["F_pseudo"], rel=1e-6)


def days(n=12, period_h=24.0, seed=1):
    t = np.arange(n * 1440) / 60
    wave = np.maximum(np.cos(2 * np.pi * (t - 15) / period_h), -0.3) + 0.4
    return np.random.default_rng(seed).poisson(200 * wave).astype(float)


@QUICK
@given(period=st.sampled_from([22.0, 23.5, 24.0, 24.5, 26.0]), start=st.integers(0, 1439))
def test_a_period_is_found_whenever_the_recording_starts_and_over_gaps(period, start):
    counts = days(14, period)[start:]
    counts[3000:3400] = np.nan
    means = ten_minute_means(counts, epoch_s=60)
    assert lomb_scargle_period(means) == pytest.approx(period, abs=0.1)
    assert chi_square_period(means)[0] == pytest.approx(period, abs=0.2)


@QUICK
@given(factor=st.floats(0.1, 50), seed=st.integers(0, 99))
def test_scale_changes_no_period_no_exponent_and_no_transition(factor, seed):
    counts = days(10, seed=seed)
    means, scaled = (ten_minute_means(values, epoch_s=60) for values in (counts, factor * counts))
    assert lomb_scargle_period(scaled) == lomb_scargle_period(means)
    assert chi_square_period(scaled)[1] == pytest.approx(chi_square_period(means)[1], rel=1e-9)
    assert fluctuation_analysis(factor * counts).alpha == pytest.approx(fluctuation_analysis(counts).alpha, rel=1e-9)
    assert transition_probabilities(factor * counts, active_from=factor * 50) == transition_probabilities(
        counts, active_from=50
    )


@QUICK
@given(hours=st.integers(0, 23))
def test_a_later_clock_moves_the_extended_cosinor_by_as_much(hours):
    counts = days(6)
    here = extended_cosinor(counts, local_times(0, 60, len(counts), UTC), epoch_s=60)
    there = extended_cosinor(counts, local_times(3600 * hours, 60, len(counts), UTC), epoch_s=60)
    for name in ("acrophase_h", "up_mesor_h", "down_mesor_h"):
        moved = (getattr(there, name) - getattr(here, name) - hours + 12) % 24 - 12
        assert abs(moved) < 1e-3, name
    assert there.pseudo_f == pytest.approx(here.pseudo_f, rel=1e-4)


def test_noise_scales_by_a_half_and_a_walk_by_one_and_a_half():
    rng = np.random.default_rng(3)
    noise = rng.normal(size=60_000)
    assert fluctuation_analysis(noise).alpha == pytest.approx(0.5, abs=0.05)
    assert fluctuation_analysis(np.cumsum(noise)).alpha == pytest.approx(1.5, abs=0.05)


def test_an_epoch_beside_a_gap_is_not_at_risk():
    counts = np.array([0, 0, 9, 9, np.nan, 0, 9, 0.0])
    assert transition_probabilities(counts, active_from=1) == (2 / 3, 1 / 2)
    assert unbroken(counts).tolist() == [0, 0, 9, 9]
    assert len(unbroken(np.full(3, np.nan))) == 0


def test_social_jetlag_is_the_way_round_midnight_and_needs_both_kinds_of_night():
    weekday = np.array([0, 1, 2, 3, 4, 5, 6])
    late = np.where(np.isin(weekday, (4, 5)), 0.5, 23.5)
    assert social_jetlag(late, weekday) == pytest.approx(1.0)
    assert social_jetlag(24 - late, weekday) == pytest.approx(1.0)
    with pytest.raises(Abstained) as why:
        social_jetlag(np.where(weekday == 4, np.nan, late), weekday)
    assert (why.value.code, why.value.needed, why.value.got) == ("too_few_nights", 2, 1)


@pytest.mark.parametrize("values", [np.zeros(20_000), np.full(20_000, 7.0), np.full(20_000, np.nan), np.zeros(0)])
def test_what_does_not_vary_has_no_rhythm(values):
    times = local_times(0, 60, len(values), UTC)
    for compute in (
        lambda: chi_square_period(ten_minute_means(values, epoch_s=60)),
        lambda: lomb_scargle_period(ten_minute_means(values, epoch_s=60)),
        lambda: transition_probabilities(values, active_from=1),
        lambda: fluctuation_analysis(unbroken(values)),
        lambda: extended_cosinor(values, times, epoch_s=60),
    ):
        with pytest.raises(Abstained):
            compute()


def test_a_stored_recording_without_these_numbers_says_so():
    old = {"rhythm": {name: 1.0 for name in RHYTHM if name not in {"social_jetlag_h", "rhythmicity"}}}
    kept = kept_rhythm(old)
    assert set(kept) == set(RHYTHM)
    assert kept["interdaily_stability"] == 1.0
    assert "before this number was computed" in kept["social_jetlag_h"]["reason"]
