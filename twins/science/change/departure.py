"""Which of a person's daily series have left their own baseline, since when and by how much.

The last ``LATELY_DAYS`` days are held against the ``BASELINE_DAYS`` before them. Week and memory of a series are
learned from the baseline alone, or a change would be explained away as memory; what each day brings beyond them is
ranked among the days before (``sums``) and added up. Nobody else's days take part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from novamind.measures import Abstained
from twins.science.change.sums import limit_for, normal_scores, sums
from twins.science.correlation.whitening import SAME, Floats, weekly_wave

#: Whole weeks, so that every day of the week counts alike.
BASELINE_DAYS: Final = 91
LATELY_DAYS: Final = 28
WINDOW_DAYS: Final = BASELINE_DAYS + LATELY_DAYS
#: Days with a value below which a series is not watched: of the baseline, and of late.
LEAST_BASELINE: Final = 28
LEAST_LATELY: Final = 7
#: Pairs of following days from which memory is estimated; with fewer it is taken to be the most.
LEAST_PAIRS: Final = 14
MOST_MEMORY: Final = 0.95
#: A series without a value for longer than this, days, says nothing about now.
STALE_AFTER: Final = 7


@dataclass(frozen=True, slots=True)
class Departure:
    """One watched series.

    Attributes
    ----------
    rising, falling : (LATELY_DAYS,) float64
        The sums after each of the last days; at or above the limit on the last day, the series has changed.
    changed : int
        1 it has risen, -1 it has fallen, 0 neither.
    since : int or None
        Index of the first day of the change within the last days: the one after the sum was last at 0 (Page 1954).
    median, mad : float
        Of the baseline, in units of the series; ``mad`` is the median absolute deviation, not scaled.
    now, by : float or None
        Median of the days since then, and what it is less ``median``, in ``mad``; None where nothing changed, ``by``
        also where ``mad`` is 0.
    known_before, known_lately : int
        Days with a value.
    """

    rising: Floats
    falling: Floats
    changed: int
    since: int | None
    median: float
    mad: float
    now: float | None
    by: float | None
    known_before: int
    known_lately: int


@dataclass(frozen=True, slots=True)
class Watched:
    """All series of a person, in the order given; how many of them are watched, and the limit of their sums (None: none
    is)."""

    series: dict[str, Departure | Abstained]
    watched: int
    limit: float | None


def watch(series: Mapping[str, Floats], *, load: float) -> Watched:
    """Hold each series of a person against its own baseline.

    Parameters
    ----------
    series : mapping of str to (WINDOW_DAYS,) float64
        One value a local day, NaN where missing, the newest last.
    load : float
        Expected false alerts of this person in three months over all series together; an upper bound in theory.

    Returns
    -------
    Watched
        In place of a series ``too_few_days`` below ``LEAST_BASELINE`` or ``LEAST_LATELY`` days with a value, ``stale``
        where the newest is older than ``STALE_AFTER`` days, ``no_variation`` where the baseline stays the same.

    Raises
    ------
    ValueError
        A series of another length, or a load that is not above 0.
    """
    if any(one.shape != (WINDOW_DAYS,) for one in series.values()):
        raise ValueError(f"needs {WINDOW_DAYS} days of each series")
    why = {name: _unfit(one) for name, one in series.items()}
    fit = [name for name, reason in why.items() if reason is None]
    if not fit:
        return Watched({name: reason for name, reason in why.items() if reason}, 0, None)
    limit = limit_for(load, len(fit))
    return Watched({name: why[name] or _held(one, limit) for name, one in series.items()}, len(fit), limit)


def _unfit(series: Floats) -> Abstained | None:
    known = ~np.isnan(series)
    before, lately = int(known[:BASELINE_DAYS].sum()), int(known[BASELINE_DAYS:].sum())
    if before < LEAST_BASELINE:
        return Abstained("too_few_days", needed=LEAST_BASELINE, got=before)
    if not known[-STALE_AFTER:].any():
        return Abstained("stale", what=f"no value in the last {STALE_AFTER} days")
    if lately < LEAST_LATELY:
        return Abstained("too_few_days", needed=LEAST_LATELY, got=lately)
    baseline = series[:BASELINE_DAYS][known[:BASELINE_DAYS]]
    if baseline.std() <= SAME * np.abs(baseline).max():
        return Abstained("no_variation")
    return None


def _held(series: Floats, limit: float) -> Departure:
    rising, falling = sums(normal_scores(news(series))[BASELINE_DAYS:])
    baseline, lately = series[:BASELINE_DAYS], series[BASELINE_DAYS:]
    median = float(np.nanmedian(baseline))
    mad = float(np.nanmedian(np.abs(baseline - median)))
    changed = int(np.sign(rising[-1] - falling[-1])) if max(rising[-1], falling[-1]) >= limit else 0
    since = now = by = None
    if changed:
        since = _begins(rising if changed > 0 else falling)
        now = float(np.nanmedian(lately[since:]))
        by = (now - median) / mad if mad > 0 else None
    before, recent = int(np.sum(~np.isnan(baseline))), int(np.sum(~np.isnan(lately)))
    return Departure(rising, falling, changed, since, median, mad, now, by, before, recent)


def _begins(path: Floats) -> int:
    """The first day of the stretch above 0 that lasts until now."""
    at_rest = np.flatnonzero(path == 0)
    return int(at_rest[-1]) + 1 if len(at_rest) else 0


def news(series: Floats) -> Floats:
    """What each day brought that week and memory, as the baseline shows them, did not foretell.

    Parameters
    ----------
    series : (days,) float64
        More than ``BASELINE_DAYS`` days, NaN where missing.

    Returns
    -------
    (days,) float64
        One-step errors of an autoregression of one day, after a weekly wave; each over its own standard deviation
        after a gap. NaN where missing.
    """
    design = np.column_stack([np.ones(len(series)), weekly_wave(len(series))])
    known = np.flatnonzero(~np.isnan(series[:BASELINE_DAYS]))
    left = series - design @ np.linalg.lstsq(design[known], series[known], rcond=None)[0]
    return one_step_errors(left, guarded_memory(left[:BASELINE_DAYS]))


def one_step_errors(series: Floats, phi: float) -> Floats:
    """What each day differs from its forecast by the last day known before it, over that forecast's standard deviation.

    Parameters
    ----------
    series : (days,) float64
        Of mean 0, NaN where missing.
    phi : float
        The memory of a day, 0 to below 1.

    Returns
    -------
    (days,) float64
        In units of the innovations; NaN where missing.
    """
    at = np.flatnonzero(~np.isnan(series))
    errors = np.full(len(series), np.nan)
    gap = np.diff(at)
    errors[at[:1]] = series[at[:1]] * np.sqrt(1 - phi**2)
    vague = np.sqrt((1 - phi ** (2.0 * gap)) / (1 - phi**2))
    errors[at[1:]] = (series[at[1:]] - phi**gap * series[at[:-1]]) / vague
    return errors


def guarded_memory(baseline: Floats) -> float:
    """How much of a day is in the next, rather too high than too low: 0 to ``MOST_MEMORY``.

    The least squares estimate is too low by (1 + 3 phi) / n (Kendall 1954), and memory left in makes false alerts;
    taking out too much only hides small changes. Hence the bias is put back and one standard error added: of the same
    idea as Apley and Lee's (2003) limits, which widen with how unsure the model is.

    Parameters
    ----------
    baseline : (days,) float64
        Of mean 0, NaN where missing.

    References
    ----------
    Kendall MG (1954) Biometrika 41:403-404. Apley DW, Lee HC (2003) Technometrics 45:187-198.
    """
    today, tomorrow = baseline[:-1], baseline[1:]
    both = ~np.isnan(today) & ~np.isnan(tomorrow)
    n, squares = int(both.sum()), float(np.sum(today[both] ** 2))
    if n < LEAST_PAIRS or squares == 0:
        return MOST_MEMORY
    phi = float(np.sum(today[both] * tomorrow[both])) / squares
    guarded = phi + (1 + 3 * phi) / n + np.sqrt(max(1 - phi**2, 0.0) / n)
    return float(np.clip(guarded, 0.0, MOST_MEMORY))
