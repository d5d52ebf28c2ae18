"""The published weights file: what is read, and how everything else is refused by name."""

import contextlib
import hashlib
import pickle
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest

from actigraphy.science import pat
from novamind.measures import Abstained

PARAMETERS = {"S": 274_720, "M": 993_440, "L": 1_984_192}
FILE_BYTES = {"S": 1_126_224, "M": 4_016_976, "L": 8_011_568}
QUERY = "encoder_layer_1_transformer/encoder_layer_1_attention/query/kernel:0"


def random_tensors(size, seed=0):
    """Numbers at the scale of trained ones in the published shapes, written out here a second time on purpose."""
    patch, layers, heads = {"S": (18, 1, 6), "M": (18, 2, 12), "L": (9, 4, 12)}[size]
    shapes = {"dense/dense/kernel:0": (patch, 96), "dense/dense/bias:0": (96,)}
    for i in range(1, layers + 1):
        block = f"encoder_layer_{i}_transformer/encoder_layer_{i}"
        for name in ("query", "key", "value"):
            shapes[f"{block}_attention/{name}/kernel:0"] = (96, heads, 96)
            shapes[f"{block}_attention/{name}/bias:0"] = (heads, 96)
        shapes[f"{block}_attention/attention_output/kernel:0"] = (heads, 96, 96)
        shapes[f"{block}_attention/attention_output/bias:0"] = (96,)
        shapes |= {f"{block}_ff1/kernel:0": (96, 256), f"{block}_ff1/bias:0": (256,)}
        shapes |= {f"{block}_ff2/kernel:0": (256, 96), f"{block}_ff2/bias:0": (96,)}
        shapes |= {f"{block}_norm{k}/{name}:0": (96,) for k in (1, 2) for name in ("gamma", "beta")}
    rng = np.random.default_rng(seed)
    tensors = {name: rng.normal(0, 0.08, shape).astype(np.float32) for name, shape in shapes.items()}
    return {name: tensor + 1 if name.endswith("gamma:0") else tensor for name, tensor in tensors.items()}


def write_weights(path, tensors):
    """The layout Keras 2 wrote: one group per layer, empty ones too, names in attributes."""
    with h5py.File(path, "w") as file:
        layers = ["inputs", "reshape", "dense", "tf.__operators__.add", *sorted({n.split("/")[0] for n in tensors})]
        file.attrs.update({"backend": "tensorflow", "keras_version": "2.15.0", "layer_names": layers})
        for layer in layers:
            names = [name.split("/", 1)[1] for name in tensors if name.startswith(f"{layer}/")]
            file.require_group(layer).attrs["weight_names"] = names or np.array([])
        for name, tensor in tensors.items():
            file[name] = tensor
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pat")
    return {size: write_weights(folder / f"{size}.h5", random_tensors(size)) for size in "SML"}


@pytest.fixture
def small(tmp_path):
    """Writes a PAT-S file with some tensors changed; None drops one."""

    def write(**changes):
        tensors = random_tensors("S") | changes
        return write_weights(tmp_path / "s.h5", {k: v for k, v in tensors.items() if v is not None})

    return write


def refusal(*args, **kwargs):
    with pytest.raises(pat.WeightsError) as caught:
        pat.load_weights(*args, **kwargs)
    return caught.value


@pytest.mark.parametrize("size", "SML")
def test_a_published_layout_is_read_and_recognised(files, size):
    content = files[size].read_bytes()
    weights = pat.load_weights(files[size], size=size)
    assert weights.sha256 == hashlib.sha256(content).hexdigest()
    assert pat.identify(content) == (size, weights.sha256)
    assert weights.size.parameters == PARAMETERS[size] == sum(t.size for t in weights.tensors.values())
    for name, tensor in random_tensors(size).items():
        np.testing.assert_array_equal(weights.tensors[name], tensor)


@pytest.mark.data
@pytest.mark.parametrize("size", "SML")
def test_files_keras_2_wrote_are_read(shared_data, size):
    path = shared_data / "pat_parity" / f"EMULATED_random_PAT-{size}.h5"
    assert path.stat().st_size == FILE_BYTES[size]
    assert pat.load_weights(path).size is pat.SIZES[size]


def test_loaded_tensors_cannot_be_changed(files):
    weights = pat.load_weights(files["S"])
    with pytest.raises(ValueError, match="read-only"):
        weights.tensors[QUERY][0] = 0
    with pytest.raises(TypeError):
        weights.tensors[QUERY] = np.zeros(1)


def test_a_file_nobody_published_is_loaded_and_says_so(files, monkeypatch):
    assert pat.load_weights(files["S"]).published_as is None
    known = {pat.identify(files["S"])[1]: "PAT-S_29k_weights.h5"}
    monkeypatch.setattr("actigraphy.science.pat.weights.PUBLISHED", known)
    assert pat.load_weights(files["S"]).published_as == "PAT-S_29k_weights.h5"


def test_a_missing_file_is_named_and_shows_no_path(tmp_path):
    error = refusal(tmp_path / "secret-folder" / "pat.h5")
    assert error.code == "missing_file"
    assert "secret-folder" not in str(error)
    assert refusal(tmp_path).code == "missing_file"


@pytest.mark.parametrize("keep", [0, 1, 7, 8, 9, 40, 96, 500, 2_048, 10_000, 563_112, 1_000_000, -1_000, -1])
def test_a_truncated_file_is_named_wherever_it_was_cut(files, keep):
    assert refusal(files["S"].read_bytes()[:keep]).code == "truncated"


def test_a_file_with_a_hole_is_named(files, small):
    content = files["S"].read_bytes()
    kernel = random_tensors("S")[QUERY].tobytes()
    assert refusal(content.replace(kernel, bytes(len(kernel)))).code == "truncated"
    with h5py.File(path := small(**{"dense/dense/bias:0": None}), "a") as file:
        file.create_dataset("dense/dense/bias:0", (96,), "<f4")
    assert refusal(path).code == "truncated"


def test_no_single_overwritten_stretch_of_metadata_escapes_the_named_errors(files):
    content = files["S"].read_bytes()
    for at in range(0, 12_000, 64):
        damaged = content[:at] + b"\xff" * 64 + content[at + 64 :]
        with contextlib.suppress(pat.WeightsError):
            assert pat.load_weights(damaged).size.name == "S"


def test_other_kinds_of_file_are_not_hdf5(tmp_path):
    with zipfile.ZipFile(tmp_path / "w.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    assert refusal(tmp_path / "w.keras").code == "not_hdf5"
    assert refusal(b"a text").code == "not_hdf5"


def test_a_pickle_is_refused_unopened():
    class Trap:
        def __reduce__(self):
            return pytest.fail, ("unpickled",)

    assert refusal(pickle.dumps(Trap())).code == "not_hdf5"


def test_a_file_for_another_size_says_which(files):
    error = refusal(files["M"], size="S")
    assert error.code == "wrong_size"
    assert "PAT-M" in error.detail
    assert "PAT-S" in error.detail


def test_the_checksum_is_compared_before_the_file_is_parsed(files):
    sha256 = pat.identify(files["S"])[1]
    assert pat.load_weights(files["S"], sha256=sha256.upper()).sha256 == sha256
    error = refusal(files["S"].read_bytes()[:-5], sha256=sha256)
    assert error.code == "wrong_hash"
    assert sha256 in error.detail


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_tensor_that_is_not_finite_is_named(small, value):
    kernel = random_tensors("S")[QUERY]
    kernel[3, 2, 1] = value
    error = refusal(small(**{QUERY: kernel}))
    assert error.code == "not_finite"
    assert QUERY in error.detail
    assert "1 of 55296" in error.detail


def test_a_missing_an_extra_and_a_misshapen_tensor_are_named(small):
    missing = refusal(small(**{QUERY: None}), size="S")
    assert missing.code == "wrong_layout"
    assert f"missing {QUERY}" in missing.detail
    extra = refusal(small(**{"head/head/kernel:0": np.ones((96, 1), np.float32)}), size="S")
    assert extra.code == "wrong_layout"
    assert "extra head/head/kernel:0" in extra.detail
    per_head = refusal(small(**{QUERY: np.ones((96, 6, 16), np.float32)}))
    assert per_head.code == "wrong_layout"
    assert f"{QUERY} is (96, 6, 16), not (96, 6, 96)" in per_head.detail


@pytest.mark.parametrize("dtype", ["<f8", "<f2", ">f4", "<i4", "S4"])
def test_a_tensor_of_another_type_is_refused(small, dtype):
    error = refusal(small(**{"dense/dense/bias:0": np.ones(96).astype(dtype)}))
    assert error.code == "wrong_layout"
    assert "dense/dense/bias:0" in error.detail


def test_nothing_outside_the_file_is_opened(small, tmp_path):
    (tmp_path / "other.raw").write_bytes(np.ones(96, "<f4").tobytes())
    write_weights(tmp_path / "other.h5", {"x/y": np.ones(96, np.float32)})
    name = "dense/dense/bias:0"
    external = [(str(tmp_path / "other.raw"), 0, 96 * 4)]
    layout = h5py.VirtualLayout((96,), "<f4")
    layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "x/y", (96,), "<f4")
    for put in (
        lambda file: file.create_dataset(name, (96,), "<f4", external=external),
        lambda file: file.create_virtual_dataset(name, layout),
        lambda file: file.__setitem__(name, h5py.ExternalLink(tmp_path / "other.h5", "x/y")),
        lambda file: file.__setitem__(name, h5py.SoftLink("/dense/dense/kernel:0")),
    ):
        with h5py.File(path := small(**{name: None}), "a") as file:
            put(file)
        assert refusal(path).code == "wrong_layout"


def test_a_group_that_contains_itself_ends(small):
    with h5py.File(path := small(), "a") as file:
        file["dense/again"] = file["dense"]
    assert refusal(path).code == "wrong_layout"


@pytest.mark.parametrize(("shape", "chunk"), [((2**40,), 1024), ((96,), 2**28)])
def test_a_tensor_that_would_fill_the_memory_is_refused_unread(small, shape, chunk):
    name = "dense/dense/bias:0"
    with h5py.File(path := small(**{name: None}), "a") as file:
        file.create_dataset(name, shape, "<f4", chunks=(chunk,), maxshape=(None,), compression="gzip")
    assert refusal(path).code == "wrong_layout"


def test_a_file_far_larger_than_any_published_one_is_refused():
    assert refusal(b"\x89HDF\r\n\x1a\n" + bytes(65 * 2**20)).code == "wrong_layout"


def test_a_clinician_is_told_of_missing_and_of_wrong_weights(files, tmp_path):
    assert refusal(tmp_path / "none.h5").as_abstention() == Abstained("no_weights")
    assert refusal(files["M"], size="S").as_abstention() == Abstained("weights_mismatch")


def test_an_error_survives_the_way_back_from_a_worker():
    error = pickle.loads(pickle.dumps(pat.WeightsError("wrong_size", "it is a PAT-M file")))
    assert (error.code, error.detail) == ("wrong_size", "it is a PAT-M file")


def test_an_unpublished_size_is_a_programming_error(files):
    with pytest.raises(ValueError, match="S, M, L"):
        pat.load_weights(files["S"], size="XL")


def test_importing_pat_loads_no_framework():
    heavy = "{'keras', 'tensorflow', 'h5py', 'django'}"
    code = f"import sys, actigraphy.science.pat; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
