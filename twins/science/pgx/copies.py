"""A laboratory's count of copies of CYP2D6 beside its diplotype: what the two say together."""

from __future__ import annotations

import re
from typing import Final

from patients.vocabularies import Call
from twins.science.pgx.diplotypes import Allele, read_genotype

_GENE: Final = "CYP2D6"
_DELETED: Final = "*5"  # the whole gene is missing: no copy


class ContradictingCopies(ValueError):
    """A count that the diplotype cannot have; the message says which."""


def with_copies(diplotype: str, copies: int | None) -> str:
    """The diplotype with the count in it, each of several readings on its own.

    More copies than alleles are spread over them in every way; one copy of a homozygous call is that allele beside a
    deletion (``*1/*1`` with one copy is ``*1/*5``).

    Raises
    ------
    ContradictingCopies
        No reading of the diplotype has so many copies.
    WrongDiplotype
        The diplotype cannot be taken apart.
    """
    if copies is None or read_genotype(_GENE, diplotype).call is not Call.CALLED:
        return diplotype
    parts = re.split(r"\s+or\s+|[;,|]", " ".join(diplotype.split()), flags=re.IGNORECASE)
    return " or ".join(dict.fromkeys(_one(part.strip(), copies) for part in parts))


def _one(part: str, copies: int) -> str:
    pairs = read_genotype(_GENE, part).pairs
    if any(first is None or second is None or "+" in f"{first}{second}" for first, second in pairs):
        return part  # partly called, or in tandem: no count to compare with
    if any(_fits(pair, copies) for pair in pairs):
        return part
    first, second = pairs[0]
    if "x" not in part and first and second:
        there = [one.name for one in (first, second) if one.name != _DELETED]
        if len(there) == 2 and copies > 2:
            return f"({part})x{copies}"
        if len(there) == 1 and copies > 1:
            return f"{there[0]}x{copies}/{_DELETED}"
        if copies == 1 and len(set(there)) == 1:
            return f"{there[0]}/{_DELETED}"
    raise ContradictingCopies(f"{part} does not go with {copies} cop{'y' if copies == 1 else 'ies'} of the gene")


def _fits(pair: tuple[Allele | None, Allele | None], copies: int) -> bool:
    alleles = [one for one in pair if one and one.name != _DELETED]
    counted = sum(one.copies for one in alleles)
    return counted == copies or (counted < copies and any(one.at_least for one in alleles))
