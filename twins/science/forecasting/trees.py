"""Pooled gradient boosting on within-person windows; XGBoost is imported only where it is trained or asked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

import numpy as np

from .features import Norm, standardise, targets, tree_features
from .panel import Floats, Windows

#: Set before anything was fitted and not searched: a slow rate, shallow trees, leaves of many windows.
SETTINGS: Final = {
    "objective": "reg:absoluteerror",
    "eta": 0.05,
    "max_depth": 4,
    "min_child_weight": 20.0,
    "subsample": 0.7,
    "colsample_bytree": 0.5,
    "lambda": 5.0,
    "tree_method": "hist",
    "max_bin": 64,
}
ROUNDS: Final = 300
PATIENCE: Final = 25


class ModelError(Exception):
    """A model's file that is not used, and why."""


@dataclass(frozen=True, eq=False)
class PooledTrees:
    """A fitted booster, as XGBoost's own binary JSON."""

    model: bytes

    @classmethod
    def fit(
        cls, windows: Windows, validation: Windows, norm: Norm, *, seed: int, threads: int = 1, rounds: int = ROUNDS
    ) -> Self:
        """Boost until people left out gain nothing for 25 rounds.

        Parameters
        ----------
        windows, validation : Windows
            Of different people. The error is absolute, in points: a person with a wide spread counts more.
        norm : Norm
        seed, threads, rounds : int
            The same seed and threads give the same trees.
        """
        import xgboost

        parts = [_matrix(xgboost, each, norm) for each in (windows, validation)]
        booster = xgboost.train(
            SETTINGS | {"seed": seed, "nthread": threads}, parts[0], rounds, evals=[(parts[1], "left_out")],
            early_stopping_rounds=PATIENCE, verbose_eval=False,
        )  # fmt: skip
        best = booster[: booster.best_iteration + 1]
        return cls(bytes(best.save_raw("ubj")))

    def predict(self, history: Floats, norm: Norm, horizon: int) -> Floats:
        """Scores (m, horizon), neither clipped nor on the grid.

        Raises
        ------
        ModelError
            The model is not one that XGBoost reads, or was trained on other features.
        """
        import xgboost

        x = tree_features(history, norm, horizon)
        try:
            z = self._booster.inplace_predict(x, missing=np.nan)
        except xgboost.core.XGBoostError:
            raise ModelError("the trees cannot be read, or read other features") from None
        return standardise(history, norm).back(np.asarray(z, dtype=np.float64).reshape(len(history), horizon))

    @cached_property
    def _booster(self) -> Any:
        import xgboost

        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(bytearray(self.model))
        return booster


def _matrix(xgboost: Any, windows: Windows, norm: Norm) -> Any:
    z, weight = targets(windows, norm)
    horizon = windows.future.shape[1]
    came = np.isfinite(z).ravel()
    x = tree_features(windows.history, norm, horizon)[came]
    return xgboost.DMatrix(x, z.ravel()[came], weight=np.repeat(weight, horizon)[came])
