"""Does a biometric move with a symptom, and how many days before it? A test that keeps its rate of false discoveries.

Detrend and prewhiten both (``whitening``), correlate at each lag, take the largest, pay for the choice among lags
(Sidak) and for the choice among biometrics (Benjamini & Hochberg 1995). What it finds and invents is measured by
``python -m benchmarks correlation``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np
from scipy import stats

from novamind.measures import Abstained
from twins.science.correlation.whitening import Floats, Whitened, whiten
from twins.science.pairs import FIRM_PAIRS, LEAST_PAIRS

#: A lag is not looked at where fewer degrees of freedom than this are left: half of what thirty pairs give.
LEAST_FREEDOM: Final = 13
#: The longest lag asked for by default, days.
MOST_LAG: Final = 3
#: The share of false discoveries that is accepted.
FALSE_DISCOVERIES: Final = 0.05
#: Of an interval, over all the lags that were tried.
CONFIDENCE: Final = 0.95
#: Wear is only compared between days that have it and days that lack it where there are this many of both.
LEAST_MISSING: Final = 5


K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Lagged:
    """How one biometric goes with one symptom.

    Attributes
    ----------
    lag : int
        Days by which the biometric comes first, 0 to the longest asked for: the lag of the strongest evidence.
    r : float
        Correlation, at that lag, of what is left of both after trend, week and memory.
    low, high : float
        Interval of r that holds for all the lags tried at once (95 %), so also for the one that was picked.
    n : int
        Pairs of days at that lag.
    p : float
        Of a correlation this strong at any of the lags, were there no association.
    q : float
        The smallest share of false discoveries, over all that were judged together, at which this one is found.
    by_lag : (lags,) float64
        The correlation at each lag; NaN where too few pairs stand behind it.
    raw : float
        Plain correlation at that lag, with trend and memory left in: what a naive chart would show.
    """

    lag: int
    r: float
    low: float
    high: float
    n: int
    p: float
    q: float
    by_lag: Floats
    raw: float

    @property
    def is_found(self) -> bool:
        """Whether it stands at the accepted share of false discoveries."""
        return self.q <= FALSE_DISCOVERIES

    @property
    def is_exploratory(self) -> bool:
        """Whether too few pairs stand behind it to be firm."""
        return self.n < FIRM_PAIRS


def correlate(
    biometrics: Mapping[str, Floats], symptom: Floats, *, most_lag: int = MOST_LAG, steps: Floats | None = None
) -> dict[str, Lagged | Abstained]:
    """Test each biometric against the symptom.

    Parameters
    ----------
    biometrics : mapping of str to (days,) float64
        One value a local day each, NaN where missing.
    symptom : (days,) float64
        The symptom on the same days, as said of that day: no questionnaire that looks back over weeks.
    most_lag : int
        Longest lag, days. Both series are daily, so no lag is finer than a day.
    steps : (days, k) float64, optional
        Starts of medication and the like, taken out of both series.

    Returns
    -------
    dict of str to Lagged or Abstained
        In the order given. ``too_few_pairs`` below ``LEAST_PAIRS`` pairs of days, ``no_variation`` where a series
        stays the same.
    """
    target = whiten(symptom, steps)
    tested = {name: _tested(series, symptom, target, most_lag, steps) for name, series in biometrics.items()}
    return judged_together(tested)


def judged_together(tested: Mapping[K, Lagged | Abstained]) -> dict[K, Lagged | Abstained]:
    """The same with ``q`` over all of them: whoever shows several symptoms together judges them together."""
    found = {name: result for name, result in tested.items() if isinstance(result, Lagged)}
    rates = false_discovery_rates(np.array([result.p for result in found.values()]))
    return {**tested, **{name: replace(found[name], q=float(q)) for name, q in zip(found, rates, strict=True)}}


def false_discovery_rates(p: Floats) -> Floats:
    """Benjamini and Hochberg's adjusted p-values, in the order given."""
    falling = np.argsort(p)[::-1]
    scaled = p[falling] * len(p) / np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[falling] = np.minimum.accumulate(np.minimum(scaled, 1.0))
    return adjusted


def missing_with(biometric: Floats, symptom: Floats) -> float | None:
    """Whether a biometric is missing more on days of a stronger symptom, which biases what is left.

    Returns
    -------
    float or None
        Mean of the symptom on days without the biometric less that on days with it, in units of the symptom, where
        the difference in what each day brought of the symptom is beyond chance (p < 0.05); else None, which is no proof
        of the contrary.
    """
    whitened = whiten(symptom)
    missing, said = np.isnan(biometric), ~np.isnan(symptom)
    without, with_it = missing & said, ~missing & said
    if whitened is None or min(without.sum(), with_it.sum()) < LEAST_MISSING:
        return None
    if stats.ttest_ind(whitened.values[without], whitened.values[with_it], equal_var=False).pvalue >= 0.05:
        return None
    return float(symptom[without].mean() - symptom[with_it].mean())


def _tested(
    series: Floats, symptom: Floats, target: Whitened | None, most_lag: int, steps: Floats | None
) -> Lagged | Abstained:
    pairs = int(np.sum(~np.isnan(series) & ~np.isnan(symptom)))
    if pairs < LEAST_PAIRS:
        return Abstained("too_few_pairs", needed=LEAST_PAIRS, got=pairs)
    source = whiten(series, steps)
    if source is None or target is None:
        return Abstained("no_variation")
    lags = [pearson(source.values, target.values, lag) for lag in range(most_lag + 1)]
    freedom = np.array([n - 2 - max(source.spent, target.spent) for _, n in lags])
    by_lag = np.where(freedom >= LEAST_FREEDOM, [r for r, _ in lags], np.nan)
    tried = int(np.sum(~np.isnan(by_lag)))
    if not tried:
        return Abstained("too_few_pairs", needed=LEAST_PAIRS, got=max(n for _, n in lags))
    ps = _two_sided(by_lag, freedom)
    lag = int(np.nanargmin(ps))
    r, low, high = float(by_lag[lag]), *_interval(by_lag[lag], int(freedom[lag]), tried)
    p = float(-np.expm1(tried * np.log1p(-ps[lag])))
    return Lagged(lag, r, low, high, lags[lag][1], p, 1.0, by_lag, pearson(series, symptom, lag)[0])


def pearson(before: Floats, after: Floats, lag: int) -> tuple[float, int]:
    """Correlation of ``before`` with ``after`` that many days later, NaN where one does not vary; and the pairs."""
    x, y = before[: len(before) - lag], after[lag:]
    both = ~np.isnan(x) & ~np.isnan(y)
    n = int(both.sum())
    if n < 3:
        return float("nan"), n
    x, y = x[both] - x[both].mean(), y[both] - y[both].mean()
    spread = float(np.sqrt(np.sum(x * x) * np.sum(y * y)))
    return (float(np.sum(x * y) / spread) if spread > 0 else float("nan")), n


def _two_sided(r: Floats, freedom: Floats) -> Floats:
    """Of Student's t; NaN where r is."""
    t = np.abs(r) * np.sqrt(np.maximum(freedom, 1) / np.maximum(1.0 - r**2, 1e-12))
    return np.asarray(2.0 * stats.t.sf(t, np.maximum(freedom, 1)))


def _interval(r: float, freedom: int, lags: int) -> tuple[float, float]:
    """Fisher's, widened so that it holds for all the lags at once."""
    outside = 1.0 - CONFIDENCE ** (1.0 / lags)
    half = float(stats.norm.isf(outside / 2.0)) / np.sqrt(freedom - 1)
    centre = float(np.arctanh(np.clip(r, -0.999999, 0.999999)))
    return float(np.tanh(centre - half)), float(np.tanh(centre + half))
