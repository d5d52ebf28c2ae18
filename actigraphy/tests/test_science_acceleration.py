"""Acceleration reduced to epochs: another program's figures of real recordings, and what must hold of any."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actigraphy.science.acceleration import EpochStream
from actigraphy.science.calibration import StillWindows, calibrate
from actigraphy.science.raw_sleep import raw_sleep, sleep_periods, sustained_inactivity, van_hees_nonwear
from actigraphy.tests.test_science_counts import gt3x_samples
from novamind.clock import local_times, zone
from novamind.measures import Abstained

QUICK = settings(max_examples=40, deadline=None)
OSLO = zone("Europe/Oslo")


def pygt3x(samples: np.ndarray) -> np.ndarray:
    """The reader behind the reference values: three decimals, halves up, single precision."""
    return np.float32(np.floor(samples * 1000 + 0.5) / 1000).astype(np.float64)


@pytest.fixture(scope="module")
def gold(shared_reference: Path) -> Any:
    return json.loads((shared_reference / "actigraphy_values.json").read_text())


@pytest.mark.data
def test_enmo_mad_and_angle_are_those_of_another_program(shared_data: Path, gold: Any) -> None:
    xyz = pygt3x(gt3x_samples(shared_data / "raw/10min_recording.gt3x"))
    found = EpochStream(100).add(xyz)
    numpy, skdh = gold["agcounts"]["files"]["p10_100hz"]["numpy_truth"], gold["skdh"]["raw_files"]["p10_100hz"]
    assert found.enmo.mean() == pytest.approx(numpy["enmo_mean_g"], abs=1e-9)
    assert found.mad.mean() == pytest.approx(numpy["mad_mean_g"], abs=1e-9)
    assert found.z_angle.mean() == pytest.approx(numpy["anglez_mean_deg"], abs=1e-9)
    assert found.z_angle.std() == pytest.approx(skdh["anglez_std"], abs=1e-9)
    np.testing.assert_allclose(found.enmo[:5], skdh["enmo_first5"], atol=1e-9)
    np.testing.assert_allclose(found.z_angle[:5], skdh["anglez_first5"], atol=1e-9)


@QUICK
@given(rate=st.sampled_from([30, 50, 100]), cuts=st.lists(st.integers(0, 9000), max_size=8))
def test_a_recording_in_pieces_gives_what_it_gives_whole(rate: int, cuts: list[int]) -> None:
    xyz = np.random.default_rng(2).normal(0, 0.5, (9000, 3))
    whole, stream = EpochStream(rate).add(xyz), EpochStream(rate)
    parts = [stream.add(piece) for piece in np.split(xyz, sorted(cuts))]
    for name in ("enmo", "mad", "z_angle", "mean", "variance", "low", "high"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_allclose(joined, getattr(whole, name), atol=1e-12)


@QUICK
@given(seed=st.integers(0, 2**32 - 1), factor=st.floats(0.1, 10))
def test_mad_scales_with_the_signal_the_angle_does_not_and_moments_are_numpy_s(seed: int, factor: float) -> None:
    xyz = np.random.default_rng(seed).normal(0, 0.5, (1800, 3))
    one, other = EpochStream(30).add(xyz), EpochStream(30).add(factor * xyz)
    np.testing.assert_allclose(other.mad, factor * one.mad, rtol=1e-9)
    np.testing.assert_allclose(other.z_angle, one.z_angle, atol=1e-9)
    assert (one.enmo >= 0).all()
    np.testing.assert_allclose(one.variance[0], xyz.var(axis=0), rtol=1e-9)
    np.testing.assert_array_equal(one.high[0] - one.low[0], np.ptp(xyz, axis=0))


@QUICK
@given(seed=st.integers(0, 2**32 - 1), turns=st.floats(0, 6.3))
def test_a_turn_about_z_changes_nothing(seed: int, turns: float) -> None:
    xyz = np.random.default_rng(seed).normal(0, 0.5, (1800, 3))
    cos, sin = np.cos(turns), np.sin(turns)
    turned = xyz @ np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    one, other = EpochStream(30).add(xyz), EpochStream(30).add(turned)
    for name in ("enmo", "mad", "z_angle"):
        np.testing.assert_allclose(getattr(other, name), getattr(one, name), atol=1e-9)


def test_free_fall_and_upright_have_an_angle() -> None:
    upright = np.tile([0.0, 0.0, -1.0], (1800, 1))
    assert EpochStream(30).add(upright).z_angle == pytest.approx(-90.0, abs=1e-9)
    assert EpochStream(30).add(0 * upright).z_angle.tolist() == [0.0] * 12


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1e-9, 1.0, 8.0]), still=st.booleans())
def test_the_compiled_loops_are_numpy_s_formulas(seed: int, scale: float, still: bool) -> None:
    """Steep, flat, tiny and repeated values among them; the angle is the C library's ``atan2``."""
    rng = np.random.default_rng(seed)
    xyz = rng.normal(size=(1800, 3)) * scale * rng.choice([0.0, 1e-6, 1.0], size=(1800, 3))
    if still:
        xyz[:] = xyz[0]
    found, x = EpochStream(30).add(xyz), xyz.reshape(12, 150, 3)
    length = np.linalg.norm(x, axis=2)
    wanted = {
        "enmo": np.maximum(length - 1, 0).mean(axis=1),
        "mad": np.abs(length - length.mean(axis=1, keepdims=True)).mean(axis=1),
        "z_angle": np.degrees(np.arctan2(x[:, :, 2], np.hypot(x[:, :, 0], x[:, :, 1])).mean(axis=1)),
        "mean": xyz.mean(axis=0)[None], "variance": xyz.var(axis=0)[None],
        "low": xyz.min(axis=0)[None], "high": xyz.max(axis=0)[None],
    }  # fmt: skip
    for name, values in wanted.items():
        np.testing.assert_allclose(getattr(found, name), values, rtol=1e-9, atol=1e-12 * scale)


def still_means(scale: list[float], offset: list[float], n: int = 1000) -> np.ndarray:
    """What a sensor with these faults reads when it lies still on ``n`` sides."""
    sides = np.random.default_rng(5).normal(size=(n, 3))
    sides /= np.linalg.norm(sides, axis=1)[:, None]
    return (sides - offset) / scale


def test_calibration_finds_the_faults_that_were_put_in() -> None:
    scale, offset = [1.02, 0.97, 1.01], [0.03, -0.02, 0.05]
    found = calibrate(still_means(scale, offset))
    np.testing.assert_allclose(found.scale, scale, atol=1e-4)
    np.testing.assert_allclose(found.offset, offset, atol=1e-4)
    assert found.error_before > 0.02
    assert found.error_after < 1e-4
    np.testing.assert_allclose(np.linalg.norm(found.apply(still_means(scale, offset)), axis=1), 1, atol=5e-4)


@pytest.mark.parametrize(
    "means",
    [
        still_means([1, 1, 1], [0, 0, 0.05], n=99),
        np.abs(still_means([1, 1, 1], [0, 0, 0.05])),
        still_means([1, 1, 1], [0, 0, 0.05]) * np.random.default_rng(1).uniform(0.5, 1.5, (1000, 1)),
        np.empty((0, 3)),
    ],
)
def test_what_cannot_be_calibrated_says_so(means: np.ndarray) -> None:
    with pytest.raises(Abstained) as why:
        calibrate(means)
    assert why.value.code == "indeterminate"


@QUICK
@given(cuts=st.lists(st.integers(0, 6000), max_size=6))
def test_still_windows_are_those_of_ten_seconds_however_they_arrive(cuts: list[int]) -> None:
    rng = np.random.default_rng(4)
    noise = np.repeat([0.002, 0.002, 0.1, 0.002], 1500)[:, None]
    xyz = [0, 0, 1] + rng.normal(0, 1, (6000, 3)) * noise
    windows = StillWindows(30)
    for piece in np.split(xyz, sorted(cuts)):
        windows.add(piece)
    expected = [part.mean(axis=0) for part in np.split(xyz, 20) if (part.std(axis=0, ddof=1) < 0.013).all()]
    assert len(expected) == 15
    np.testing.assert_allclose(windows.means, expected, atol=1e-12)


def night(turns_h: tuple[float, float], days: int = 3, seed: int = 1) -> Any:
    """Epochs of days from noon on, asleep from ``turns_h`` (hours after noon) and turning over every 40 min."""
    rng = np.random.default_rng(seed)
    found = EpochStream(1).add(rng.normal(0.3, 0.3, (days * 86_400, 3)))
    at = np.arange(days * 17_280) / 720 % 24
    asleep = (at >= turns_h[0]) & (at < turns_h[1])
    posture = rng.uniform(-60, 60, 1 + days * 36)[(np.arange(days * 17_280) // 480)]
    found.z_angle[:] = np.where(asleep, posture + rng.normal(0, 0.02, len(at)), rng.uniform(-60, 60, len(at)))
    return found


@pytest.mark.parametrize(("bed", "up"), [(11.0, 19.0), (14.5, 20.25), (20.0, 27.0)])
def test_the_sleep_period_is_found_by_night_and_by_day(bed: float, up: float) -> None:
    epochs = night((bed, min(up, 24.0)))
    if up > 24:  # to 15:00: beyond noon
        early = night((0.0, up - 24), seed=2).z_angle
        at = np.arange(len(early)) / 720 % 24
        epochs.z_angle[:] = np.where((at < up - 24) & (np.arange(len(early)) > 8640), early, epochs.z_angle)
    start = 1_704_884_400  # Wed 10 Jan 2024 12:00 in Oslo
    periods = sleep_periods(epochs.z_angle, local_times(start, 60, 3 * 1440, OSLO))
    assert len(periods) == 3
    for number, period in enumerate(periods[:2]):
        assert period.main
        assert period.start / 60 - 24 * number == pytest.approx(bed, abs=0.1)
        assert period.end / 60 - 24 * number == pytest.approx(up, abs=0.1)


def test_sleep_ends_where_the_arm_turns_and_gaps_are_unknown() -> None:
    z = np.zeros(720)
    z[300:] = 20.0
    z[600] = np.nan
    found = sustained_inactivity(z)
    assert found[300] == 0
    assert np.isnan(found[600])
    assert (found[1:300] == 1).all()
    assert (found[301:600] == 1).all()
    assert (sustained_inactivity(z[270:330]) == 0).all()  # 2.5 min on either side


def test_two_axes_that_lie_still_are_not_worn_and_one_alone_is() -> None:
    rng = np.random.default_rng(6)
    moving = rng.normal(0, 0.1, (6 * 3600, 3))
    lying = rng.normal(0, 0.003, (6 * 3600, 3))
    one = np.column_stack([lying[:, 0], moving[:, 1:]])
    assert not van_hees_nonwear(EpochStream(1).add(moving)).any()
    assert not van_hees_nonwear(EpochStream(1).add(one)).any()
    assert van_hees_nonwear(EpochStream(1).add(lying)).all()
    assert van_hees_nonwear(EpochStream(1).add(np.column_stack([lying[:, :2], moving[:, 2]]))).all()
    aside = van_hees_nonwear(EpochStream(1).add(np.concatenate([moving, lying, moving])))
    begins, ends = np.flatnonzero(np.diff(aside.astype(int)))
    assert abs(begins + 1 - 360) <= 30
    assert abs(ends + 1 - 720) <= 30


def test_minutes_without_data_are_neither_worn_nor_not_and_no_sleep() -> None:
    epochs = night((11.0, 19.0))
    epochs.z_angle[12 * 900 : 12 * 930] = np.nan
    epochs.mean[900:930] = np.nan
    found = raw_sleep(epochs, local_times(1_704_884_400, 60, 3 * 1440, OSLO))
    assert np.isnan(found.sleep[900:930]).all()
    assert not np.isnan(found.sleep[930:]).any()
    assert not found.nonwear[900:930].any()
