"""A trained head: a JSON file that a person can read, and an answer about one recording from it, with numpy alone."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from os import PathLike
from pathlib import Path
from typing import Any, Final

import numpy as np

from actigraphy.science.devices import DEVICES
from novamind.measures import Abstained

from .features import NAMES, Features, FeatureSet
from .training import Linear

_FORMAT: Final = "novamind head 1"
_LARGEST_FILE: Final = 2**20
_DIGITS: Final = set("0123456789abcdef")


class HeadError(Exception):
    """A head's file that is not used, and why; the text holds no path and no person."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a head says of a recording: a calibrated probability, and whether it reaches the threshold.

    ``imputed`` is how many features the recording did not tell.
    """

    probability: float
    alert: bool
    imputed: int


@dataclass(frozen=True, eq=False)
class Head:
    """A trained head.

    Attributes
    ----------
    outcome : str
        What it was trained on.
    kind : str
        One of :data:`FEATURE_SETS`.
    device : str
        Key of the DeviceProfile; no other device is answered for.
    encoder_sha256, cohort_sha256 : str
        What PAT's part was computed with; empty where it has none.
    alert_load : float
        Alerts per 100 recordings that the threshold was chosen for.
    linear : Linear
    card : dict
        What a registry's card says, as far as training knows it.
    sha256 : str
        Of the file it was read from; empty before it was written.
    """

    outcome: str
    kind: FeatureSet
    device: str
    encoder_sha256: str
    cohort_sha256: str
    alert_load: float
    linear: Linear
    card: dict[str, Any]
    sha256: str = field(default="", compare=False)

    def predict(self, features: Features) -> Answer:
        """The answer about one recording.

        Raises
        ------
        Abstained
            weights_mismatch, no_reference_cohort or unsupported_device: the features were made with another encoder,
            cohort or device than the head was trained on.
        ValueError
            Features of another kind or length.
        """
        if features.kind != self.kind or features.values.shape != (len(NAMES[self.kind]),):
            raise ValueError(f"this head reads {self.kind} features; got {features.kind} {features.values.shape}")
        if features.device != self.device:
            raise Abstained("unsupported_device", what=DEVICES[features.device].label)
        if features.encoder_sha256 != self.encoder_sha256:
            raise Abstained("weights_mismatch")
        if features.cohort_sha256 != self.cohort_sha256:
            raise Abstained("no_reference_cohort", what="the head was trained with another one")
        probability = float(self.linear.probability(features.values[np.newaxis])[0])
        return Answer(probability, probability >= self.linear.threshold, int(np.isnan(features.values).sum()))


def head_bytes(head: Head) -> bytes:
    """The head as a file: the same head gives the same bytes."""
    said = {name: getattr(head, name) for name in _TEXTS} | {"alert_load": head.alert_load}
    numbers = {
        name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in asdict(head.linear).items()
    }
    whole = {"format": _FORMAT} | said | {"features": list(NAMES[head.kind]), "linear": numbers, "card": head.card}
    return (json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


_TEXTS = ("outcome", "kind", "device", "encoder_sha256", "cohort_sha256")


def load_head(source: str | PathLike[str] | bytes, *, sha256: str | None = None) -> Head:
    """Read and check a head's file: numbers and text, nothing that runs.

    Raises
    ------
    HeadError
        It is missing, too large, not the registered one, or not a head that this program can compute features for.
    """
    content = source if isinstance(source, bytes) else _read(Path(source))
    if len(content) > _LARGEST_FILE:
        raise HeadError("larger than any head")
    found = hashlib.sha256(content).hexdigest()
    if sha256 is not None and found != sha256.strip().lower():
        raise HeadError(f"SHA-256 is {found}, registered is {sha256.strip().lower()}")
    try:
        return _parsed(json.loads(content), found)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise HeadError(f"not a head ({type(error).__name__})") from None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise HeadError(f"cannot be read: {error.strerror}") from None


def _parsed(said: dict[str, Any], sha256: str) -> Head:
    texts = {name: said[name] for name in _TEXTS}
    if said["format"] != _FORMAT:
        raise HeadError("of another format")
    if not all(isinstance(text, str) for text in texts.values()) or not isinstance(said["card"], dict):
        raise HeadError("a field is of the wrong type")
    if texts["kind"] not in NAMES or texts["device"] not in DEVICES:
        raise HeadError("for features or a device that this program does not know")
    if said["features"] != list(NAMES[texts["kind"]]):
        raise HeadError("for other features than this program computes")
    for name in ("encoder_sha256", "cohort_sha256"):
        if texts["kind"] == "circadian" and texts[name]:
            raise HeadError(f"{name} is given, but PAT has no part in it")
        if texts["kind"] != "circadian" and not (len(texts[name]) == 64 and set(texts[name]) <= _DIGITS):
            raise HeadError(f"{name} is not a checksum")
    load = _number(said["alert_load"])
    if not 0 <= load <= 100:
        raise HeadError("the alert load is not between 0 and 100")
    return Head(
        **texts, alert_load=load, linear=_linear(said["linear"], said["features"]), card=said["card"], sha256=sha256
    )


def _linear(said: dict[str, Any], names: list[str]) -> Linear:
    indicated = np.array(said["indicated"], dtype=np.int64).reshape(-1)
    places = indicated.tolist()
    if places != said["indicated"] or places != sorted(set(places)) or any(not 0 <= at < len(names) for at in places):
        raise HeadError("an indicator is of no feature")
    wide = len(names) + len(places)
    lengths = {"median": len(names), "mean": wide, "scale": wide, "coefficients": wide}
    arrays: dict[str, Any] = {name: _numbers(said[name], length, name) for name, length in lengths.items()}
    others = [each.name for each in fields(Linear) if each.name not in {*lengths, "indicated"}]
    single: dict[str, Any] = {name: _number(said[name]) for name in others}
    if not (arrays["scale"] > 0).all():
        raise HeadError("a scale is not above zero")
    if single["slope"] < 0 or not 0 <= single["threshold"] <= 1:
        raise HeadError("the calibration or the threshold is out of range")
    return Linear(indicated=indicated, **arrays, **single)


def _numbers(given: Any, length: int, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    if not isinstance(given, list) or len(given) != length:
        raise HeadError(f"{name} needs {length} numbers")
    return np.array([_number(value) for value in given])


def _number(given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not np.isfinite(given):
        raise HeadError("a number is not finite")
    return float(given)
