"""How good a patient's data of one channel are: three named measures, each with what it was computed from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from actigraphy.science import streams
from actigraphy.science.streams import Agreement
from actigraphy.streams.reading import Series
from novamind.measures import Abstained, Measure, Shown, Window

#: What is aimed at; measures that miss it are shown so and change nothing else.
MOST_OUTLIERS: Final = 0.10
LEAST_CONSISTENT: Final = 0.80
LEAST_COMPLETE: Final = 0.90

METHODS: Final = {
    "outliers": "Tukey 1977: beyond three interquartile ranges from the quartiles (of counts: of their logarithms)",
    "consistency": "pairs that agree: two sources in one minute, and neighbouring samples of one source",
    "completeness": "expected intervals with a sample, until now: from the window's first day if any of this kind was "
    "held before it, else from the first day with data",
}


@dataclass(frozen=True)
class Quality:
    """The three measures of a channel; each in per cent, or the reason why it is not given."""

    outliers: Shown
    consistency: Shown
    completeness: Shown

    @property
    def targets(self) -> dict[str, bool | None]:
        """Whether each is as it should be; ``None`` where it is not given."""
        return {
            "outliers": _met(self.outliers, lambda share: share < MOST_OUTLIERS),
            "consistency": _met(self.consistency, lambda share: share > LEAST_CONSISTENT),
            "completeness": _met(self.completeness, lambda share: share > LEAST_COMPLETE),
        }


def quality_of(series: Series, *, since: datetime) -> Quality:
    """The measures of a series, over its window; completeness from ``since`` on, when it was to be expected."""
    spec, (counted, _) = series.spec, series.counted()
    values = counted.values.astype(np.float64)
    window = Window(series.start, series.end)
    agreement = _agreement(series)
    return Quality(
        outliers=_measure("outliers", window, len(values), lambda: streams.outlier_share(values, counted=spec.counted)),
        consistency=_measure("consistency", window, agreement.pairs, lambda: agreement.share),
        completeness=_measure(
            "completeness", Window(since, series.end), len(values),
            lambda: streams.completeness(
                counted.at_s, start_s=int(since.timestamp()), end_s=int(series.end.timestamp()),
                expected_s=spec.expected_s,
            ),
        ),
    )  # fmt: skip


def _agreement(series: Series) -> Agreement:
    spec, found = series.spec, Agreement(0, 0)
    parts = [(part.samples.at_s, part.samples.values.astype(np.float64)) for part in series.parts]
    if spec.agrees is not None:
        found += streams.simultaneous(parts, agrees=spec.agrees)
    if spec.step is not None:
        for at_s, values in parts:
            found += streams.neighbouring(at_s, values, step=spec.step, expected_s=spec.expected_s)
    return found


def _measure(name: str, window: Window, n: int, compute: Callable[[], float]) -> Shown:
    try:
        return Measure(100 * compute(), "%", METHODS[name], window=window, n=n, name=name)
    except Abstained as why:
        return why


def _met(shown: Shown, holds: Callable[[float], bool]) -> bool | None:
    return holds(shown.value / 100) if isinstance(shown, Measure) else None
