"""What heads read of a recording: its rhythm, its nights, its weeks, and nothing where it does not tell."""

from datetime import UTC, datetime

import numpy as np
import pytest

from actigraphy.science import heads
from actigraphy.science.devices import DEVICES
from actigraphy.science.heads.features import _on_circle, _spread_h
from actigraphy.science.pat import WEEK_MIN, Encoder, build_cohort, load_weights, untrained_weights
from actigraphy.science.pipeline import analyze_counts
from actigraphy.tests.science_files import UTC_ZONE
from novamind.clock import local_times
from novamind.measures import Abstained


def recording(days=9, start_h=12, bed_h=23.0, seed=0, epoch_s=60, unworn=()):
    """Counts of somebody who sleeps eight hours from ``bed_h`` on; ``unworn``: (first, last) hours from the start."""
    n = days * 86_400 // epoch_s
    start = int(datetime(2026, 3, 2, start_h, tzinfo=UTC).timestamp())
    times = local_times(start, epoch_s, n, UTC_ZONE)
    rng = np.random.default_rng(seed)
    asleep = (times.second_of_day / 3600 - bed_h) % 24 < 8
    counts = np.where(asleep, 60 * (rng.random(n) < 0.05), rng.gamma(2, 120, n)).round() * (epoch_s // 60)
    for first, last in unworn:
        counts[first * 3600 // epoch_s : last * 3600 // epoch_s] = np.nan
    return analyze_counts(counts, epoch_s=epoch_s, times=times, device=DEVICES["actiwatch"])


#: Seven hours off a day, in the morning or after it.
SHIFTS = [(at * 24 + 8 + 7 * (at % 2), at * 24 + 15 + 7 * (at % 2)) for at in range(8)]


def named(rest):
    return dict(zip(heads.CIRCADIAN, heads.material_of(rest).circadian, strict=True))


def test_features_are_the_numbers_of_the_analysis():
    rest = recording()
    found = named(rest)
    for name in ("IS", "IV", "RA", "SRI", "cosinor_r2"):
        assert found[name] == rest.rhythm[name]
    assert found["M10_log"] == pytest.approx(np.log1p(rest.rhythm["M10"]))
    at = np.arctan2(found["L5_onset_sin"], found["L5_onset_cos"]) * 24 / (2 * np.pi) % 24
    assert at == pytest.approx(rest.rhythm["L5_onset_h"])
    nights = [night for night in rest.nights if night.valid]
    assert found["tst_h"] == pytest.approx(np.mean([night.tst_min for night in nights]) / 60)
    assert found["onset_sd_h"] == pytest.approx(0, abs=0.2)
    assert all(np.isfinite(value) for value in found.values())


def test_a_mean_of_clock_times_goes_round_midnight():
    found = _on_circle("onset", np.array([23.0, 1.0]))
    assert found["onset_cos"] == pytest.approx(1)
    assert found["onset_sin"] == pytest.approx(0, abs=1e-12)
    assert _spread_h(np.array([23.0, 1.0])) == pytest.approx(_spread_h(np.array([11.0, 13.0])))
    rng = np.random.default_rng(0)
    assert _spread_h(rng.normal(0, 1.5, 20_000) % 24) == pytest.approx(1.5, rel=0.03)


def test_whole_weeks_are_taken_where_there_are_any():
    weeks = heads.material_of(recording(days=9)).weeks
    assert weeks.shape == (2, WEEK_MIN)
    assert np.isfinite(weeks).all()


def test_seven_days_from_noon_on_give_one_week_with_its_ends_missing():
    rest = recording(days=7)
    (week,) = heads.material_of(rest).weeks
    assert np.isnan(week[:720]).all()
    np.testing.assert_array_equal(week[720:], rest.counts[: WEEK_MIN - 720].astype(np.float32))


def test_the_partial_week_is_the_one_most_worn():
    """Nine days of which the first two and the sixth are half worn."""
    rest = recording(days=9, start_h=0, unworn=[(0, 10), (24, 36), (130, 142)])
    (week,) = heads.material_of(rest).weeks
    np.testing.assert_array_equal(week, np.where(rest.worn, rest.counts, np.nan)[2 * 1440 :].astype(np.float32))


@pytest.mark.parametrize(
    ("made", "code"),
    [
        ({"epoch_s": 300}, "unsupported_device"),
        ({"days": 6}, "too_few_days"),
        ({"days": 7, "start_h": 0, "unworn": [(8, 17), (56, 65), (104, 113)]}, "too_few_days"),  # for a rhythm
        ({"days": 8, "start_h": 0, "unworn": [*SHIFTS, (77, 96)]}, "too_little_wear"),
    ],
)
def test_too_little_is_no_material(made, code):
    with pytest.raises(Abstained) as why:
        heads.material_of(recording(**made))
    assert why.value.code == code


def test_without_an_encoder_or_a_cohort_pat_has_no_part():
    material = heads.material_of(recording())
    assert heads.features_of(material, "circadian").encoder_sha256 == ""
    with pytest.raises(Abstained) as why:
        heads.features_of(material, "both")
    assert why.value.code == "no_weights"
    encoder = Encoder(load_weights(untrained_weights("S", seed=0)))
    weeks = np.random.default_rng(0).gamma(2, 80, (12, WEEK_MIN)).astype(np.float32)
    hip = build_cohort(weeks, device="actigraph_hip", label="x")
    for cohort in (None, hip):
        with pytest.raises(Abstained) as why:
            heads.features_of(material, "pat", encoder, cohort)
        assert why.value.code == "no_reference_cohort"
    own = build_cohort(weeks, device="actiwatch", label="x")
    found = heads.features_of(material, "both", encoder, own)
    mean = encoder.embed(own.normalize(material.weeks)).mean(axis=0)
    np.testing.assert_allclose(found.values[len(heads.CIRCADIAN) :], mean, rtol=1e-5)
    assert found.encoder_sha256 == encoder.weights_sha256


@pytest.mark.parametrize("size", ["S", "L", "Conv-M"])
def test_an_untrained_control_is_a_whole_encoder_that_its_seed_gives_again(size):
    one, other = (load_weights(untrained_weights(size, seed=seed)) for seed in (1, 2))
    assert one.size.name == size
    assert one.published_as is None
    again = load_weights(untrained_weights(size, seed=1))
    for name, tensor in one.tensors.items():
        np.testing.assert_array_equal(tensor, again.tensors[name])
        if name.endswith("kernel:0"):
            assert (tensor != other.tensors[name]).any()
