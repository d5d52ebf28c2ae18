"""Columns of numbers: counts per epoch and what else a device measures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .reading import UnreadableRecording
from .text import Lines, Texts

LARGEST = 1e9  # no counter, light sensor or thermometer gives more in an epoch
# "kz" is German Actiware for none.
MISSING = np.array([b"", b"na", b"nan", b"n/a", b"null", b"none", b"missing", b"kz"])
_NUMERIC = np.zeros(256, dtype=bool)
_NUMERIC[np.frombuffer(b"\x000123456789+-.eE", np.uint8)] = True


def to_numbers(texts: Texts, lines: Lines, *, negative: bool = False) -> NDArray[np.float32]:
    """Read a column of numbers.

    Parameters
    ----------
    texts : ndarray of bytes, shape (n,)
        Stripped cells; a decimal comma is read as a point.
    lines : ndarray of int32, shape (n,)
        Where each stands, for the error.
    negative : bool
        Whether values below zero are possible (temperature) or refused (counts).

    Returns
    -------
    ndarray of float32, shape (n,)
        NaN where the cell is empty or says that the value is missing.

    Raises
    ------
    UnreadableRecording
        not_a_number, negative_counts or impossible_value, with the line.
    """
    if not len(texts):
        return np.empty(0, np.float32)
    chars = np.ascontiguousarray(texts).view(np.uint8).reshape(len(texts), -1)
    values = _plain_integers(chars)
    if values is None:
        values = _any_numbers(texts, chars, lines)
    return check_values(values, lines, negative=negative)


def check_values(values: NDArray[np.float64], lines: Lines, *, negative: bool = False) -> NDArray[np.float32]:
    """The same values if each is missing or possible; raises as :func:`to_numbers` does."""
    if not negative and (values < 0).any():
        raise UnreadableRecording("negative_counts", line=int(lines[int((values < 0).argmax())]))
    if (np.abs(values) > LARGEST).any():
        raise UnreadableRecording("impossible_value", line=int(lines[int((np.abs(values) > LARGEST).argmax())]))
    return values.astype(np.float32)


def _plain_integers(chars: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    """Values of a column that holds nothing but digits, else None."""
    if chars.shape[1] > 9 or (chars[:, 0] == 0).any():
        return None
    digit = chars - np.uint8(48)
    padding = chars == 0
    if not ((digit < 10) | padding).all():
        return None
    values = digit[:, 0].astype(np.int64)
    for place in range(1, chars.shape[1]):
        values = np.where(padding[:, place], values, values * 10 + digit[:, place])
    return values.astype(np.float64)


def _any_numbers(texts: Texts, chars: NDArray[np.uint8], lines: Lines) -> NDArray[np.float64]:
    if (chars == 44).any():
        texts = np.strings.replace(texts, b",", b".")
        chars = np.ascontiguousarray(texts).view(np.uint8).reshape(len(texts), -1)
    missing = np.isin(np.strings.lower(texts), MISSING)
    foreign = ~_NUMERIC[chars].all(axis=1) & ~missing
    if foreign.any():
        raise UnreadableRecording("not_a_number", line=int(lines[int(foreign.argmax())]))
    values = np.full(len(texts), np.nan)
    try:
        values[~missing] = texts[~missing].astype(np.float64)
    except ValueError as error:
        raise UnreadableRecording("not_a_number", line=_first_fault(texts, missing, lines)) from error
    return values


def _first_fault(texts: Texts, missing: NDArray[np.bool_], lines: Lines) -> int:
    for at in np.flatnonzero(~missing):
        try:
            float(texts[at])
        except ValueError:
            return int(lines[at])
    return int(lines[0])
