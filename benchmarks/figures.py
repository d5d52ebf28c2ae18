"""Timing, and the form of a figure."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Figure:
    """One measured number.

    Attributes
    ----------
    name : str
        What was done.
    value, median : float
        Best and median of the repetitions, in ``unit``.
    unit : str
    ratio : float or None
        Best value over that of the limit, both from this run.
    limit : str
        What the limit is; empty where there is none.
    target : str
        What the project wants; empty where it has not said.
    met : bool or None
        Whether the best repetition reaches the target.
    """

    name: str
    value: float
    median: float
    unit: str
    ratio: float | None = None
    limit: str = ""
    target: str = ""
    met: bool | None = None

    def line(self) -> str:
        """The figure as a person reads it."""
        parts = [f"{self.name:<58} {self.value:>10.4g} {self.unit:<14} median {self.median:.4g}"]
        if self.ratio is not None:
            parts.append(f"{self.ratio:.3g} x {self.limit}")
        if self.target:
            parts.append(f"target {self.target}: {'met' if self.met else 'MISSED'}")
        return "; ".join(parts)

    def as_json(self) -> dict[str, object]:
        """The figure with five digits, as it is recorded."""
        return {
            name: float(f"{value:.5g}") if isinstance(value, float) else value for name, value in asdict(self).items()
        }


def seconds(*functions: Callable[[], object], times: int = 15) -> list[tuple[float, float]]:
    """(best, median) seconds of each function.

    They take turns, so that a busy moment of the machine falls on all of them; the first round warms up and is not
    counted.
    """
    took: list[list[float]] = [[] for _ in functions]
    for turn in range(times + 1):
        for function, own in zip(functions, took, strict=True):
            begun = time.perf_counter()
            function()
            if turn:
                own.append(time.perf_counter() - begun)
    return [(min(own), statistics.median(own)) for own in took]
