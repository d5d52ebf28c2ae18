"""The encoder against stored vectors and against a second forward pass written from the paper."""

import numpy as np
import pytest

from actigraphy.science import pat

from .test_science_pat_weights import PARAMETERS, random_tensors, write_weights

pytestmark = pytest.mark.slow  # TensorFlow takes seconds to import

TOLERANCE = 1e-5


def forward(tensors, size, week):
    """PAT in float64 from sec. 4 of the paper: (10080,) to (N, 96)."""
    layers = {"S": 1, "M": 2, "L": 4}[size]
    t = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}
    x = week.astype(np.float64).reshape(-1, len(t["dense/dense/kernel:0"]))
    x = x @ t["dense/dense/kernel:0"] + t["dense/dense/bias:0"]
    rate = (10_000.0 ** (-np.arange(0, 96, 2) / 96)).astype(np.float32)
    angle = np.arange(len(x), dtype=np.float32)[:, None] * rate
    x = x + np.hstack([np.sin(angle.astype(np.float64)), np.cos(angle.astype(np.float64))])
    for i in range(1, layers + 1):
        block = f"encoder_layer_{i}_transformer/encoder_layer_{i}_"
        p = {name.removeprefix(block).removesuffix(":0"): v for name, v in t.items() if name.startswith(block)}
        x = norm(x + attention(x, p), p, "norm1")
        hidden = np.maximum(x @ p["ff1/kernel"] + p["ff1/bias"], 0)
        x = norm(x + hidden @ p["ff2/kernel"] + p["ff2/bias"], p, "norm2")
    return x


def attention(x, p):
    out = np.zeros_like(x) + p["attention/attention_output/bias"]
    for head in range(p["attention/query/bias"].shape[0]):
        q, k, v = (
            x @ p[f"attention/{name}/kernel"][:, head] + p[f"attention/{name}/bias"][head]
            for name in ("query", "key", "value")
        )
        scores = q @ k.T / np.sqrt(96)
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        out += shares / shares.sum(axis=1, keepdims=True) @ v @ p["attention/attention_output/kernel"][head]
    return out


def norm(x, p, name):
    centred = x - x.mean(axis=1, keepdims=True)
    return centred / np.sqrt(x.var(axis=1, keepdims=True) + 1e-6) * p[f"{name}/gamma"] + p[f"{name}/beta"]


@pytest.fixture(scope="module")
def encoders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pat")
    return {
        size: pat.Encoder.from_file(write_weights(folder / f"{size}.h5", random_tensors(size)), size) for size in "SML"
    }


@pytest.fixture(scope="module")
def weeks():
    return np.random.default_rng(3).normal(size=(9, pat.WEEK_MIN)).astype(np.float32)


@pytest.mark.data
@pytest.mark.parametrize("size", "SML")
def test_tokens_and_embedding_equal_the_stored_ones(shared_data, size):
    folder = shared_data / "pat_parity"
    encoder = pat.Encoder.from_file(folder / f"EMULATED_random_PAT-{size}.h5", size)
    stored = np.load(folder / f"EMULATED_parity_PAT-{size}.npz")
    np.testing.assert_allclose(encoder.tokens(stored["x"]), stored["tokens"], rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(encoder.embed(stored["x"]), stored["pooled"], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("size", "SML")
def test_the_graph_is_the_one_in_the_paper(encoders, weeks, size):
    expected = forward(random_tensors(size), size, weeks[0])
    np.testing.assert_allclose(encoders[size].tokens(weeks[:1])[0], expected, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(encoders[size].embed(weeks[:1])[0], expected.mean(axis=0), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("size", "SML")
def test_an_encoder_says_what_it_is(encoders, tmp_path, size):
    encoder = encoders[size]
    sha256 = pat.identify(write_weights(tmp_path / "again.h5", random_tensors(size)))[1]
    assert (encoder.size, encoder.parameters, encoder.weights_sha256) == (size, PARAMETERS[size], sha256)
    assert encoder.published_as is None


@pytest.mark.parametrize("size", "SML")
def test_a_graph_without_weights_answers_nan_only(size):
    model = pat.architecture.build_encoder(size)
    assert model.count_params() == PARAMETERS[size]
    assert all(np.isnan(value).all() for value in model.get_weights())
    if size == "S":
        assert np.isnan(model(np.zeros((1, pat.WEEK_MIN), np.float32), training=False)).all()


def test_the_positions_are_in_neither_the_config_nor_the_weights():
    assert len(pat.architecture.build_encoder("S").to_json()) < 20_000


@pytest.mark.parametrize("weights", [None, b"", {"size": "S"}, pat.SIZES["S"]])
def test_no_encoder_without_loaded_weights(weights):
    with pytest.raises(TypeError, match="WeightsFile"):
        pat.Encoder(weights)


def test_more_weeks_than_a_batch_come_back_in_order(encoders, weeks):
    together = encoders["S"].embed(weeks)
    alone = np.concatenate([encoders["S"].embed(week[np.newaxis]) for week in weeks])
    assert together.shape == (9, pat.EMBEDDING)
    assert together.dtype == np.float32
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)
    np.testing.assert_allclose(together, encoders["S"].tokens(weeks).mean(axis=1), rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", "SM")
def test_the_same_weeks_give_the_same_bits_and_stay_untouched(encoders, weeks, size):
    before = weeks.copy()
    np.testing.assert_array_equal(encoders[size].embed(weeks), encoders[size].embed(weeks))
    np.testing.assert_array_equal(weeks, before)


def test_no_weeks_give_no_embeddings(encoders):
    none = np.empty((0, pat.WEEK_MIN), np.float32)
    assert encoders["L"].embed(none).shape == (0, 96)
    assert encoders["L"].tokens(none).shape == (0, 1120, 96)


@pytest.mark.parametrize("shape", [(pat.WEEK_MIN,), (1, 1440), (1, pat.WEEK_MIN, 1), (pat.WEEK_MIN, 1)])
def test_another_shape_is_refused(encoders, shape):
    with pytest.raises(ValueError, match=r"shape \(b, 10080\)"):
        encoders["S"].embed(np.zeros(shape, np.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_week_with_a_missing_minute_is_refused_with_the_count(encoders, weeks, value):
    broken = weeks[:2].copy()
    broken[1, 77] = value
    for method in (encoders["S"].embed, encoders["S"].tokens):
        with pytest.raises(ValueError, match="1 of 20160 are NaN or infinite"):
            method(broken)


def test_another_type_is_refused(encoders, weeks):
    with pytest.raises(ValueError, match="float64"):
        encoders["S"].embed(weeks.astype(np.float64))
