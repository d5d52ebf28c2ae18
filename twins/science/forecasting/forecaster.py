"""A fitted forecaster: what comes next for one person or many, how sure, and a file that holds it."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from .baselines import exponential_smoothing, own_mean, own_median
from .conformal import LEVELS, Conformal, adaptive
from .features import Norm, standardise
from .panel import HORIZON, LOOKBACK, Floats, Panel, Scale, cut
from .reliability import LEAST_POINTS, Reliability, reliability
from .transformer import PRESETS, Preset, TransformerWeights
from .trees import ModelError, PooledTrees

_FORMAT: Final = "novamind forecaster 1"
_LARGEST_FILE: Final = 2**29

Method = Callable[[Floats, int], Floats]
BASELINES: Final[MappingProxyType[str, Method]] = MappingProxyType(
    {"own-mean": own_mean, "own-median": own_median, "exponential-smoothing": exponential_smoothing}
)
TRAINED: Final = ("xgboost", "transformer", "ensemble")
MODELS: Final = (*BASELINES, *TRAINED)


@dataclass(frozen=True, eq=False)
class Member:
    """Trees and a transformer that were trained on the same people."""

    trees: PooledTrees
    transformer: TransformerWeights


@dataclass(frozen=True, eq=False)
class Forecast:
    """What comes next for one person.

    Attributes
    ----------
    model : str
        One of :data:`MODELS`.
    points : ndarray of float64, shape (14,)
        Within the instrument's range and on its grid.
    intervals : dict
        By level (``80``, ``95``) both ends, each (14,), likewise; an end never inside of the forecast.
    miss : dict
        By level the share of misses that the adaptive interval tolerates now; 0.2 and 0.05 before it has learned.
    reliability : str
    points_known : int
        Reported days within the lookback.
    """

    model: str
    points: Floats
    intervals: dict[str, tuple[Floats, Floats]]
    miss: dict[str, float]
    reliability: Reliability
    points_known: int


@dataclass(frozen=True, eq=False)
class Forecaster:
    """Everything that was fitted.

    Attributes
    ----------
    norm : Norm
        Scale of the instrument, usual spread within people.
    weight : float
        The transformer's share in the ensemble; the trees have the rest.
    members : tuple of Member
        Their mean is the forecast.
    conformal : dict
        Intervals of each model, the baselines included.
    card : dict
        What training knows of itself.
    sha256 : str
        Of the file it was read from; empty before.
    """

    norm: Norm
    weight: float
    members: tuple[Member, ...]
    conformal: dict[str, Conformal]
    card: dict[str, Any] = field(default_factory=dict)
    sha256: str = ""

    def points(self, history: Floats) -> dict[str, Floats]:
        """Forecasts of every model, each (m, 14), clipped and on the grid; histories (m, d), one point at least."""
        raw = {name: method(history, HORIZON) for name, method in BASELINES.items()} | self._trained(history)
        return {name: self.norm.scale.nearest(values) for name, values in raw.items()}

    def _trained(self, history: Floats) -> dict[str, Floats]:
        trees = np.mean([m.trees.predict(history, self.norm, HORIZON) for m in self.members], axis=0)
        transformer = np.mean([m.transformer.predict(history, self.norm, HORIZON) for m in self.members], axis=0)
        ensemble = self.weight * transformer + (1 - self.weight) * trees
        return {"xgboost": trees, "transformer": transformer, "ensemble": ensemble}

    def forecast(self, series: Floats, *, model: str = "ensemble") -> Forecast:
        """The coming 14 days of one person.

        The interval is adapted by replaying the forecasts that this model would have made on the days before, each
        from what was known on its day.

        Parameters
        ----------
        series : ndarray of float64, shape (days,)
            Scores by day, today last; NaN where nothing was reported. Only the last 182 days are read.
        model : str
            One of :data:`MODELS`.

        Raises
        ------
        Abstained
            too_few_days: fewer than seven scores.
        """
        series = series[-LOOKBACK:]
        known = int(np.isfinite(series).sum())
        word = reliability(known)
        past = cut(Panel(("",), series[None]), least_points=LEAST_POINTS)
        past = past.where(past.origin < len(series) - 1)
        now = np.full((1, past.history.shape[1]), np.nan)
        now[0, -len(series) :] = series
        history = np.vstack((past.history, now))
        points = self._points_of(model, history)
        future = np.vstack((past.future, np.full((1, HORIZON), np.nan)))
        origin = np.append(past.origin, len(series) - 1)
        spread = standardise(history, self.norm).spread
        intervals, miss = {}, {}
        for name, coverage in LEVELS.items():
            path = adaptive(
                self.conformal[model], origin=origin, points=points, spread=spread, future=future, coverage=coverage
            )
            low, high = self.ends(points[-1:], path.low[-1:], path.high[-1:])
            intervals[name], miss[name] = (low[0], high[0]), float(path.miss[-1])
        return Forecast(model, points[-1], intervals, miss, word, known)

    def _points_of(self, model: str, history: Floats) -> Floats:
        """Of the one that is asked for; smoothing alone, which nobody serves, would take a seventh of the time."""
        raw = BASELINES[model](history, HORIZON) if model in BASELINES else self._trained(history)[model]
        return self.norm.scale.nearest(raw)

    def ends(self, points: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats]:
        """Ends of intervals on the grid, rounded outwards, within the range, around the forecast."""
        scale = self.norm.scale
        return np.minimum(scale.below(low), points), np.maximum(scale.above(high), points)


def forecaster_bytes(forecaster: Forecaster) -> bytes:
    """The forecaster as a file: numbers and text; the same forecaster gives the same bytes."""
    preset = forecaster.members[0].transformer.preset
    said = {
        "format": _FORMAT,
        "scale": asdict(forecaster.norm.scale),
        "spread": forecaster.norm.spread,
        "weight": forecaster.weight,
        "preset": asdict(preset),
        "members": len(forecaster.members),
        "card": forecaster.card,
    }
    arrays: dict[str, Any] = {"said": _text(json.dumps(said, ensure_ascii=False, allow_nan=False).encode())}
    for at, member in enumerate(forecaster.members):
        arrays[f"{at}/trees"] = _text(member.trees.model)
        arrays |= {f"{at}/transformer/{name}": value for name, value in member.transformer.tensors.items()}
    for name, each in forecaster.conformal.items():
        arrays |= {f"conformal/{name}/lower": each.lower, f"conformal/{name}/upper": each.upper}
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def _text(content: bytes) -> Any:
    return np.frombuffer(content, np.uint8)


def load_forecaster(source: str | PathLike[str] | bytes, *, sha256: str | None = None) -> Forecaster:
    """Read and check a forecaster's file: nothing in it runs.

    Raises
    ------
    ModelError
        It is missing, too large, not the registered one, or not a forecaster that this program can ask.
    """
    content = source if isinstance(source, bytes) else _read(Path(source))
    found = hashlib.sha256(content).hexdigest()
    if sha256 is not None and found != sha256.strip().lower():
        raise ModelError(f"SHA-256 is {found}, registered is {sha256.strip().lower()}")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            forecaster = _parsed({name: arrays[name] for name in arrays.files}, found)
    except (ValueError, TypeError, KeyError, OSError, EOFError, zipfile.BadZipFile, RecursionError) as error:
        raise ModelError(f"not a forecaster ({type(error).__name__})") from None
    # Trees of other features, or damaged ones, are found now and not in the night's run.
    forecaster.points(np.full((1, LEAST_POINTS), forecaster.norm.scale.low))
    return forecaster


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ModelError("larger than any forecaster")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror}") from None


def _parsed(arrays: dict[str, Any], sha256: str) -> Forecaster:
    said = json.loads(arrays["said"].tobytes())
    if said["format"] != _FORMAT:
        raise ModelError("of another format")
    preset = Preset(**said["preset"])
    if preset.name in PRESETS and preset.shapes() != PRESETS[preset.name].shapes():
        raise ModelError("its transformer has another size than its name says")
    weight, spread = float(said["weight"]), float(said["spread"])
    if not 0 <= weight <= 1 or not (np.isfinite(spread) and spread > 0):
        raise ModelError("its weight or its spread is out of range")
    members = tuple(
        Member(
            PooledTrees(arrays[f"{at}/trees"].tobytes()),
            TransformerWeights(
                preset,
                {
                    name.removeprefix(f"{at}/transformer/"): value
                    for name, value in arrays.items()
                    if name.startswith(f"{at}/transformer/")
                },
            ),
        )
        for at in range(int(said["members"]))
    )
    if not members:
        raise ModelError("it has no member")
    conformal = {name: _conformal(arrays, name) for name in MODELS}
    return Forecaster(Norm(Scale(**said["scale"]), spread), weight, members, conformal, said["card"], sha256)


def _conformal(arrays: dict[str, Any], name: str) -> Conformal:
    lower, upper = arrays[f"conformal/{name}/lower"], arrays[f"conformal/{name}/upper"]
    if lower.shape != (HORIZON, 201) or upper.shape != lower.shape or np.isnan(lower).any() or np.isnan(upper).any():
        raise ModelError("its intervals have another form")
    return Conformal(lower, upper)
