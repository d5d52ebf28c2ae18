"""How well each model forecasts people it never saw: every day of everybody, as it would have been served."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .conformal import LEVELS, adaptive
from .features import standardise
from .fitting import FEWEST_PEOPLE, deal, fit, new_trainer
from .forecaster import MODELS, Forecaster
from .metrics import figures, mae_interval, mase_scale
from .panel import Floats, Panel, PanelError, Scale, Windows, cut
from .reliability import FROM_POINTS, LEAST_POINTS
from .transformer import Preset

if TYPE_CHECKING:
    from .keras_transformer import Trainer


@dataclass(frozen=True, eq=False)
class Judged:
    """What every model said on every day of people it never saw.

    Attributes
    ----------
    windows : Windows
        m of them; ``person`` is a row of the whole panel.
    points : dict
        By model (m, 14).
    intervals : dict
        By model and level both ends, each (m, 14).
    weights : list of float
        The ensemble's weight in each fold.
    """

    windows: Windows
    points: dict[str, Floats]
    intervals: dict[str, dict[str, tuple[Floats, Floats]]]
    weights: list[float]

    def table(self, *, seed: int = 0) -> dict[str, Any]:
        """``models``: figures of each over every forecast that would be served; the same ``by_reliability``."""
        known = np.isfinite(self.windows.history).sum(axis=1)
        bands, most = {}, np.inf
        for word, least in FROM_POINTS.items():
            rows = np.flatnonzero((known >= least) & (known < most))
            bands[word] = self._figures(rows, seed) if len(rows) else {}
            most = least
        return {"models": self._figures(np.arange(len(known)), seed), "by_reliability": bands}

    def _figures(self, rows: np.ndarray[Any, np.dtype[np.int64]], seed: int) -> dict[str, Any]:
        windows = self.windows.where(rows)
        scale = mase_scale(windows.history)
        usual = np.abs(windows.future - self.points["own-mean"][rows])
        found = {}
        for name, points in self.points.items():
            intervals = {level: (low[rows], high[rows]) for level, (low, high) in self.intervals[name].items()}
            found[name] = figures(
                person=windows.person, future=windows.future, points=points[rows], intervals=intervals, scale=scale,
                seed=seed,
            )  # fmt: skip
            gain = usual - np.abs(windows.future - points[rows])
            found[name]["own_mean_minus_model"] = float(np.nanmean(gain))
            found[name]["own_mean_minus_model_interval"] = mae_interval(windows.person, gain, seed=seed)
        return found


def evaluate(
    panel: Panel,
    *,
    preset: Preset,
    folds: int = 5,
    seed: int = 0,
    scale: Scale | None = None,
    threads: int = 1,
    trainer: Trainer | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Judged:
    """Each person judged by a forecaster that was fitted on the people of the other folds.

    Parameters
    ----------
    panel : Panel
    preset : Preset
    folds : int
        Groups of people, at least 2.
    seed : int
        Of the deal of people, the models and the draws.
    scale : Scale, optional
        Of the instrument; without it as seen in the people each forecaster was fitted on.
    threads, trainer
        As in :func:`~.fitting.fit`.
    progress : callable
        Told (done, total) folds.

    Raises
    ------
    PanelError
        Too few people or too short series.
    """
    if folds < 2 or len(panel) - -(-len(panel) // folds) < FEWEST_PEOPLE:
        raise PanelError(f"{len(panel)} people are too few for {folds} folds; {FEWEST_PEOPLE} must remain to train on")
    trainer, fold = trainer or new_trainer(preset), deal(len(panel), folds, seed)
    parts, weights = [], []
    for at in range(folds):
        held_out = np.flatnonzero(fold == at)
        fitted = fit(
            panel.of(np.flatnonzero(fold != at)), preset=preset, seed=seed * folds + at, scale=scale, threads=threads,
            trainer=trainer,
        )  # fmt: skip
        found = judge(fitted, panel.of(held_out))
        parts.append(_renamed(found, held_out))
        weights.append(fitted.weight)
        progress(at + 1, folds)
    return _together(parts, weights)


def judge(forecaster: Forecaster, panel: Panel) -> Judged:
    """A fitted forecaster on people it has not seen.

    Raises
    ------
    PanelError
        Nobody has seven scores and one after them.
    """
    windows = cut(panel, least_points=LEAST_POINTS)
    if not len(windows):
        raise PanelError(f"nobody has {LEAST_POINTS} scores and one after them")
    points = forecaster.points(windows.history)
    spread = standardise(windows.history, forecaster.norm).spread
    intervals = {
        name: {
            level: _adaptive(forecaster, name, windows, points[name], spread, coverage)
            for level, coverage in LEVELS.items()
        }
        for name in MODELS
    }
    return Judged(windows, points, intervals, [forecaster.weight])


def _adaptive(
    forecaster: Forecaster, model: str, windows: Windows, points: Floats, spread: Floats, coverage: float
) -> tuple[Floats, Floats]:
    low, high = np.empty_like(points), np.empty_like(points)
    for person in np.unique(windows.person):
        rows = np.flatnonzero(windows.person == person)
        path = adaptive(
            forecaster.conformal[model], origin=windows.origin[rows], points=points[rows], spread=spread[rows],
            future=windows.future[rows], coverage=coverage,
        )  # fmt: skip
        low[rows], high[rows] = path.low, path.high
    return forecaster.ends(points, low, high)


def _renamed(found: Judged, people: np.ndarray[Any, np.dtype[np.int64]]) -> Judged:
    windows = found.windows
    back = Windows(people[windows.person], windows.origin, windows.history, windows.future)
    return Judged(back, found.points, found.intervals, found.weights)


def _together(parts: list[Judged], weights: list[float]) -> Judged:
    windows = Windows(*(
        np.concatenate([getattr(part.windows, name) for part in parts])
        for name in ("person", "origin", "history", "future")
    ))  # fmt: skip
    points = {name: np.concatenate([part.points[name] for part in parts]) for name in MODELS}
    intervals = {
        name: {
            level: (
                np.concatenate([part.intervals[name][level][0] for part in parts]),
                np.concatenate([part.intervals[name][level][1] for part in parts]),
            )
            for level in LEVELS
        }
        for name in MODELS
    }
    return Judged(windows, points, intervals, weights)
