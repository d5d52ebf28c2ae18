"""From what a device stamped to a regular UTC grid: clock changes, gaps, repeats."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from novamind import clock
from novamind.limits import LIMITS

from .reading import FloatArray, Limits, Notice, UnreadableRecording
from .text import Lines

DAY_S = clock.DAY_S
LONGEST_EPOCH_S = 3600
SHORT_GAP_S = 3600
LARGEST_CLOCK_CHANGE_S = 2 * 3600
CLOCK_TOLERANCE = timedelta(minutes=LIMITS["future"].value)
MAX_UNEVEN = 0.1  # share of steps that may miss the epoch before its length is in doubt

Seconds = NDArray[np.int64]


def wall_to_utc(wall_s: Seconds, tz: ZoneInfo) -> tuple[Seconds, list[Notice]]:
    """Wall-clock stamps in file order as UTC seconds.

    A device that follows the clock changes skips an hour in spring and repeats one in autumn; its stamps are localized.
    One that does not follow them stamps hours that never were, or runs through the repeated hour only once, without a
    pause; its stamps count elapsed time from the first one on.

    Parameters
    ----------
    wall_s : ndarray of int64, shape (n,)
        Seconds since 1970-01-01 00:00 local; n >= 2.
    tz : ZoneInfo
        Where the clock that stamped them stood.

    Returns
    -------
    utc_s : ndarray of int64, shape (n,)
    notices : list of Notice
        clock_not_changed or double_hour.
    """
    low, high = int(wall_s.min()), int(wall_s.max())
    changes = clock.transitions(low - DAY_S, high + DAY_S, tz)
    steps = np.diff(wall_s)
    epoch_s = int(np.median(steps))
    notices: list[Notice] = []
    for (_, old), (at, new) in pairwise(changes):
        earlier, later = at + min(old, new), at + max(old, new)
        inside = (wall_s >= earlier) & (wall_s < later)
        if not inside.any():
            continue
        stepped_back = bool(((steps < 0) & inside[1:]).any())
        if new > old or (not stepped_back and _runs_through(wall_s, earlier, later, epoch_s)):
            first = int(clock.localize(wall_s[:1], tz)[0])
            if new < old and wall_s[0] >= earlier:
                first = int(wall_s[0]) - new  # it began in the repeated hour and ran on evenly: the second pass
            detail = "The clock of the device was not changed with summer time; time is counted on from the start."
            return wall_s - wall_s[0] + first, [Notice("clock_not_changed", detail)]
        if stepped_back:
            notices.append(Notice("double_hour", "The recording holds both passes of the hour that came twice."))
    return clock.localize(wall_s, tz), notices


def _runs_through(wall_s: Seconds, earlier: int, later: int, epoch_s: int) -> bool:
    """Whether stamps continue without a pause from inside a repeated hour to after it."""
    last_inside = wall_s[(wall_s >= earlier) & (wall_s < later)].max()
    after = wall_s[wall_s >= later]
    return bool(len(after)) and int(after.min()) - int(last_inside) <= epoch_s


def start_to_utc(wall_s: int, tz: ZoneInfo) -> int:
    """UTC second of a start that a header gives as wall-clock time."""
    return int(clock.localize(np.array([wall_s], dtype=np.int64), tz)[0])


def place_on_grid(
    utc_s: Seconds, columns: dict[str, FloatArray], lines: Lines, *, epoch_s: int | None, limits: Limits
) -> tuple[int, int, dict[str, FloatArray], list[Notice]]:
    """Put stamped rows on a regular grid.

    Parameters
    ----------
    utc_s : ndarray of int64, shape (n,)
        In file order.
    columns : dict of str to ndarray of float32, shape (n,)
        Values of each row.
    lines : ndarray of int32, shape (n,)
        Where each row stands, for errors.
    epoch_s : int or None
        Epoch length where the file states it, else the median step.
    limits : Limits
        How long a recording and its gaps may be.

    Returns
    -------
    start_s, epoch_s : int
    grid : dict of str to ndarray of float32, shape (m,)
        NaN where no row was.
    notices : list of Notice

    Raises
    ------
    UnreadableRecording
        too_short, unordered_timestamps, duplicate_timestamps, gap_too_long, too_long, epoch_unsupported,
        irregular_timestamps or in_the_future.
    """
    check_span(utc_s, lines, limits)
    steps = np.diff(utc_s)
    if (steps < 0).any():
        raise UnreadableRecording("unordered_timestamps", line=int(lines[1:][steps < 0][0]))
    utc_s, columns, lines, notices = _without_repeats(utc_s, columns, lines)
    steps = np.diff(utc_s)
    if not len(steps):
        raise UnreadableRecording("too_short")
    epoch_s = int(np.median(steps)) if epoch_s is None else epoch_s
    check_epoch(epoch_s)
    place = (utc_s - (utc_s[0] - epoch_s // 2)) // epoch_s
    uneven = steps % epoch_s != 0
    if uneven.mean() > MAX_UNEVEN or (np.diff(place) == 0).any():
        fault = uneven if uneven.any() else np.diff(place) == 0
        raise UnreadableRecording("irregular_timestamps", line=int(lines[1:][fault][0]))
    if uneven.any():
        notices.append(Notice("off_grid", f"{int(uneven.sum())} times were moved to the nearest epoch."))
    n = int(place[-1]) + 1
    check_length(n, epoch_s, limits)
    check_present(int(utc_s[-1]))
    notices += gap_notices(np.diff(place) * epoch_s, epoch_s)
    return int(utc_s[0]), epoch_s, {name: _spread(values, place, n) for name, values in columns.items()}, notices


def check_span(seconds: Seconds, lines: Lines, limits: Limits) -> None:
    """Refuse what no recording is, before anything is made of its length."""
    if len(seconds) < 2:
        raise UnreadableRecording("too_short")
    steps = np.diff(seconds)
    if (steps < -LARGEST_CLOCK_CHANGE_S).any():
        raise UnreadableRecording("unordered_timestamps", line=int(lines[1:][steps < -LARGEST_CLOCK_CHANGE_S][0]))
    if (steps > limits.max_gap_days * DAY_S).any():
        line = int(lines[1:][steps > limits.max_gap_days * DAY_S][0])
        raise UnreadableRecording("gap_too_long", line=line, limit_days=limits.max_gap_days)
    if int(seconds.max()) - int(seconds.min()) > limits.max_days * DAY_S:
        raise UnreadableRecording("too_long", limit=f"{limits.max_days} days")


def check_epoch(epoch_s: int) -> None:
    """Refuse an epoch that is no whole number of seconds up to an hour."""
    if not 1 <= epoch_s <= LONGEST_EPOCH_S:
        raise UnreadableRecording("epoch_unsupported")


def check_length(n: int, epoch_s: int, limits: Limits) -> None:
    """Refuse a recording of more epochs or days than allowed, or of fewer than two epochs."""
    if n < 2:
        raise UnreadableRecording("too_short")
    if n > limits.max_samples:
        raise UnreadableRecording("too_long", limit=f"{limits.max_samples:,} epochs")
    if n * epoch_s > (limits.max_days + 1) * DAY_S:
        raise UnreadableRecording("too_long", limit=f"{limits.max_days} days")


def check_present(last_s: int) -> None:
    """Refuse a recording whose last epoch has not been yet."""
    if last_s > (clock.now() + CLOCK_TOLERANCE).timestamp():
        raise UnreadableRecording("in_the_future")


def gap_notices(steps_s: Seconds, epoch_s: int) -> list[Notice]:
    """What to say about missing stretches, given the steps between the rows, in seconds."""
    gaps = steps_s[steps_s > epoch_s] - epoch_s
    notices = []
    for code, chosen in (
        ("short_gap_filled_missing", gaps[gaps <= SHORT_GAP_S]),
        ("clock_gap", gaps[gaps > SHORT_GAP_S]),
    ):
        if len(chosen):
            total = f"{chosen.sum() / 3600:.1f} hours" if code == "clock_gap" else f"{chosen.sum() / 60:.0f} minutes"
            notices.append(Notice(code, f"{len(chosen)} gaps, together {total}, are kept as missing."))
    return notices


def year_notice(start_s: int) -> list[Notice]:
    """A clock that was never set shows a year before these devices were used."""
    year = clock.from_epoch(start_s).year
    if year >= 2000:
        return []
    return [
        Notice("year_before_2000", f"The recording is dated {year}. The clock of the device may never have been set.")
    ]


def count_epochs(utc_s: Seconds) -> int:
    """How many different epochs stamps in order name."""
    return 1 + int(np.count_nonzero(np.diff(utc_s)))


def missing_notice(activity: FloatArray, rows: int) -> list[Notice]:
    """Empty activity cells among the rows of the file; raises no_values where there is nothing else."""
    missing = int(np.isnan(activity).sum()) - (len(activity) - rows)
    if rows and missing >= rows:
        raise UnreadableRecording("no_values")
    return [Notice("missing_values", f"{missing} activity values are empty.")] if missing > 0 else []


def _without_repeats(
    utc_s: Seconds, columns: dict[str, FloatArray], lines: Lines
) -> tuple[Seconds, dict[str, FloatArray], Lines, list[Notice]]:
    repeated = np.diff(utc_s, prepend=utc_s[0] - 1) == 0
    if not repeated.any():
        return utc_s, columns, lines, []
    at = np.flatnonzero(repeated)
    for values in columns.values():
        same = (values[at] == values[at - 1]) | (np.isnan(values[at]) & np.isnan(values[at - 1]))
        if not same.all():
            raise UnreadableRecording("duplicate_timestamps", line=int(lines[at[~same][0]]))
    kept = {name: values[~repeated] for name, values in columns.items()}
    notice = Notice("duplicate_stamps", f"{len(at)} lines repeat the line before and were left out.")
    return utc_s[~repeated], kept, lines[~repeated], [notice]


def _spread(values: FloatArray, place: NDArray[np.int64], n: int) -> FloatArray:
    if n == len(values):
        return values
    grid = np.full(n, np.nan, np.float32)
    grid[place] = values
    return grid
