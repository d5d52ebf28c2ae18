"""PAT embeddings of weeks, against what the machine's matrix product allows."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, seconds

WEEK_MIN, WIDTH, HIDDEN, WEEKS = 10_080, 96, 256, 8
#: size -> (minutes per patch, layers, heads)
SHAPES = {"S": (18, 1, 6), "M": (18, 2, 12), "L": (9, 4, 12)}
SIDE = 2048


def operations(size: str) -> float:
    """Multiplications and additions in the matrix products of one week."""
    patch, layers, heads = SHAPES[size]
    tokens = WEEK_MIN // patch
    projections = 4 * 2 * tokens * WIDTH * heads * WIDTH
    attention = 2 * 2 * heads * tokens * tokens * WIDTH
    feed_forward = 2 * 2 * tokens * WIDTH * HIDDEN
    return float(layers * (projections + attention + feed_forward) + 2 * tokens * patch * WIDTH)


def measure() -> list[Figure]:
    """Weeks per second of each size with random weights, and the share of the product's speed."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from actigraphy.science.pat import Encoder
    from actigraphy.tests.test_science_pat_weights import random_tensors, write_weights

    square = np.random.default_rng(0).standard_normal((SIDE, SIDE)).astype(np.float32)
    weeks = np.random.default_rng(1).standard_normal((WEEKS, WEEK_MIN)).astype(np.float32)
    figures = []
    for size in SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            encoder = Encoder.from_file(write_weights(Path(folder) / "pat.h5", random_tensors(size)), size)
        (best, median), (product, product_mid) = seconds(
            lambda encoder=encoder: encoder.embed(weeks), lambda: square @ square, times=3
        )
        limit_s = operations(size) * WEEKS / (2 * SIDE**3 / product)
        figures.append(
            Figure(
                f"PAT-{size} embed, {operations(size) / 1e9:.2f} G operations a week",
                WEEKS / best,
                WEEKS / median,
                "weeks/s",
                best / limit_s,
                "its matrix products at the speed of numpy's",
            )
        )
    flops = 2 * SIDE**3 / 1e9
    figures.append(
        Figure(f"float32 matrix product, side {SIDE}", flops / product, flops / product_mid, "G operations/s")
    )
    return figures
