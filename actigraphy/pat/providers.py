"""Where the encoder runs: in this process, or behind Amazon Bedrock. Settings choose; callers see one Protocol."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from actigraphy.science.pat.embedding import Encoder
from actigraphy.science.pat.engines import has_gpu
from novamind.registry.models import ModelVersion

Floats = NDArray[np.float32]


class ServiceUnavailable(Exception):
    """The model cannot be reached now; another attempt may succeed."""


class InvalidConfiguration(Exception):
    """The settings of a provider do not say what it needs; said at start."""


class Pat(Protocol):
    """Turns weeks into embeddings."""

    def embed(self, weeks: Floats) -> Floats:
        """Normalised weeks (b, 10080), NaN where missing, to (b, 96).

        Raises
        ------
        ValueError
            The weeks are none: shape, type, infinite values.
        ServiceUnavailable
            It cannot be reached.
        """


def pat_for(version: ModelVersion) -> Pat:
    """The provider of the settings, with this version's weights; made once per process and kept.

    Raises
    ------
    WeightsError
        The file is missing, damaged, or not the registered one.
    """
    return encoder_of(settings.PAT_WEIGHTS_DIR / version.weights_file, version.weights_sha256)


@lru_cache(maxsize=2)
def encoder_of(path: Path, sha256: str) -> Encoder:
    """A loaded encoder. Two are kept: one that serves, and one in shadow beside it."""
    engine = settings.PAT_ENGINE or ("tensorflow" if has_gpu() else "onnx")
    options = {"batch": settings.PAT_BATCH_SIZE} if engine == "tensorflow" else {"threads": settings.PAT_THREADS}
    return Encoder.from_file(path, sha256=sha256, engine=engine, **options)
