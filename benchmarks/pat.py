"""PAT embeddings of weeks by every engine, against Keras' predict and against the machine's matrix product."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figures import Figure, seconds

WEEK_MIN, WIDTH, HIDDEN, WEEKS = 10_080, 96, 256, 8
#: size -> (minutes per patch, layers, heads)
SHAPES = {"S": (18, 1, 6), "M": (18, 2, 12), "L": (9, 4, 12)}
SIDE, TIMES = 2048, 7
LIMIT = "the matrix products' own speed"

#: A process that does what a worker does, from its start: settings, weights, engine, one week.
COLD = """
import json, re, time
import numpy as np
from actigraphy.science.pat import Encoder
encoder = Encoder.from_file({path!r}, engine={engine!r})
encoder.embed(np.zeros((1, 10080), np.float32))
with open("/proc/self/stat") as stat:
    started = int(stat.read().rsplit(")", 1)[1].split()[19]) / 100
took = time.clock_gettime(time.CLOCK_BOOTTIME) - started
with open("/proc/self/status") as status:
    held_mb = int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) / 1024
print(json.dumps([took, held_mb]))
"""


def operations(size: str) -> float:
    """Multiplications and additions in the matrix products of one week, in the graph as published."""
    patch, layers, heads = SHAPES[size]
    tokens = WEEK_MIN // patch
    projections = 4 * 2 * tokens * WIDTH * heads * WIDTH
    attention = 2 * 2 * heads * tokens * tokens * WIDTH
    feed_forward = 2 * 2 * tokens * WIDTH * HIDDEN
    return float(layers * (projections + attention + feed_forward) + 2 * tokens * patch * WIDTH)


def measure() -> list[Figure]:
    """Weeks per second of each size and engine with random weights, cold start and memory."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from actigraphy.tests.test_science_pat_weights import random_tensors, write_weights

    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for size in SHAPES:
            path = write_weights(Path(folder) / f"{size}.h5", random_tensors(size))
            figures += _throughput(size, path) + _start(size, path)
    return figures


def _throughput(size: str, path: Path) -> list[Figure]:
    square = np.random.default_rng(0).standard_normal((SIDE, SIDE)).astype(np.float32)
    weeks = np.random.default_rng(1).standard_normal((WEEKS, WEEK_MIN)).astype(np.float32)
    engines, int8_error = _engines(path, weeks)
    many = [lambda run=run: run(weeks) for run in engines.values()]
    single = [lambda run=run: run(weeks[:1]) for run in engines.values()]
    product, *took = seconds(lambda: square @ square, *many, *single, times=TIMES)
    limit_s = operations(size) / (2 * SIDE**3 / product[0])
    flops = 2 * SIDE**3 / 1e9
    figures = [Figure(f"float32 matrix product, side {SIDE}", flops / product[0], flops / product[1], "G operations/s")]
    for name, (best, median) in zip(engines, took[: len(engines)], strict=True):
        share = limit_s * WEEKS / best
        goal = {"target": f"≥ 0.8 of {LIMIT}", "met": share >= 0.8} if name == "onnx" else {}
        rate = Figure(
            f"PAT-{size} {name}, {WEEKS} weeks", WEEKS / best, WEEKS / median, "weeks/s", share, LIMIT, **goal
        )
        figures.append(rate)
    alone = dict(zip(engines, took[len(engines) :], strict=True))
    for name, (best, median) in alone.items():
        times = alone["model.predict"][0] / best
        goal = {"target": "≥ 6 times model.predict", "met": times >= 6} if (name, size) == ("onnx", "M") else {}
        peer = "model.predict's speed"
        figures.append(Figure(f"PAT-{size} {name}, 1 week", best * 1e3, median * 1e3, "ms", times, peer, **goal))
    return [*figures, Figure(f"PAT-{size} int8, largest error of a token", int8_error, int8_error, "")]


def _engines(path: Path, weeks: Any) -> tuple[dict[str, Callable[[Any], Any]], float]:
    """By name, and how far int8 is off."""
    from actigraphy.science.pat import Encoder, load_weights
    from actigraphy.science.pat.architecture import build_encoder
    from actigraphy.science.pat.engines import assign

    weights = load_weights(path)
    model = build_encoder(weights.size.name)
    assign(model, weights)
    onnx, tensorflow = (Encoder(weights, engine) for engine in ("onnx", "tensorflow"))
    int8 = _int8(path)
    error = float(np.abs(onnx.tokens(weeks) - int8(weeks)).max())
    return {
        "model.predict": lambda weeks: model.predict(weeks, verbose=0),
        "TensorFlow, compiled": tensorflow.embed,
        "onnx": onnx.embed,
        "onnx int8": int8,
    }, error


def _int8(path: Path) -> Callable[..., Any]:
    import onnx
    import onnxruntime
    from onnxruntime.quantization import QuantType, quantize_dynamic

    from actigraphy.science.pat import load_weights
    from actigraphy.science.pat.folding import fold
    from actigraphy.science.pat.onnx_graph import build_graph

    folded = fold(load_weights(path))
    whole, small = path.with_suffix(".onnx"), path.with_suffix(".int8.onnx")
    whole.write_bytes(build_graph(folded))
    options: Any = {
        "DefaultTensorType": onnx.TensorProto.FLOAT
    }  # it knows no shapes behind ONNX Runtime's own operators
    quantize_dynamic(whole, small, weight_type=QuantType.QInt8, extra_options=options)
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(small), quiet, providers=["CPUExecutionProvider"])
    places, patch_min = np.arange(folded.size.tokens), folded.size.patch_min

    def run(weeks: Any) -> Any:
        return session.run(["tokens"], {"patches": weeks.reshape(len(weeks), -1, patch_min), "kept": places})[0]

    return run


def _start(size: str, path: Path) -> list[Figure]:
    """From a new process to the first embedding, and the most memory it held."""
    figures = []
    for engine in ("tensorflow", "onnx"):
        runs = [_cold(engine, path) for _ in range(3)]
        took, memory = sorted(run[0] for run in runs), sorted(run[1] for run in runs)
        goal = {"target": "≤ 0.5 s", "met": took[0] <= 0.5} if engine == "onnx" else {}
        figures.append(Figure(f"PAT-{size} {engine}, cold start", took[0], took[1], "s", **goal))
        goal = {"target": "≤ 250 MB", "met": memory[0] <= 250} if engine == "onnx" else {}
        figures.append(Figure(f"PAT-{size} {engine}, most memory held", memory[0], memory[1], "MB", **goal))
    return figures


def _cold(engine: str, path: Path) -> list[float]:
    code = COLD.format(path=str(path), engine=engine)
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    took: list[float] = json.loads(done.stdout.splitlines()[-1])
    return took
