"""Fitting everything a forecast needs, on the people it is given and nobody else.

Models, the ensemble's weight and the intervals are all part of what is fitted, so that whoever holds people out holds
them out of all of it. The people are dealt into groups; each group in turn is left out of a member (trees and
transformer) that trains on the others. Its errors on the people left out end its training, choose the ensemble's weight
and calibrate the intervals; the forecast is the mean of the members.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np

from .baselines import exponential_smoothing, own_mean, own_median
from .conformal import Conformal
from .features import Norm, standardise
from .forecaster import BASELINES, Forecaster, Member
from .panel import HORIZON, Bools, Floats, Ints, Panel, PanelError, Scale, Windows, cut
from .reliability import LEAST_POINTS
from .transformer import Preset, TransformerWeights
from .trees import PooledTrees

if TYPE_CHECKING:
    from .keras_transformer import Trainer

#: The transformer's share in the ensemble until validation has spoken, and the shares it may choose.
START_WEIGHT: Final = 0.7
WEIGHTS: Final = np.linspace(0.0, 1.0, 11)
#: Windows of neighbouring days are nearly the same, so each third is trained on.
EVERY: Final = 3
FEWEST_PEOPLE: Final = 6


def fit(
    panel: Panel,
    *,
    preset: Preset,
    seed: int,
    scale: Scale | None = None,
    groups: int = 3,
    members: int | None = None,
    threads: int = 1,
    trainer: Trainer | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Forecaster:
    """Fit trees, transformer, ensemble and intervals.

    Parameters
    ----------
    panel : Panel
    preset : Preset
        Of the transformer.
    seed : int
        The same seed, threads and machine give the same forecaster.
    scale : Scale, optional
        Of the instrument; without it as seen in the panel.
    groups, members : int
        Groups the people are dealt into, and how many of them are left out in turn; all by default. With many people
        one member of five groups does, and is a smaller file.
    threads : int
        Of XGBoost.
    trainer : Trainer, optional
        A compiled one of the same preset, to train many forecasters in one process.
    progress : callable
        Told (done, total) members.

    Raises
    ------
    PanelError
        Fewer than six people, or series too short to train and calibrate on.
    """
    if len(panel) < FEWEST_PEOPLE:
        raise PanelError(f"{len(panel)} people with a series; {FEWEST_PEOPLE} are needed")
    scale = scale or Scale.seen(panel.scores)
    norm = Norm.of(panel.scores, scale)
    windows = cut(panel, least_points=LEAST_POINTS, every=EVERY)
    group = deal(len(panel), groups, seed)[windows.person]
    members = members or groups
    if any(not np.isfinite(windows.future[group == at]).any(axis=0).all() for at in range(groups)):
        raise PanelError(f"the series are too short: every group needs somebody with {LEAST_POINTS + HORIZON} days")
    trainer = trainer or new_trainer(preset)
    fitted = []
    for at in range(members):
        left_out = group == at
        fitted.append(_member(windows, left_out, norm, seed=seed * 1000 + at, threads=threads, trainer=trainer))
        progress(at + 1, members)
    judged = np.flatnonzero(group < members)
    return _calibrated(windows.where(judged), group[judged], fitted, norm)


def deal(people: int, groups: int, seed: int) -> Ints:
    """A group for each person, of sizes that differ by one at most."""
    return np.random.default_rng([seed, 7]).permutation(np.arange(people) % groups)


def new_trainer(preset: Preset) -> Trainer:
    """A compiled trainer; TensorFlow is imported here and nowhere before."""
    from .keras_transformer import Trainer

    return Trainer(preset, HORIZON)


def _member(windows: Windows, left_out: Bools, norm: Norm, *, seed: int, threads: int, trainer: Trainer) -> Member:
    trained, judging = windows.where(~left_out), windows.where(left_out)
    trees = PooledTrees.fit(trained, judging, norm, seed=seed, threads=threads)
    transformer: TransformerWeights = trainer.fit(trained, judging, norm, seed=seed)
    return Member(trees, transformer)


def _calibrated(windows: Windows, group: Ints, members: list[Member], norm: Norm) -> Forecaster:
    """The weight and the intervals, from forecasts of people that the forecasting member never saw."""
    known: dict[str, Floats] = {
        "own-mean": own_mean(windows.history, HORIZON),
        "own-median": own_median(windows.history, HORIZON),
        "exponential-smoothing": exponential_smoothing(windows.history, HORIZON),
    }
    assert set(known) == set(BASELINES)  # noqa: S101
    trees, transformer = np.empty_like(windows.future), np.empty_like(windows.future)
    for at, member in enumerate(members):
        rows = group == at
        trees[rows] = member.trees.predict(windows.history[rows], norm, HORIZON)
        transformer[rows] = member.transformer.predict(windows.history[rows], norm, HORIZON)
    weight = best_weight(trees, transformer, windows.future)
    known |= {"xgboost": trees, "transformer": transformer, "ensemble": weight * transformer + (1 - weight) * trees}
    spread = standardise(windows.history, norm).spread[:, None]
    conformal = {
        name: Conformal.of((windows.future - norm.scale.nearest(points)) / spread) for name, points in known.items()
    }
    return Forecaster(norm, weight, tuple(members), conformal)


def best_weight(trees: Floats, transformer: Floats, future: Floats) -> float:
    """The transformer's share with the least absolute error; of equally good ones the one next to 0.7."""
    errors = np.array([np.nanmean(np.abs(future - w * transformer - (1 - w) * trees)) for w in WEIGHTS])
    best = np.flatnonzero(errors <= errors.min() + 1e-9)
    return float(WEIGHTS[best[np.abs(WEIGHTS[best] - START_WEIGHT).argmin()]])
