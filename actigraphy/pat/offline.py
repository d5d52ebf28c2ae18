"""PAT without a database, for the command line: by the encoder and the cohort that lie in the models folder."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from django.conf import settings

from actigraphy.minutes import Minutes
from actigraphy.pat import cohorts
from actigraphy.pat.installing import name_of, weights_files
from actigraphy.pat.weeks import weeks_of
from actigraphy.science.devices import DeviceProfile
from actigraphy.science.pat.embedding import Encoder
from actigraphy.science.pat.weights import WeightsError, WeightsFile, load_weights
from novamind.measures import Abstained


def weights_in_folder() -> WeightsFile | None:
    """The weights of ``PAT_MODEL_ID`` among the files of the folder, if they are there."""
    for path in weights_files():
        try:
            weights = load_weights(path)
        except WeightsError:
            continue
        if name_of(weights) == settings.PAT_MODEL_ID:
            return weights
    return None


def encoder_in_folder() -> Encoder:
    """Their encoder; ``Abstained`` (no_weights) when there are none."""
    weights = weights_in_folder()
    if weights is None:
        raise Abstained("no_weights")
    return made(weights)


@lru_cache(maxsize=1)
def made(weights: WeightsFile) -> Encoder:
    """On this machine's cores, for one command at a time."""
    return Encoder(weights)


def embed(minutes: Minutes, *, zone_name: str, epoch_s: int, device: DeviceProfile) -> dict[str, Any]:
    """Every week with its embedding, and what made them.

    Raises
    ------
    Abstained
        no_weights, no_reference_cohort, unsupported_device, too_few_days or indeterminate.
    """
    encoder = encoder_in_folder()
    cohort = cohorts.mounted(device)
    weeks = weeks_of(minutes, zone_name, epoch_s, cohort)
    embeddings = encoder.embed(np.array([week.minutes for week in weeks]))
    return {
        "model": f"PAT-{encoder.size}",
        "weights_sha256": encoder.weights_sha256,
        "cohort": cohort.label,
        "cohort_sha256": cohort.sha256,
        "weeks": [
            {
                "start": week.window.start.isoformat(),
                "end": week.window.end.isoformat(),
                "embedding": [float(number) for number in embedding],
            }
            for week, embedding in zip(weeks, embeddings, strict=True)
        ],
    }
