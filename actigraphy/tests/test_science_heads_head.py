"""A head's file: gives the head back, is refused when it is not one; and the recordings it answers nothing about."""

import json
from dataclasses import replace

import numpy as np
import pytest

from actigraphy.science import heads
from actigraphy.science.heads import Features, Linear
from novamind.measures import Abstained

ENCODER, COHORT = "a" * 64, "b" * 64


def made(kind="both"):
    k = len(heads.NAMES[kind])
    rng = np.random.default_rng(4)
    linear = Linear(
        median=rng.normal(size=k), indicated=np.array([2, 5]), mean=rng.normal(size=k + 2),
        scale=rng.uniform(0.5, 2, k + 2), coefficients=rng.normal(size=k + 2), intercept=0.3, slope=0.8, offset=-0.2,
        threshold=0.6, penalty=0.01,
    )  # fmt: skip
    with_pat = kind != "circadian"
    return heads.Head("relapse", kind, "actiwatch", ENCODER * with_pat, COHORT * with_pat, 20.0, linear, {"does": "x"})


def features(head, **changed):
    values = np.linspace(-1, 1, len(heads.NAMES[head.kind]))
    said = Features(values, head.kind, head.device, head.encoder_sha256, head.cohort_sha256)
    return replace(said, **changed)


@pytest.mark.parametrize("kind", heads.FEATURE_SETS)
def test_a_file_gives_the_same_head_and_the_same_bytes(kind, tmp_path):
    head = made(kind)
    path = tmp_path / "head.json"
    path.write_bytes(heads.head_bytes(head))
    back = heads.load_head(path)
    assert heads.head_bytes(back) == path.read_bytes()
    assert back.predict(features(back)) == head.predict(features(head))
    assert heads.load_head(path, sha256=back.sha256).sha256 == back.sha256


def test_an_answer_is_the_formula_written_out():
    head = made("circadian")
    values = np.linspace(-1, 1, len(heads.CIRCADIAN))
    values[2] = np.nan
    given = head.linear
    wide = np.append(values, [1.0, 0.0])
    wide[2] = given.median[2]
    score = sum(c * (v - m) / s for c, v, m, s in zip(given.coefficients, wide, given.mean, given.scale, strict=True))
    answer = head.predict(features(head, values=values))
    assert answer.probability == pytest.approx(1 / (1 + np.exp(-(0.8 * (score + 0.3) - 0.2))))
    assert answer.alert == (answer.probability >= 0.6)
    assert answer.imputed == 1


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"encoder_sha256": "c" * 64}, "weights_mismatch"),
        ({"cohort_sha256": "c" * 64}, "no_reference_cohort"),
        ({"device": "actigraph_hip"}, "unsupported_device"),
    ],
)
def test_made_with_something_else_nothing_is_answered(changed, code):
    head = made()
    with pytest.raises(Abstained) as why:
        head.predict(features(head, **changed))
    assert why.value.code == code


def test_features_of_another_kind_are_a_mistake():
    with pytest.raises(ValueError, match="reads both features; got circadian"):
        made().predict(features(made("circadian")))


def spoiled(**changed):
    def spoil(said):
        return said | changed

    return spoil


def linear(**changed):
    return lambda said: said | {"linear": said["linear"] | changed}


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (spoiled(format="novamind head 2"), "another format"),
        (spoiled(outcome=3), "wrong type"),
        (spoiled(card=[]), "wrong type"),
        (spoiled(kind="dreams"), "does not know"),
        (spoiled(device="toaster"), "does not know"),
        (spoiled(features=["IS"]), "other features"),
        (spoiled(encoder_sha256=""), "encoder_sha256 is not a checksum"),
        (spoiled(cohort_sha256="Z" * 64), "cohort_sha256 is not a checksum"),
        (spoiled(alert_load=101), "alert load"),
        (spoiled(alert_load=True), "not finite"),
        (linear(intercept=float("nan")), "not finite"),
        (linear(slope=float("inf")), "not finite"),
        (linear(slope=-1), "out of range"),
        (linear(threshold=1.5), "out of range"),
        (linear(median=[0.0]), "median needs 129 numbers"),
        (linear(coefficients="0" * 131), "coefficients needs 131 numbers"),
        (linear(scale=[0.0] * 131), "scale is not above zero"),
        (linear(indicated=[2, 999]), "an indicator is of no feature"),
        (linear(indicated=[5, 2]), "an indicator is of no feature"),
        (linear(indicated=[2.5, 5]), "an indicator is of no feature"),
        (linear(penalty=None), "not finite"),
        (lambda said: {key: value for key, value in said.items() if key != "linear"}, "not a head"),
        (lambda said: [], "not a head"),
    ],
)
def test_what_is_no_head_is_refused_by_name(spoil, sentence):
    content = json.dumps(spoil(json.loads(heads.head_bytes(made())))).encode()
    with pytest.raises(heads.HeadError, match=sentence):
        heads.load_head(content)


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b"null", b"\x80\x04K\x01."])
def test_rubbish_is_refused(content):
    with pytest.raises(heads.HeadError):
        heads.load_head(content)


def test_a_file_that_is_gone_too_large_or_another_is_refused(tmp_path):
    content = heads.head_bytes(made())
    with pytest.raises(heads.HeadError, match="cannot be read"):
        heads.load_head(tmp_path / "none.json")
    with pytest.raises(heads.HeadError, match="larger than any head"):
        heads.load_head(content + b" " * 2**20)
    with pytest.raises(heads.HeadError, match="registered is"):
        heads.load_head(content, sha256="0" * 64)
