"""Interactions that the recommendations do not count, in sentences."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from twins.science.pgx.conversion import Conversions, Remembered
from twins.science.pgx.phenotypes import INDETERMINATE, NO_RESULT
from twins.science.pgx.reading import GeneReading
from twins.science.pgx.rules import Rules


def warnings(
    taking: Collection[str], readings: Mapping[str, GeneReading], rules: Rules, known: Conversions
) -> list[str]:
    """What the drugs taken may do that has no class, and which inhibitor decides whatever the genotype."""
    said = [_remembered(one, rules) for one in known.without_a_class if one.drug in taking]
    for gene in sorted(known.emptied(taking)):
        phenotype = readings[gene].phenotype if gene in readings else NO_RESULT
        if phenotype in {NO_RESULT, INDETERMINATE}:
            named = " and ".join(one.drug for one in known.of(gene, taking) if known.multipliers[one.strength] == 0)
            sure = "" if known.confirmed else " (not confirmed)"
            why = "was not tested" if phenotype == NO_RESULT else "is indeterminate"
            said.append(f"{named} may leave nothing of {gene}, which {why}: whatever the genotype, expect a poor "
                        f"metabolizer{sure}.")  # fmt: skip
    return said


def _remembered(one: Remembered, rules: Rules) -> str:
    drugs = [
        drug for drug, blocks in rules.blocks.items()
        if drug != one.drug and any(one.gene in block.genes for block in blocks)
    ]  # fmt: skip
    which = f" Drugs of these rules that depend on it: {', '.join(drugs)}." if drugs else ""
    return f"{one.drug} may {one.effect} {one.gene}; no source of it was read, so it counts nowhere here.{which}"
