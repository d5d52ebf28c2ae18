"""Attacks on the suppression: whoever knows the rule, the total and every shown cell learns no hidden one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.science.suppression import FEWEST_FOR_MEDIAN, SMALLEST, median_to_tell, suppressed

COUNTS = st.lists(st.integers(0, 40), min_size=1, max_size=7).filter(lambda counts: sum(counts) >= SMALLEST)


def tables(cells: int, people: int) -> Iterator[tuple[int, ...]]:
    """Every way in which so many people can stand in so many cells."""
    if cells == 1:
        yield (people,)
        return
    for first in range(people + 1):
        for rest in tables(cells - 1, people - first):
            yield (first, *rest)


@given(counts=COUNTS)
def test_no_small_cell_is_shown_and_a_shown_one_is_true(counts):
    shown = suppressed(counts)
    assert all(told is None or told == people for told, people in zip(shown, counts, strict=True))
    assert all(told is None for told, people in zip(shown, counts, strict=True) if people < SMALLEST)


@given(counts=COUNTS.filter(lambda counts: len(counts) > 1))
def test_no_hidden_cell_is_a_combination_of_total_and_shown_ones(counts):
    """Linear algebra: a cell can be computed when its unit vector lies in the span of what is published."""
    shown = suppressed(counts)
    size = len(counts)
    published = np.array([np.ones(size), *(np.eye(size)[at] for at, told in enumerate(shown) if told is not None)])
    rank = np.linalg.matrix_rank(published)
    for at, told in enumerate(shown):
        if told is None:
            assert np.linalg.matrix_rank(np.vstack([published, np.eye(size)[at]])) == rank + 1


@given(counts=COUNTS)
def test_what_is_hidden_is_together_no_small_group(counts):
    hidden = sum(people for told, people in zip(suppressed(counts), counts, strict=True) if told is None)
    assert hidden == 0 or hidden >= SMALLEST


@pytest.mark.parametrize(("cells", "largest"), [(2, 60), (3, 45), (4, 36)])
def test_whoever_runs_the_rule_on_every_possible_table_is_left_with_several(cells, largest):
    """Brute force over all tables: the attacker knows this program, the total and what is shown."""
    for people in range(SMALLEST, largest + 1):
        possible: dict[tuple[int | None, ...], list[set[int]]] = defaultdict(lambda: [set() for _ in range(cells)])
        for table in tables(cells, people):
            for at, value in enumerate(table):
                possible[suppressed(table)][at].add(value)
        for shown, values in possible.items():
            for told, left in zip(shown, values, strict=True):
                assert told is not None or (len(left) > 1 and min(left) < SMALLEST)


def test_a_median_and_its_band_add_nothing_that_tells_a_hidden_cell():
    """The same, told also whether there is a median and which of the bands it lies in; the last cell is not known."""
    cells = 3
    for people in range(SMALLEST, 46):
        possible = defaultdict(lambda: [set() for _ in range(cells)])
        for table in tables(cells, people):
            shown = suppressed(table)
            values = [float(band) for band, size in enumerate(table[:-1]) for _ in range(size)]
            told = median_to_tell(values, people, [shown[int(band)] is not None for band in values])
            for at, value in enumerate(table):
                possible[shown, told][at].add(value)
        for (shown, _), values in possible.items():
            assert all(told is not None or len(left) > 1 for told, left in zip(shown, values, strict=True))


def test_a_median_without_bands_adds_nothing_either():
    for people in range(SMALLEST, 120):
        possible = defaultdict(lambda: [set(), set()])
        for known, unknown in tables(2, people):
            told = median_to_tell([1.0] * known, people, [True] * known)
            possible[suppressed((known, unknown)), told][0].add(known)
            possible[suppressed((known, unknown)), told][1].add(unknown)
        for (shown, _), values in possible.items():
            assert all(told is not None or len(left) > 1 for told, left in zip(shown, values, strict=True))


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ((25, 30), (25, 30)),
        ((5, 30), (None, None)),  # the other one alone would be the total less this
        ((5, 40, 30), (None, 40, None)),  # the smaller of the others goes with it
        ((3, 2, 40, 30), (None, None, 40, None)),  # five together are few
        ((6, 7, 40, 30), (None, None, 40, None)),  # both small: the sum of 13 would leave three to ten for each
        ((10, 10, 10, 50), (None, None, None, None)),
        ((6, 7, 4, 50), (None, None, None, 50)),
        ((5, 12, 12, 40), (None, None, None, 40)),  # equals go together
        ((0, 50), (None, None)),
    ],
)
def test_examples_worked_by_hand(counts, shown):
    assert suppressed(counts) == shown


def test_a_median_is_of_eleven_known_among_enough_people():
    values = [float(value) for value in range(11)]
    assert median_to_tell(values, FEWEST_FOR_MEDIAN, [True] * 11) == 5.0
    assert median_to_tell(values, FEWEST_FOR_MEDIAN - 1, [True] * 11) is None
    assert median_to_tell(values[:10], 100, [True] * 10) is None
    assert median_to_tell([*values, 11.0], 100, [at != 5 for at in range(12)]) is None  # one of its two is hidden
