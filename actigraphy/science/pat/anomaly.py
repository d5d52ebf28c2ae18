"""Weeks unlike a person's own: how well our masked autoencoder predicts each part of the day, against earlier weeks.

The error of a patch grows and falls with what happens there: activity is harder to predict than rest. So a part of the
day that became restless stands out above a person's usual, one that became quiet below; both are told, neither is a
diagnosis.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from novamind.measures import Abstained

from .architecture import WEEK_MIN
from .reconstruction import Reconstructor
from .weeks import WEEK_DAYS

Floats = NDArray[np.float32]
Scores = NDArray[np.float64]

#: Weeks that share no minute, before the one judged: the fewest, and the latest that count.
FEWEST_WEEKS: Final = 4
MOST_WEEKS: Final = 8
#: Neighbouring parts of the day are judged together over this long, minutes.
WINDOW_MIN: Final = 180
WEEK_S: Final = 60 * WEEK_MIN
_DAY_MIN: Final = 1440
_FEWEST_VALUES: Final = 14
_FEWEST_DAYS: Final = 4
#: Errors in squared cohort SD; below this the logarithm would tell stillness from stillness.
_SMALLEST_ERROR: Final = 1e-3
#: Of the logarithm; a person cannot be more regular than this.
_SMALLEST_SPREAD: Final = 0.1
_CONSISTENT: Final = 1.4826
_FORMAT: Final = "novamind anomaly rule 2"


class RuleError(Exception):
    """A rule's file that cannot be used, and why; the text holds no path."""


@dataclass(frozen=True, slots=True)
class Rule:
    """From which score on a part of the day is told; measured for one encoder, decoder and reference cohort, see the
    file's figures.

    Attributes
    ----------
    threshold : float
        Of the mean score over :data:`WINDOW_MIN`, in either direction.
    encoder_sha256, decoder_sha256 : str
        The model it was measured with.
    cohort_sha256 : str
        Of the reference cohort whose scale its weeks were on.
    """

    threshold: float
    encoder_sha256: str
    decoder_sha256: str
    cohort_sha256: str


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the day that is unlike the person's own: minutes after midnight, the end may pass the next midnight.

    ``score`` is its farthest mean score: above zero less predictable (more active) than usual, below zero quieter.
    """

    start_min: int
    end_min: int
    score: float


@dataclass(frozen=True, eq=False)
class JudgedWeek:
    """One week against the person's earlier ones.

    Attributes
    ----------
    scores : ndarray of float64, shape (N,)
        Per patch: log error, in robust standard deviations from the same time of day before; NaN where not known.
    day : ndarray of float64, shape (patches of a day,)
        The week's mean score around each time of day, 1 for what chance alone does to days that are independent.
    highest : float
        The farthest of ``day`` from zero.
    spans : tuple of Span
        Beyond the rule's threshold; none for a usual week.
    """

    scores: Scores
    day: Scores
    highest: float
    spans: tuple[Span, ...]


def earlier_weeks(starts: NDArray[np.int64], before: int) -> NDArray[np.int64]:
    """Which weeks a week is held against.

    Parameters
    ----------
    starts : ndarray of int64, shape (w,)
        UTC second at which each readable week begins, any order; weeks may overlap (they slide by a day).
    before : int
        UTC second at which the judged week begins.

    Returns
    -------
    ndarray of int64, shape (h,)
        Indices into ``starts``, oldest first: the latest week that ends before, the latest that ends before that one,
        and so on; h is at most :data:`MOST_WEEKS`.
    """
    chosen: list[int] = []
    for at in np.argsort(starts, kind="stable")[::-1].tolist():
        if starts[at] + WEEK_S <= before and len(chosen) < MOST_WEEKS:
            chosen.append(at)
            before = int(starts[at])
    return np.array(chosen[::-1], dtype=np.int64)


def judge_week(model: Reconstructor, rule: Rule, history: Floats, week: Floats) -> JudgedWeek:
    """Whether a week is unlike the person's own.

    Parameters
    ----------
    model : Reconstructor
    rule : Rule
        Measured with that model.
    history : ndarray of float32, shape (h, 10080)
        Earlier weeks that share no minute, oldest first, normalised; the last :data:`MOST_WEEKS` readable ones count.
    week : ndarray of float32, shape (10080,)

    Returns
    -------
    JudgedWeek

    Raises
    ------
    Abstained
        too_few_days: of earlier weeks (needed 28), or of this week.
    RuleError
        The rule was measured with another model.
    """
    if (rule.encoder_sha256, rule.decoder_sha256) != (model.encoder_sha256, model.decoder_sha256):
        raise RuleError("the threshold was measured with another model")
    errors = model.errors(np.concatenate([history, week[np.newaxis]]))
    return judge_errors(errors[:-1], errors[-1], rule.threshold)


def judge_errors(history: Floats, week: Floats, threshold: float) -> JudgedWeek:
    """:func:`judge_week` from the errors per patch, shapes (h, N) and (N,); NaN where not known."""
    readable = history[np.isfinite(history).any(axis=1)][-MOST_WEEKS:]
    if len(readable) < FEWEST_WEEKS:
        raise Abstained("too_few_days", needed=WEEK_DAYS * FEWEST_WEEKS, got=WEEK_DAYS * len(readable))
    if not np.isfinite(week).any():
        raise Abstained("too_few_days", needed=WEEK_DAYS, got=0)
    scores = _scores(_log(readable).reshape(len(readable) * WEEK_DAYS, -1), _log(week).reshape(WEEK_DAYS, -1))
    day = _around_the_clock(scores)
    if not np.isfinite(day).any():
        raise Abstained("too_few_days", needed=_FEWEST_DAYS, got=0)
    highest = day[np.nanargmax(np.abs(day))]
    return JudgedWeek(scores.ravel(), day, float(highest), _spans(day, threshold))


def _log(errors: Floats) -> Scores:
    logs: Scores = np.log(np.maximum(errors.astype(np.float64), _SMALLEST_ERROR))
    return logs


def _scores(before: Scores, days: Scores) -> Scores:
    """Days (7, slots) in robust standard deviations from the median of the same slot on earlier days (d, slots)."""
    known = np.isfinite(before).sum(axis=0) >= _FEWEST_VALUES
    found = np.full(days.shape, np.nan)
    usual = np.nanmedian(before[:, known], axis=0)
    spread = _CONSISTENT * np.nanmedian(np.abs(before[:, known] - usual), axis=0)
    found[:, known] = (days[:, known] - usual) / np.maximum(spread, _SMALLEST_SPREAD)
    return found


def _around_the_clock(scores: Scores) -> Scores:
    """The mean over the days times the root of their number, then the mean over :data:`WINDOW_MIN` around each slot."""
    days = np.isfinite(scores).sum(axis=0)
    known = days >= _FEWEST_DAYS
    of_slot = np.where(known, np.nansum(scores, axis=0) / np.sqrt(np.maximum(days, 1)), 0.0)
    width = round(WINDOW_MIN * len(known) / _DAY_MIN)
    window = np.ones(width) / width

    def moving(values: Scores) -> Scores:
        # Around the clock: before the first slot of the day is the last one.
        wrapped = np.concatenate([values[-(width // 2) :], values, values[: width - 1 - width // 2]])
        return np.convolve(wrapped, window, mode="valid")

    share = moving(known.astype(float))
    day: Scores = np.where(known & (share >= 0.5), moving(of_slot) / np.maximum(share, 0.5), np.nan)
    return day


def _spans(day: Scores, threshold: float) -> tuple[Span, ...]:
    slot_min = _DAY_MIN // len(day)
    beyond = np.where(np.abs(np.nan_to_num(day)) > threshold, np.sign(np.nan_to_num(day)), 0.0)
    if beyond.all() and len(set(beyond)) == 1:
        return (Span(0, _DAY_MIN, _farthest(day)),)
    found = []
    for first in np.flatnonzero((beyond != 0) & (beyond != np.roll(beyond, 1))):
        length = int(np.argmax(np.roll(beyond, -first) != beyond[first]))
        slots = (first + np.arange(length)) % len(day)
        found.append(Span(int(first) * slot_min, (int(first) + length) * slot_min, _farthest(day[slots])))
    return tuple(found)


def _farthest(values: Scores) -> float:
    return float(values[np.nanargmax(np.abs(values))])


def rule_bytes(rule: Rule, figures: dict[str, Any]) -> bytes:
    """The rule as a file, with the figures that say what it costs and finds."""
    said = {"format": _FORMAT, **{name: getattr(rule, name) for name in Rule.__dataclass_fields__}, "card": figures}
    return (json.dumps(said, indent=1, ensure_ascii=False) + "\n").encode()


def load_rule(source: str | PathLike[str] | bytes, *, sha256: str | None = None) -> Rule:
    """Read and check a rule's file, the registered one where its checksum is given; raises :class:`RuleError`."""
    try:
        content = source if isinstance(source, bytes) else Path(source).read_bytes()
        if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
            raise RuleError("not the registered one")
        said = json.loads(content)
        if said["format"] != _FORMAT:
            raise RuleError("of another format")
        rule = Rule(*(said[name] for name in Rule.__dataclass_fields__))
        if not (isinstance(rule.threshold, float) and np.isfinite(rule.threshold) and rule.threshold > 0):
            raise RuleError("its threshold is not a number above zero")
    except OSError as error:
        raise RuleError(f"cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RuleError(f"not an anomaly rule ({type(error).__name__})") from None
    return rule
