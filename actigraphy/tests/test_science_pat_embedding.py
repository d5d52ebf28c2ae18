"""The encoder, on each engine, against stored vectors and against a second forward pass written from the paper."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from actigraphy.science import pat

from .test_science_pat_weights import PARAMETERS, random_tensors, write_weights

pytestmark = pytest.mark.slow  # TensorFlow takes seconds to import

TOLERANCE = 1e-5
ENGINES = ("onnx", "tensorflow")
#: Made by Keras 3.15 from the published graph as Keras builds it, for weights and a week that formulas give.
GOLDEN = Path(__file__).parent / "pat_golden.npz"


LAYERS = {"S": 1, "M": 2, "L": 4}


def forward(tensors, size, week, kept=slice(None)):
    """PAT in float64 from sec. 4 of the paper: (10080,) to (N, 96), or of the kept patches alone."""
    x = embedded(tensors, week)[kept]
    for i in range(1, LAYERS[size] + 1):
        x = through(x, block_of(tensors, i))
    return x


def embedded(tensors, week):
    kernel, bias = (tensors[f"dense/dense/{name}:0"].astype(np.float64) for name in ("kernel", "bias"))
    x = week.astype(np.float64).reshape(-1, len(kernel)) @ kernel + bias
    rate = (10_000.0 ** (-np.arange(0, 96, 2) / 96)).astype(np.float32)
    angle = np.arange(len(x), dtype=np.float32)[:, None] * rate
    return x + np.hstack([np.sin(angle.astype(np.float64)), np.cos(angle.astype(np.float64))])


def block_of(tensors, i):
    prefix = f"encoder_layer_{i}_transformer/encoder_layer_{i}_"
    return {
        name.removeprefix(prefix).removesuffix(":0"): tensor.astype(np.float64)
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def through(x, p):
    x = norm(x + attention(x, p), p, "norm1")
    hidden = np.maximum(x @ p["ff1/kernel"] + p["ff1/bias"], 0)
    return norm(x + hidden @ p["ff2/kernel"] + p["ff2/bias"], p, "norm2")


def head_of(x, p, head):
    q, k, v = (
        x @ p[f"attention/{name}/kernel"][:, head] + p[f"attention/{name}/bias"][head]
        for name in ("query", "key", "value")
    )
    scores = q @ k.T / np.sqrt(96)
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True), v


def attention(x, p):
    out = np.zeros_like(x) + p["attention/attention_output/bias"]
    for head, kernel in enumerate(p["attention/attention_output/kernel"]):
        shares, v = head_of(x, p, head)
        out += shares @ v @ kernel
    return out


def attention_received(tensors, size, week):
    """As the authors' notebook: the last block's shares summed over queries, averaged over heads, over their sum."""
    x = embedded(tensors, week)
    for i in range(1, LAYERS[size]):
        x = through(x, block_of(tensors, i))
    last = block_of(tensors, LAYERS[size])
    received = np.mean([head_of(x, last, head)[0].sum(axis=0) for head in range(len(last["attention/query/bias"]))], 0)
    return received / received.sum()


def norm(x, p, name):
    centred = x - x.mean(axis=1, keepdims=True)
    return centred / np.sqrt(x.var(axis=1, keepdims=True) + 1e-6) * p[f"{name}/gamma"] + p[f"{name}/beta"]


@pytest.fixture(scope="module", params=ENGINES)
def encoders(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pat")
    return {size: encoder_of(folder, size, random_tensors(size), request.param) for size in "SML"}


def encoder_of(folder, size, tensors, engine):
    return pat.Encoder.from_file(write_weights(folder / f"{size}.h5", tensors), size, engine=engine)


def formula_tensors(size):
    """Numbers at the scale of trained ones that no random generator has to repeat."""
    tensors = {}
    for at, (name, shape) in enumerate(sorted(pat.SIZES[size].tensor_shapes().items())):
        values = 0.11 * np.sin(1.7 * np.arange(np.prod(shape)) + at)
        tensors[name] = (values + name.endswith("gamma:0")).reshape(shape).astype(np.float32)
    return tensors


def formula_week():
    minutes = np.arange(pat.WEEK_MIN)
    return (np.cos(minutes * 2 * np.pi / 1440) + np.sin(minutes * 0.37) ** 3).astype(np.float32)[np.newaxis]


@pytest.fixture(scope="module")
def weeks():
    return np.random.default_rng(3).normal(size=(9, pat.WEEK_MIN)).astype(np.float32)


@pytest.mark.data
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("size", "SML")
def test_tokens_and_embedding_equal_the_stored_ones(shared_data, size, engine):
    folder = shared_data / "pat_parity"
    encoder = pat.Encoder.from_file(folder / f"EMULATED_random_PAT-{size}.h5", size, engine=engine)
    stored = np.load(folder / f"EMULATED_parity_PAT-{size}.npz")
    np.testing.assert_allclose(encoder.tokens(stored["x"]), stored["tokens"], rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(encoder.embed(stored["x"]), stored["pooled"], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("size", "SML")
def test_tokens_and_embedding_equal_the_golden_ones(tmp_path, size, engine):
    encoder, golden = encoder_of(tmp_path, size, formula_tensors(size), engine), np.load(GOLDEN)
    np.testing.assert_allclose(
        encoder.tokens(formula_week())[0, ::40], golden[f"tokens_{size}"], rtol=0, atol=TOLERANCE
    )
    np.testing.assert_allclose(encoder.embed(formula_week())[0], golden[f"embedding_{size}"], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("size", ["Conv-S", "Conv-M", "Conv-L"])
def test_the_engines_agree_on_convolved_patches(tmp_path, weeks, size):
    one, other = (encoder_of(tmp_path, size, formula_tensors(size), engine) for engine in ENGINES)
    np.testing.assert_allclose(one.tokens(weeks[:2]), other.tokens(weeks[:2]), rtol=0, atol=2 * TOLERANCE)


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
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_allclose(together, encoders["S"].tokens(weeks).mean(axis=1), rtol=0, atol=5e-6)


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


def test_an_infinite_minute_is_refused_with_the_count(encoders, weeks):
    broken = weeks[:2].copy()
    broken[1, 77] = np.inf
    for method in (encoders["S"].embed, encoders["S"].tokens):
        with pytest.raises(ValueError, match="1 of 20160"):
            method(broken)


@pytest.mark.parametrize("size", "SM")
def test_patches_with_a_missing_minute_are_left_out_and_nothing_else(encoders, weeks, size):
    broken = weeks[:3].copy()
    broken[1, 18 * 7 + 3] = np.nan
    broken[1, 4_000:5_000] = np.nan
    tokens = encoders[size].tokens(broken)
    kept = ~np.isnan(broken[1].reshape(-1, 18)).any(axis=1)
    np.testing.assert_array_equal(np.isnan(tokens[1]).all(axis=1), ~kept)
    expected = forward(random_tensors(size), size, broken[1], kept)
    np.testing.assert_allclose(tokens[1, kept], expected, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(encoders[size].embed(broken)[1], expected.mean(axis=0), rtol=0, atol=TOLERANCE)
    whole = encoders[size].embed(weeks[[0, 2]])
    np.testing.assert_allclose(encoders[size].embed(broken)[[0, 2]], whole, rtol=0, atol=1e-6)


def test_a_week_without_a_complete_patch_is_refused(encoders, weeks):
    broken = weeks[:1].copy()
    broken[0, ::18] = np.nan
    with pytest.raises(ValueError, match="no patch"):
        encoders["S"].embed(broken)


@pytest.mark.parametrize("size", "SML")
def test_attention_is_what_each_patch_receives_in_the_last_block(encoders, weeks, size):
    received = encoders[size].attention(weeks[0])
    patch = pat.SIZES[size].patch_min
    np.testing.assert_allclose(received[::patch], attention_received(random_tensors(size), size, weeks[0]), atol=1e-6)
    np.testing.assert_array_equal(received.reshape(-1, patch), received.reshape(-1, patch)[:, :1].repeat(patch, 1))


def test_a_smaller_card_takes_smaller_batches(tmp_path, weeks):
    """A stand-in for the card's memory: the first passes end as TensorFlow ends them when it is full."""
    import tensorflow as tf

    encoder = encoder_of(tmp_path, "S", random_tensors("S"), "tensorflow")
    engine, whole, sizes = encoder._engine, encoder.embed(weeks), []
    forward = engine._forward

    def of_two_weeks(patches, kept):
        sizes.append(len(patches))
        if len(patches) > 2:
            raise tf.errors.ResourceExhaustedError(None, None, "out of memory")
        return forward(patches, kept)

    engine._forward = of_two_weeks
    np.testing.assert_allclose(encoder.embed(weeks), whole, rtol=0, atol=1e-6)
    assert sizes == [8, 4, 2, 2, 2, 2, 1]
    encoder.embed(weeks[:3])
    assert sizes[-2:] == [2, 1]


def test_on_a_processor_nothing_of_tensorflow_is_imported(tmp_path):
    write_weights(tmp_path / "S.h5", random_tensors("S"))
    code = (
        "import sys, numpy as np; from actigraphy.science import pat;"
        f"pat.Encoder.from_file({str(tmp_path / 'S.h5')!r}).embed(np.zeros((1, 10080), np.float32));"
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_another_type_is_refused(encoders, weeks):
    with pytest.raises(ValueError, match="float64"):
        encoders["S"].embed(weeks.astype(np.float64))
