"""Where the encoder runs: in this process, or behind Amazon Bedrock. Settings choose; callers see one Protocol."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from actigraphy.pat.errors import InvalidConfiguration
from actigraphy.science.pat.architecture import SIZES
from actigraphy.science.pat.embedding import Encoder
from actigraphy.science.pat.engines import ENGINES, has_gpu
from novamind.registry.models import ModelVersion

Floats = NDArray[np.float32]


class Pat(Protocol):
    """Turns weeks into embeddings."""

    def embed(self, weeks: Floats) -> Floats:
        """Normalised weeks (b, 10080), NaN where missing, to (b, 96).

        Raises
        ------
        ValueError
            The weeks are none: shape, type, infinite values (InvalidRequest from afar).
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
    if settings.PAT_MODEL_PROVIDER == "bedrock":
        from actigraphy.pat.bedrock import BedrockPat

        return BedrockPat(version.weights_sha256)
    return encoder_of(settings.PAT_WEIGHTS_DIR / version.weights_file, version.weights_sha256)


def require_configured() -> None:
    """Refuse to start with a provider that does not exist or that lacks something.

    Raises
    ------
    InvalidConfiguration
    """
    if settings.PAT_MODEL_PROVIDER == "bedrock":
        from actigraphy.pat.bedrock import configuration

        configuration()
    elif settings.PAT_MODEL_PROVIDER != "local":
        raise InvalidConfiguration(f"PAT_MODEL_PROVIDER is local or bedrock, not {settings.PAT_MODEL_PROVIDER[:40]!r}")
    if settings.PAT_ENGINE not in {"", *ENGINES}:
        raise InvalidConfiguration(f"PAT_ENGINE is {' or '.join(ENGINES)}, not {settings.PAT_ENGINE[:40]!r}")
    size = next((size for size in SIZES.values() if f"PAT-{size.name}" == settings.PAT_MODEL_ID), None)
    if size is not None and size.tokens > settings.PAT_MAX_SEQUENCE_LENGTH:
        most = f"PAT_MAX_SEQUENCE_LENGTH is {settings.PAT_MAX_SEQUENCE_LENGTH:,}"
        raise InvalidConfiguration(f"{settings.PAT_MODEL_ID} reads {size.tokens:,} patches of a week, and {most}")


@lru_cache(maxsize=2)
def encoder_of(path: Path, sha256: str) -> Encoder:
    """A loaded encoder. Two are kept: one that serves, and one in shadow beside it."""
    engine = settings.PAT_ENGINE or ("tensorflow" if has_gpu() else "onnx")
    options = {"batch": settings.PAT_BATCH_SIZE} if engine == "tensorflow" else {"threads": settings.PAT_THREADS}
    return Encoder.from_file(path, sha256=sha256, engine=engine, **options)
