"""Which counts of a table of people may be shown so that none of the small ones can be worked out from the others."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Final

#: The smallest cell that is shown (CMS Cell Size Suppression Policy: no cell of 10 or less). Zero is hidden too: that
#: nobody is in a cell says something of everybody.
SMALLEST: Final = 11
#: The fewest people of whom a median is told: that it is told says that eleven are known, which of fewer people
#: together would count those who are not.
FEWEST_FOR_MEDIAN: Final = 2 * SMALLEST


def suppressed(counts: Sequence[int]) -> tuple[int | None, ...]:
    """The cells of one partition of people whose total is public, the hidden ones as ``None``.

    Parameters
    ----------
    counts : sequence of int
        People in each cell; everybody is in exactly one.

    Returns
    -------
    tuple of int or None
        ``None`` for each cell under :data:`SMALLEST` (primary), and for the next smallest ones, all of a size together
        (complementary), until the hidden cells hold :data:`SMALLEST` people together and none of them follows from
        total, shown cells and this rule.

    References
    ----------
    CMS Cell Size Suppression Policy (ResDAC). Complementary suppression: Federal Committee on Statistical Methodology,
    Statistical Policy Working Paper 22 (2005), ch. 2 and 4.
    """
    hidden = {at for at, people in enumerate(counts) if people < SMALLEST}
    while hidden and _tells([counts[at] for at in hidden]):
        shown = [people for at, people in enumerate(counts) if at not in hidden]
        if not shown:
            break  # nothing but the total is left
        # All of that size: which of two equals was taken would tell by its place.
        hidden |= {at for at, people in enumerate(counts) if people == min(shown)}
    return tuple(None if at in hidden else people for at, people in enumerate(counts))


def _tells(hidden: Sequence[int]) -> bool:
    """Whether the sum of the hidden cells, which is total less shown, says too much of them."""
    together = sum(hidden)
    all_small = max(hidden) < SMALLEST
    # If all may be small, the sum must leave room for each to be nobody: three cells of 30 together are 10, 10 and 10.
    return len(hidden) < 2 or together < SMALLEST or (all_small and together > (SMALLEST - 1) * (len(hidden) - 1))


def median_to_tell(values: Sequence[float], people: int, cells: Sequence[bool]) -> float | None:
    """The median of those who are known, or ``None`` where it would say something of a hidden cell.

    Parameters
    ----------
    values : sequence of float
        One value of each person who is known.
    people : int
        All people of the partition, known or not.
    cells : sequence of bool
        For each value, whether it stands in a cell that is shown; all true where values have no cells of their own.
    """
    if len(values) < SMALLEST or people < FEWEST_FOR_MEDIAN:
        return None
    order = sorted(range(len(values)), key=lambda at: values[at])
    middle = order[(len(order) - 1) // 2 : len(order) // 2 + 1]
    return float(median(values)) if all(cells[at] for at in middle) else None
