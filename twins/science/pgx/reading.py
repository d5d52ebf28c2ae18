"""One gene of one person: what was reported, every state it may mean, and what drugs that are taken make of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from patients.vocabularies import Call
from twins.science.pgx.conversion import Conversions, Inhibitor, converted
from twins.science.pgx.diplotypes import Allele, Genotype, read_genotype
from twins.science.pgx.phenotypes import (
    HLA,
    INDETERMINATE,
    NO_RESULT,
    UNKNOWN,
    UNKNOWN_HLA,
    UNTESTED,
    GeneTable,
    State,
    hla_state,
    phenotype_of,
)
from twins.science.pgx.rules import Rules


class UnknownGene(ValueError):
    """A gene that we have no table of."""


@dataclass(frozen=True, slots=True)
class GeneReading:
    """A gene's report, read.

    ``candidates``: (diplotype, state) of every reading, more than one where the report is ambiguous or partial.
    ``unknown``: alleles that are not in the table.
    """

    gene: str
    text: str
    call: Call
    candidates: tuple[tuple[str, State], ...]
    unknown: tuple[str, ...] = ()

    @property
    def states(self) -> tuple[State, ...]:
        """The different states."""
        return tuple(dict.fromkeys(state for _, state in self.candidates))

    @property
    def phenotype(self) -> str:
        """The phenotype, or all that it may be with "or" between them."""
        return either(self.states)

    @property
    def score(self) -> float | str | None:
        """The activity score; ``None`` where there is none, or more than one is possible."""
        scores = {state.score for state in self.states}
        one = scores.pop() if len(scores) == 1 else None
        return one.json if one else None

    @property
    def status(self) -> str:
        """``called``, ``ambiguous``, ``indeterminate`` or ``not_tested``."""
        if len({state.phenotype for state in self.states}) > 1:
            return "ambiguous"
        return {NO_RESULT: "not_tested", INDETERMINATE: "indeterminate"}.get(self.phenotype, "called")


def either(states: Collection[State]) -> str:
    """The phenotypes of states, each once, with "or" between them."""
    return " or ".join(dict.fromkeys(state.phenotype for state in states))


@lru_cache(maxsize=20_000)
def read_gene(gene: str, text: str, rules: Rules) -> GeneReading:
    """Read one gene's report by the tables.

    Raises
    ------
    UnknownGene, WrongDiplotype
    """
    if gene not in rules.symbols:
        raise UnknownGene(f"{gene} is none of the genes of the rules: {', '.join(rules.symbols)}.")
    found = read_genotype(gene, text, hla=HLA.get(gene, ()))
    if found.call is not Call.CALLED:
        unread = UNKNOWN_HLA if gene in HLA else UNKNOWN
        state = UNTESTED if found.call is Call.NOT_TESTED else unread
        return GeneReading(gene, found.text, found.call, ((found.text, state),))
    if gene in HLA:
        candidates = tuple((found.text, hla_state(gene, one)) for one in found.presences)
        return GeneReading(gene, found.text, found.call, candidates)
    table = rules.genes[gene]
    named = {allele for pair in found.pairs for allele in pair if allele}
    unknown = tuple(str(one) for one in sorted(named) if not table.knows(one))
    return GeneReading(gene, found.text, found.call, _candidates(found, table), unknown)


def phenotypes_of(gene: str, rules: Rules) -> tuple[str, ...]:
    """Every phenotype, or presence of an HLA allele, that a gene can have; empty for a gene of no rule."""
    if gene in HLA:
        return tuple(f"{name} positive" for name in HLA[gene])
    table = rules.genes.get(gene)
    if table is None:
        return ()
    scores = (0.0, 1.0, 2.0, 3.0) if gene == "CYP2D6" else (0.0, 1.0, 2.0)
    found = (phenotype_of(gene, one) for one in scores) if table.activity else sorted(set(table.pairs.values()))
    return tuple(one for one in found if one != INDETERMINATE)


def untested(gene: str) -> GeneReading:
    """The reading of a gene of which there is no report."""
    return GeneReading(gene, NO_RESULT, Call.NOT_TESTED, ((NO_RESULT, UNTESTED),))


def _candidates(found: Genotype, table: GeneTable) -> tuple[tuple[str, State], ...]:
    candidates: dict[tuple[str, State], None] = {}
    for first, second in found.pairs:
        if first and second:
            name = "/".join(str(one) for one in sorted((first, second)))
            candidates.update(dict.fromkeys((name, state) for state in table.states(first, second)))
        elif called := first or second:
            candidates.update(dict.fromkeys((f"{called}/?", state) for state in _partial(called, table)))
    return tuple(candidates)


def _partial(called: Allele, table: GeneTable) -> list[State]:
    """Every state that it may be with some allele of the table beside it; a diplotype is no mark of it."""
    states: dict[tuple[str, Any], State] = {}
    for name in table.alleles:
        for state in table.states(called, Allele(name)):
            states[state.phenotype, state.score] = State(state.phenotype, state.marks[-1:], state.score)
    return sorted(
        states.values(), key=lambda one: (one.score is None, one.score.value if one.score else 0.0, one.phenotype)
    )


@dataclass(frozen=True, slots=True)
class Converted:
    """A gene beside drugs that inhibit it.

    ``states`` is empty where no score tells what remains; of several candidates one without a score stays as it is.
    """

    inhibitors: tuple[Inhibitor, ...]
    states: tuple[State, ...]


def convert(reading: GeneReading, taking: Collection[str], known: Conversions) -> Converted | None:
    """What the drugs taken make of a gene; ``None`` where none of them is known to inhibit it."""
    inhibitors = known.of(reading.gene, taking)
    if not inhibitors:
        return None
    found = {state: converted(reading.gene, state, taking, known) for state in reading.states}
    if not any(found.values()):
        return Converted(inhibitors, ())
    return Converted(
        inhibitors, tuple(dict.fromkeys(one for state, states in found.items() for one in states or (state,)))
    )


def read_panel(diplotypes: Mapping[str, str], rules: Rules) -> dict[str, GeneReading]:
    """Every gene of a panel, read, in the order of the rules.

    Raises
    ------
    UnknownGene, WrongDiplotype
    """
    readings = {gene: read_gene(gene, text, rules) for gene, text in diplotypes.items()}
    return dict(sorted(readings.items(), key=lambda one: rules.symbols.index(one[0])))
