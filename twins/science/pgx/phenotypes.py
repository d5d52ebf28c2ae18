"""Genotype to phenotype: activity scores, pairs of functions, and HLA alleles that are there or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from twins.science.pgx.diplotypes import Allele, Presence

INDETERMINATE: Final = "Indeterminate"  # tested, and what it means is not known
NO_RESULT: Final = "No Result"  # not tested


@dataclass(frozen=True, slots=True)
class Score:
    """An activity score; ``at_least`` where a laboratory counted "three or more" copies."""

    value: float
    at_least: bool = False

    def __str__(self) -> str:
        return f"≥{self.value}" if self.at_least else str(self.value)

    def __add__(self, other: Score) -> Score:
        return Score(self.value + other.value, self.at_least or other.at_least)

    def times(self, factor: float) -> Score:
        """The score with a factor between 0 and 1; nothing is left of "at least" where nothing is left."""
        return Score(self.value * factor, self.at_least and factor > 0)

    @property
    def json(self) -> float | str:
        """A number, or the text ``≥3.0``."""
        return str(self) if self.at_least else self.value


@dataclass(frozen=True, slots=True)
class State:
    """What one gene says: its phenotype, and whatever else guidelines ask for.

    ``marks`` are the words by which a rule may name it besides its score: phenotype, diplotype, HLA alleles, most
    special first. ``score`` is ``None`` for genes without one, and where it is not known.
    """

    phenotype: str
    marks: tuple[str, ...]
    score: Score | None = None

    @property
    def known(self) -> bool:
        """Whether it was tested and means something."""
        return self.phenotype not in {INDETERMINATE, NO_RESULT}


UNTESTED: Final = State(NO_RESULT, (NO_RESULT,))
UNKNOWN: Final = State(INDETERMINATE, (INDETERMINATE,))
#: An HLA typing that says nothing is no result to a guideline: the other gene of a drug still speaks.
UNKNOWN_HLA: Final = State(INDETERMINATE, (INDETERMINATE, NO_RESULT))


@dataclass(frozen=True)
class GeneTable:
    """Alleles of one gene: activity values (``n/a`` where none is known), or functions with a table of their pairs.

    ``url``: where the table that was taken over is read.
    """

    symbol: str
    activity: Mapping[str, str]
    function: Mapping[str, str]
    pairs: Mapping[str, str]
    url: str | None = None

    @cached_property
    def alleles(self) -> frozenset[str]:
        """Names of all alleles of the table."""
        return frozenset(self.activity or self.function)

    def knows(self, allele: Allele) -> bool:
        """Whether the table has it; copies of a known allele are known where activity is counted."""
        if str(allele) in self.alleles:
            return True
        return bool(self.activity) and self.symbol == "CYP2D6" and allele.name in self.alleles

    def states(self, first: Allele, second: Allele) -> tuple[State, ...]:
        """What a diplotype means; ``Indeterminate`` where an allele is not in the table or of no known function.

        Several states where "three or more copies" may be of more than one phenotype.
        """
        if not (self.knows(first) and self.knows(second)):
            return (UNKNOWN,)
        if not self.activity:
            functions = sorted((self.function[str(first)], self.function[str(second)]), key=_FUNCTIONS.index)
            phenotype = self.pairs.get(" + ".join(functions), INDETERMINATE)
            return (State(phenotype, (phenotype,)) if phenotype != INDETERMINATE else UNKNOWN,)
        values = (self._value(first), self._value(second))
        if values[0] is None or values[1] is None:
            return (UNKNOWN,)
        names = "/".join(str(one) for one in sorted((first, second)))
        return scored_states(self.symbol, values[0] + values[1], names)

    def _value(self, allele: Allele) -> Score | None:
        own = self.activity.get(str(allele))
        if own is not None:
            return None if own == "n/a" else Score(float(own.lstrip("≥")), own.startswith("≥"))
        one = self.activity[allele.name]
        if one == "n/a":
            return None
        value = float(one) * allele.copies
        return Score(value, allele.at_least and value > 0)


#: The order in which the tables name a pair.
_FUNCTIONS: Final = (
    "Decreased function",
    "Increased function",
    "No function",
    "Normal function",
    "Uncertain function",
    "Unknown function",
)


#: Scores at which some guideline says something else; "at least" so much may be any from there on.
_STEPS: Final = (0.75, 1.0, 1.25, 2.5, 3.0)


def scored_states(symbol: str, score: Score, *marks: str) -> tuple[State, ...]:
    """The state of a score; of "at least" so much, one for every step that it may have reached."""
    scores = [score]
    if score.at_least:
        reached = [score.value, *(step for step in _STEPS if step > score.value)]
        scores = [*(Score(value) for value in reached[:-1]), Score(reached[-1], at_least=True)]
    named = [(one, phenotype_of(symbol, one.value)) for one in scores]
    return tuple(State(phenotype, (*marks, phenotype), one) for one, phenotype in named)


def phenotype_of(symbol: str, score: float) -> str:
    """The phenotype of an activity score.

    CYP2D6: 0 poor, below 1.25 intermediate, to 2.25 normal, above ultrarapid (CPIC). CYP2C9: to 0.5 poor, to 1.5
    intermediate, 2 normal.
    """
    if symbol == "CYP2C9":
        return (
            "Poor Metabolizer" if score <= 0.5 else "Intermediate Metabolizer" if score <= 1.5 else "Normal Metabolizer"
        )
    if score <= 0:
        return "Poor Metabolizer"
    if score < 1.25:
        return "Intermediate Metabolizer"
    return "Normal Metabolizer" if score <= 2.25 else "Ultrarapid Metabolizer"


#: The HLA alleles that guidelines speak of; the first of a gene is told when it is absent too.
HLA: Final[Mapping[str, tuple[str, ...]]] = {"HLA-A": ("*31:01",), "HLA-B": ("*15:02", "*15:11")}


def hla_state(symbol: str, found: Presence) -> State:
    """Which of the alleles that guidelines name are there, such as ``*15:02 negative; *15:11 positive``.

    Where the first of them is not told, rules for no result speak too, after all others.
    """
    there = [name for name in HLA[symbol] if name in found.there]
    marks = tuple(f"{name} positive" for name in there)
    if len(there) > 1:
        marks = (" and ".join(there) + " positive", *marks)
    absent = tuple(f"{name} negative" for name in HLA[symbol] if name in found.absent)
    first = HLA[symbol][0]
    told = [f"{name} {'positive' if name in there else 'negative'}" for name in HLA[symbol]
            if name in there or (name in found.absent and (name == first or found.asked))]  # fmt: skip
    if not told:
        return UNKNOWN_HLA
    left_out = () if is_first_told(symbol, "; ".join(told)) else (NO_RESULT,)
    return State("; ".join(told), (*marks, *absent, *left_out))


def is_first_told(symbol: str, phenotype: str) -> bool:
    """Whether the words of an HLA gene tell its first allele."""
    return HLA[symbol][0] in phenotype
