"""ActiGraph counts: the published algorithm, to the count, however the samples arrive."""

import json
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actigraphy.science.counts import RATES, CountsStream, counts

#: Counts per minute of :func:`movement`, as agcounts 0.2.6 (Neishabouri's own program) gives them.
PUBLISHED = {
    30: [[8395, 7189, 1791], [8448, 6589, 1740], [8448, 6736, 1877]],
    40: [[8362, 7155, 1787], [8418, 6549, 1735], [8418, 6712, 1867]],
    50: [[8360, 7168, 1787], [8412, 6567, 1744], [8412, 6720, 1879]],
    60: [[8395, 7189, 1791], [8448, 6589, 1740], [8448, 6736, 1877]],
    70: [[8374, 7183, 1792], [8430, 6591, 1743], [8430, 6734, 1875]],
    80: [[8360, 7185, 1789], [8412, 6586, 1746], [8412, 6731, 1876]],
    90: [[8395, 7189, 1791], [8448, 6589, 1740], [8448, 6736, 1877]],
    100: [[8382, 7189, 1792], [8436, 6583, 1742], [8436, 6738, 1875]],
}


def movement(rate_hz, seconds=180):
    t = np.arange(rate_hz * seconds) / rate_hz
    swing = 1 + 0.4 * np.sin(2 * np.pi * 0.7 * t)
    step = 0.9 * np.sin(2 * np.pi * 1.9 * t) * np.sin(t / 7)
    jerk = np.sign(np.sin(2 * np.pi * t / 3.7)) * 0.3 * (t % 20) / 20
    return np.stack([swing, step, jerk], axis=1)


@pytest.mark.parametrize("rate_hz", RATES)
def test_every_rate_gives_the_published_counts(rate_hz):
    assert counts(movement(rate_hz), rate_hz).tolist() == PUBLISHED[rate_hz]


@settings(max_examples=60, deadline=None)
@given(rate_hz=st.sampled_from(sorted(RATES)), cuts=st.lists(st.integers(0, 2000), max_size=12))
def test_a_recording_in_pieces_gives_what_it_gives_whole(rate_hz, cuts):
    xyz = np.random.default_rng(7).normal(0, 0.6, (2000, 3))
    pieces = np.split(xyz, sorted(cuts))
    assert (counts(pieces, rate_hz, epoch_s=1) == counts(xyz, rate_hz, epoch_s=1)).all()


@settings(max_examples=60, deadline=None)
@given(rate_hz=st.sampled_from(sorted(RATES)), seconds=st.integers(0, 40), more=st.floats(0, 0.9))
def test_only_whole_epochs_are_given(rate_hz, seconds, more):
    xyz = np.zeros((rate_hz * seconds + int(more * rate_hz), 3))
    found = counts(xyz, rate_hz, epoch_s=10)
    assert found.shape == (seconds // 10, 3)
    assert found.dtype == np.int64


@settings(max_examples=60, deadline=None)
@given(rate_hz=st.sampled_from(sorted(RATES)), lie=st.tuples(*[st.floats(-1, 1)] * 3))
def test_a_sensor_at_rest_counts_nothing_however_it_lies(rate_hz, lie):
    assert not counts(np.tile(lie, (rate_hz * 20, 1)), rate_hz, epoch_s=10).any()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.01, 50))
def test_counts_are_bounded_and_the_axes_do_not_mix(seed, scale):
    xyz = np.random.default_rng(seed).normal(0, scale, (30 * 20, 3))
    found = counts(xyz, 30, epoch_s=10)
    assert (found >= 0).all()
    assert (found <= 128 * 10 * 10).all()
    assert (counts(xyz[:, ::-1].copy(), 30, epoch_s=10) == found[:, ::-1]).all()


def test_the_input_is_left_as_it_was():
    xyz = movement(40, 20)
    before = xyz.copy()
    counts(xyz, 40)
    assert (xyz == before).all()


@pytest.mark.parametrize(("rate_hz", "epoch_s"), [(25, 60), (0, 60), (128, 60), (30, 0)])
def test_what_has_no_published_counts_is_refused(rate_hz, epoch_s):
    with pytest.raises(ValueError, match=r"counts are defined|at least one second"):
        CountsStream(rate_hz, epoch_s=epoch_s)


def gt3x_samples(path):
    """(n, 3) acceleration in g, X, Y, Z: the 12-bit records (Y, X, Z, two values in three bytes) of a gt3x."""
    with zipfile.ZipFile(path) as archive:
        log = archive.read("log.bin")
    at, parts = 0, []
    while at < len(log):
        _, kind, _, size = struct.unpack_from("<BBIH", log, at)
        if kind == 0:
            parts.append(np.frombuffer(log, np.uint8, size, at + 8))
        at += 8 + size + 1
    first, second, third = np.concatenate(parts).astype(np.int64).reshape(-1, 3).T
    packed = np.stack([first << 4 | second >> 4, (second & 15) << 8 | third], axis=1).reshape(-1, 3)
    signed = np.where(packed > 2047, packed - 4096, packed)
    return signed[:, [1, 0, 2]] / 256


@pytest.mark.data
@pytest.mark.parametrize("epoch_s", [1, 10, 60])
def test_a_real_recording_at_100_hz_counts_what_actilife_counts(shared_data, shared_reference, epoch_s):
    gold = json.loads((shared_reference / "actigraphy_values.json").read_text())["agcounts"]
    xyz = gt3x_samples(shared_data / "raw/10min_recording.gt3x")
    found = counts(np.array_split(xyz, 11), 100, epoch_s=epoch_s)
    actilife = gold["actilife_check_10min_recording_100Hz"]["epoch1s"]["sum_ActiLife"]
    assert found.sum(axis=0)[[1, 0, 2]].tolist() == actilife  # ActiLife's axes 1, 2, 3 are Y, X, Z
    assert list(found.shape) == gold["files"]["p10_100hz"][f"epoch{epoch_s}"]["shape"]
