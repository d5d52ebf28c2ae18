"""A trained model as one file, with its card inside: arrays and text, nothing that runs."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from twins.science.treatment.features import NAMES
from twins.science.treatment.fitting import Fitted
from twins.science.treatment.metrics import Floats
from twins.science.treatment.targets import INSTRUMENTS, TARGETS

FORMAT: Final = "novamind treatment model 1"
_LARGEST: Final = 64 * 2**20


class ModelError(Exception):
    """Not a model of treatments, or not one that these features fit."""


@dataclass(frozen=True, eq=False)
class TreatmentModel:
    """What answers for one target, of which instrument, and the card of its training."""

    fitted: Fitted
    instrument: str
    card: dict[str, Any]

    @property
    def target(self) -> str:
        """A key of :data:`twins.science.treatment.TARGETS`."""
        return self.fitted.target

    @property
    def is_simulated(self) -> bool:
        """Whether it was trained on simulated people; also where its card does not say."""
        return self.card.get("data", {}).get("simulated") is not False

    def answer(self, x: Floats) -> dict[str, float]:
        """``value`` of one course (len(NAMES),), a probability or points; of points also ``low`` and ``high``, 80 %."""
        value = float(self.fitted.predict(np.asarray(x, dtype=np.float64)[None])[0])
        if TARGETS[self.target].is_probability:
            return {"value": value}
        most = float(INSTRUMENTS[self.instrument].rsplit(" ", 1)[1])
        low, high = value - self.fitted.bend[1], value + self.fitted.bend[1]
        return {name: min(max(each, 0.0), most) for name, each in (("value", value), ("low", low), ("high", high))}


def model_bytes(model: TreatmentModel) -> bytes:
    """The model as a file."""
    said = {
        "format": FORMAT, "target": model.target, "instrument": model.instrument, "names": NAMES,
        "bend": model.fitted.bend, "card": model.card,
    }  # fmt: skip
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()
    file = io.BytesIO()
    np.savez_compressed(file, said=np.frombuffer(text, np.uint8), trees=np.frombuffer(model.fitted.trees, np.uint8))
    return file.getvalue()


def load_model(source: Path | bytes, *, sha256: str | None = None) -> TreatmentModel:
    """Read a model but for its trees (:func:`require_trees`); nothing of the file is run or unpickled.

    Raises
    ------
    ModelError
        It is none, reads other features, or is not the file of that hash.
    """
    try:
        content = source if isinstance(source, bytes) else source.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror}") from None
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise ModelError("is not the file that was registered")
    said, trees = _opened(content)
    if said.get("format") != FORMAT:
        raise ModelError("of another format")
    if tuple(said["names"]) != NAMES:
        raise ModelError("reads other features than this release computes; train it anew")
    if said["target"] not in TARGETS or said["instrument"] not in INSTRUMENTS:
        raise ModelError("tells something that is not known here")
    return TreatmentModel(
        Fitted(said["target"], trees, (float(said["bend"][0]), float(said["bend"][1]))),
        said["instrument"],
        said["card"],
    )


def _opened(content: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _LARGEST:
                raise ModelError("unpacks to more than any model")
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            said = json.loads(file["said"].tobytes())
            trees = file["trees"].tobytes()
        if not isinstance(said, dict) or not {"names", "target", "instrument", "bend", "card"} <= said.keys():
            raise ModelError("its text is not that of a model")
    except (ValueError, TypeError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(f"not a treatment model ({type(error).__name__})") from None
    return said, trees


def require_trees(model: TreatmentModel) -> None:
    """``ModelError`` where XGBoost cannot read the trees, or they read other features."""
    import xgboost

    try:
        found = model.fitted.raw(np.full((1, len(NAMES)), np.nan))
    except xgboost.core.XGBoostError:
        raise ModelError("its trees cannot be read, or read other features") from None
    if found.shape != (1,) or not np.isfinite(found).all():
        raise ModelError("its trees say no number")
