"""Genotypes as laboratories write them, taken apart; every reading of an ambiguous one."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import total_ordering
from itertools import product
from typing import Final

from patients.vocabularies import Call, read_diplotype

_ALLELE: Final = re.compile(r"(\*\d+)(?:\.\d+)?(?:x(?:([1-9]\d?)|(≥|>=)([1-9]\d?)|(N)))?", re.ASCII)
_WORD: Final = re.compile(r"(?:CYP\w+|HLA-[AB])?(\*[0-9A-Za-z.:≥>=+*]+|\?)")
_WHOLE_COPIES: Final = re.compile(r"\(([^()]+)\)\s*x([1-9]\d?)")
_HLA: Final = re.compile(r"(?:HLA-[AB])?(\*\d{2,3})(?::(\d{2,3}))?(?::\d+)*[NLSCAQ]?", re.ASCII)
_HLA_CALL: Final = re.compile(r"(?:HLA-[AB])?(\*\d{2,3}:\d{2,3})\s+(positive|negative)", re.ASCII | re.IGNORECASE)
#: So many copies and more are one entry of the tables.
MANY: Final = 3
MOST_READINGS: Final = 24
PARTIAL: Final = "?"  # an allele that was not called


class WrongDiplotype(ValueError):
    """A text that is no genotype; the message says of which gene, and what would be one."""


@total_ordering
@dataclass(frozen=True, slots=True)
class Allele:
    """A star allele and how often it is there in tandem; ``at_least``: so many copies or more."""

    name: str
    copies: int = 1
    at_least: bool = False

    def __str__(self) -> str:
        if self.copies == 1:
            return self.name
        return f"{self.name}x{'≥' if self.at_least else ''}{self.copies}"

    def __lt__(self, other: Allele) -> bool:
        return self._order < other._order

    @property
    def _order(self) -> tuple[int, str, int]:
        digits = re.match(r"\*(\d+)", self.name)
        return (int(digits[1]) if digits else 10**6), self.name, self.copies


@dataclass(frozen=True, slots=True)
class Presence:
    """HLA alleles, of those that guidelines name, that are there and that are not; ``asked``: named by the report."""

    there: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Genotype:
    """A report of one gene, read: not tested, without a call, or every pair of alleles that it may mean.

    A pair holds ``None`` for an allele that was not called.
    """

    gene: str
    text: str
    call: Call
    pairs: tuple[tuple[Allele | None, Allele | None], ...] = ()
    presences: tuple[Presence, ...] = field(default=())


def read_genotype(gene: str, text: str, *, hla: Collection[str] = ()) -> Genotype:
    """Take a report apart.

    Parameters
    ----------
    gene : str
        A symbol, such as ``CYP2D6``.
    text : str
        ``*1/*4``, ``*1/*2x2``, ``(*1/*4)x3`` where it is not known which allele was doubled, ``*4/?`` or ``*4`` where
        one allele was not called, several of those with ``or``, ``;`` or ``,`` between them; ``not tested``,
        ``indeterminate``. Of HLA also ``*15:02 negative; *15:11 positive``: several calls that all hold, and with
        ``or`` between them several readings.
    hla
        The alleles that matter, of a gene that is typed by presence; empty for the others.

    Raises
    ------
    WrongDiplotype
        The text cannot be taken apart.
    """
    clean = " ".join(text.split())
    call = read_diplotype(gene, clean).call
    if call is not Call.CALLED:
        return Genotype(gene, clean, call)
    if hla:
        readings = re.split(r"\s+or\s+", clean, flags=re.IGNORECASE)
        presences = (one for reading in readings for one in _reported(gene, reading, clean, hla))
        return Genotype(gene, clean, call, presences=tuple(dict.fromkeys(presences)))
    parts = [part.strip() for part in re.split(r"\s+or\s+|[;,|]", clean, flags=re.IGNORECASE)]
    pairs = tuple(dict.fromkeys(pair for part in parts for pair in _pairs(gene, part, clean)))
    if len(pairs) > MOST_READINGS:
        raise _wrong(gene, clean, f"It has more than {MOST_READINGS} readings.")
    return Genotype(gene, clean, call, pairs=pairs)


def _wrong(gene: str, text: str, why: str = "") -> WrongDiplotype:
    example = "*15:02 positive" if gene.startswith("HLA") else "*1/*4"
    return WrongDiplotype(f"{gene}: '{text}' is no diplotype. {why or f'Write it like {example}.'}")


def _pairs(gene: str, part: str, whole: str) -> list[tuple[Allele | None, Allele | None]]:
    if found := _WHOLE_COPIES.fullmatch(part):
        return _spread(gene, found[1], int(found[2]), whole)
    halves = [half.strip() for half in part.split("/")]
    if len(halves) == 1:
        halves.append(PARTIAL)
    if len(halves) != 2 or not all(_WORD.fullmatch(half) for half in halves) or halves == [PARTIAL, PARTIAL]:
        raise _wrong(gene, whole)
    first, second = (_readings(gene, half, whole) for half in halves)
    return list(product(first, second))


def _spread(gene: str, pair: str, total: int, whole: str) -> list[tuple[Allele | None, Allele | None]]:
    """So many copies in all, of which it is not known whose they are."""
    (first, second), *more = _pairs(gene, pair, whole)
    if more or first is None or second is None or max(first.copies, second.copies) > 1 or total < 2:
        raise _wrong(gene, whole, "Say the alleles and the copies of both together, as in (*1/*4)x3.")
    spread = [(Allele(first.name, total - n), Allele(second.name, n)) for n in range(1, total)]
    return list(spread)


def _readings(gene: str, half: str, whole: str) -> list[Allele | None]:
    word = _WORD.fullmatch(half)
    name = word[1] if word else half
    if name == PARTIAL:
        return [None]
    found = _ALLELE.fullmatch(name)
    if not found:  # a name of an older kind, or alleles in tandem: in no table of ours, and kept as it is
        if re.fullmatch(r"\*\d+[A-Z]*(?:x[1-9]\d*)?(?:\+\*\d+[A-Z]*(?:x[1-9]\d*)?)*", name, re.ASCII):
            return [Allele(name)]
        raise _wrong(gene, whole)
    if found[5]:  # xN: doubled, or more
        return [Allele(found[1], 2), Allele(found[1], MANY, at_least=True)]
    return [Allele(found[1], int(found[2] or found[4] or 1), bool(found[3]))]


def _reported(gene: str, reading: str, whole: str, hla: Collection[str]) -> list[Presence]:
    """One reading: calls of single alleles, which all hold, or pairs of typed alleles, of which one does."""
    parts = [part.strip() for part in re.split(r"[;,|]|\s+and\s+", reading, flags=re.IGNORECASE)]
    calls = [found for part in parts if (found := _HLA_CALL.fullmatch(part))]
    if not calls:
        return [one for part in parts for one in _presences(gene, part, whole, hla)]
    if len(calls) < len(parts):
        raise _wrong(gene, whole, "Write either calls of alleles, as in *15:02 negative; *15:11 positive, or a pair.")
    there, absent = (
        frozenset(one[1] for one in calls if one[2].casefold() == call and one[1] in hla)
        for call in ("positive", "negative")
    )
    if both := there & absent:
        raise _wrong(gene, whole, f"It says that {min(both)} is there, and that it is not.")
    return [Presence(there, absent, asked=bool(there | absent))]


def _presences(gene: str, part: str, whole: str, hla: Collection[str]) -> list[Presence]:
    halves = [half.strip() for half in part.split("/")]
    fields = [_HLA.fullmatch(half) for half in halves if half != PARTIAL]
    if len(halves) > 2 or not fields or not all(fields):
        raise _wrong(gene, whole)
    complete = len(halves) == 2 and len(fields) == 2
    found_there: list[list[str | None]] = []
    for one in fields:
        assert one is not None
        if one[2]:
            found_there.append([f"{one[1]}:{one[2]}"])
        else:  # typed to one field only: it may be any of the group
            found_there.append([*(name for name in hla if name.startswith(f"{one[1]}:")), None])
    answers = []
    for names in product(*found_there):
        there = frozenset(name for name in names if name is not None and name in hla)
        absent = frozenset(hla) - there if complete else frozenset()
        answers.append(Presence(there=there, absent=absent))
    return answers
