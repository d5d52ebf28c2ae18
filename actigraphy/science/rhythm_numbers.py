"""Every number of the rhythm of one recording, computed or abstained; all of one mind about how many days are valid.

Beside those of :mod:`actigraphy.science.rhythm`: ``up_mesor_h``, ``down_mesor_h``, ``pseudo_f`` (extended cosinor),
``period_chi2_h``, ``period_ls_h``, ``dfa_alpha``, ``dfa_short``, ``dfa_long``, ``rest_to_active``, ``active_to_rest``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actigraphy.science import rhythm as r
from actigraphy.science.extended_cosinor import extended_cosinor
from actigraphy.science.fragmentation import Fluctuation, fluctuation_analysis, transition_probabilities, unbroken
from actigraphy.science.nights import Number
from actigraphy.science.period import chi_square_period, lomb_scargle_period, ten_minute_means
from actigraphy.science.thresholds import FLUCTUATION_UNBROKEN_DAYS, PERIOD_VALID_DAYS
from novamind.clock import DAY_S, LocalTimes
from novamind.measures import Abstained

Floats = NDArray[np.float64]
Window = r.ActivityWindow | Abstained

_MINUTE_S = 60


def rhythm_numbers(
    counted: Floats,
    times: LocalTimes,
    *,
    epoch_s: int,
    profile: Floats,
    valid: int,
    min_days: int,
    active_from: float,
) -> tuple[dict[str, Number], Window, Window]:
    """The numbers by name, L5 and M10.

    Parameters
    ----------
    counted : ndarray, shape (n,)
        Counts of the days that count, NaN elsewhere.
    times : LocalTimes
    epoch_s : int
    profile : ndarray
        The mean day of ``counted``.
    valid, min_days : int
        Valid days, and how many are needed; 0 switches every threshold of days off.
    active_from : float
        The least count per minute that is activity.
    """

    def checked(compute: Callable[[], Any], needed: int = min_days) -> Any:
        def run() -> Any:
            r.require_days(valid, needed)
            return compute()

        return or_abstained(run)

    hourly, hour = r.hourly_means(counted, times, epoch_s=epoch_s)
    l5, m10 = checked(lambda: r.l5(profile)), checked(lambda: r.m10(profile))
    fit = checked(lambda: r.cosinor(counted, times, epoch_s=epoch_s, min_days=0))
    square = checked(lambda: extended_cosinor(counted, times, epoch_s=epoch_s))
    scaling = checked(lambda: _fluctuation(counted, epoch_s, FLUCTUATION_UNBROKEN_DAYS if min_days else 1.0))
    passing = checked(lambda: _transitions(counted, epoch_s, active_from))
    means = or_abstained(lambda: ten_minute_means(counted, epoch_s=epoch_s))
    for_period = PERIOD_VALID_DAYS if min_days else 0
    return (
        {
            "IS": checked(lambda: r.interdaily_stability(hourly, hour, min_days=0)),
            "IV": checked(lambda: r.intradaily_variability(hourly, hour, min_days=0)),
            "RA": l5 if isinstance(l5, Abstained) else checked(lambda: r.relative_amplitude(l5.level, m10.level)),
            "L5": _part(l5, "level"),
            "M10": _part(m10, "level"),
            "L5_onset_h": _part(l5, "onset_h"),
            "M10_onset_h": _part(m10, "onset_h"),
            "mesor": _part(fit, "mesor"),
            "amplitude": _part(fit, "amplitude"),
            "acrophase_h": _part(fit, "acrophase_h"),
            "cosinor_r2": _part(fit, "r2"),
            "up_mesor_h": _part(square, "up_mesor_h"),
            "down_mesor_h": _part(square, "down_mesor_h"),
            "pseudo_f": _part(square, "pseudo_f"),
            "period_chi2_h": checked(lambda: chi_square_period(_given(means))[0], for_period),
            "period_ls_h": checked(lambda: lomb_scargle_period(_given(means)), for_period),
            "dfa_alpha": _part(scaling, "alpha"),
            "dfa_short": _part(scaling, "alpha_short"),
            "dfa_long": _part(scaling, "alpha_long"),
            "rest_to_active": passing if isinstance(passing, Abstained) else passing[0],
            "active_to_rest": passing if isinstance(passing, Abstained) else passing[1],
        },
        l5,
        m10,
    )


def or_abstained(compute: Callable[[], Any]) -> Any:
    """What is computed, or why it is not."""
    try:
        return compute()
    except Abstained as why:
        return why


def _given(value: Any) -> Any:
    if isinstance(value, Abstained):
        raise value
    return value


def _part(whole: object, name: str) -> Number:
    return whole if isinstance(whole, Abstained) else float(getattr(whole, name))


def _by_minute(epoch_s: int) -> None:
    """Windows and chances are per minute, and of longer epochs they would be others."""
    if epoch_s != _MINUTE_S:
        raise Abstained("unsupported_device", what=f"epochs of {epoch_s} s")


def _transitions(counted: Floats, epoch_s: int, active_from: float) -> tuple[float, float]:
    _by_minute(epoch_s)
    return transition_probabilities(counted, active_from=active_from)


def _fluctuation(counted: Floats, epoch_s: int, needed_days: float) -> Fluctuation:
    _by_minute(epoch_s)
    whole = unbroken(counted)
    held = len(whole) * epoch_s / DAY_S
    if held < needed_days:
        raise Abstained("too_few_days", needed=needed_days, got=int(10 * held) / 10)
    return fluctuation_analysis(whole)
