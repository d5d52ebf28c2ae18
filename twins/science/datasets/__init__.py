"""Days of people who allow it, gated, cut into windows, dealt into parts, and known by the hash of what they hold."""

from twins.science.datasets.dataset import (
    PARTS,
    Dataset,
    DatasetError,
    Person,
    Spec,
    build,
    dataset_bytes,
    parsed_dataset,
)
from twins.science.datasets.gates import Gates, gated

__all__ = [
    "PARTS",
    "Dataset",
    "DatasetError",
    "Gates",
    "Person",
    "Spec",
    "build",
    "dataset_bytes",
    "gated",
    "parsed_dataset",
]
