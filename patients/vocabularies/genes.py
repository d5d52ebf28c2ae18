"""Genes, the alleles we have tables of, and diplotypes as laboratories write them.

Nothing here says what a diplotype means; it says only whether every allele of it is in our table. A text that is not
understood is kept as reported and never mended.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

_FILE = Path(__file__).with_name("genes.json")
SYMBOL: Final = re.compile(r"[A-Z][A-Z0-9]{1,9}(?:-[A-Z0-9]{1,6})?", re.ASCII)
LONGEST: Final = 120
#: Without case and punctuation (``_plain``): nothing was measured, or not yet.
NOT_TESTED: Final = frozenset(
    {
        "not tested", "untested", "nt", "n t", "not done", "not performed", "not ordered", "not reported",
        "no result", "no results", "not available", "unavailable", "not applicable", "na", "n a", "pending",
        "result pending", "results pending", "in progress",
    }
)  # fmt: skip
#: The same of what was measured without a call.
INDETERMINATE: Final = frozenset(
    {
        "indeterminate", "undetermined", "not determined", "inconclusive", "ambiguous", "no call", "nocall",
        "unknown", "unknown unknown", "failed", "fail", "failure", "assay failed", "test failed",
        "sample failed", "failed assay", "failed sample", "invalid", "qns", "quantity not sufficient",
        "insufficient sample", "insufficient dna", "not callable", "uncallable", "not called",
    }
)  # fmt: skip
_COPIES: Final = re.compile(r"(\*[0-9A-Z:]+)x([0-9]+)", re.ASCII | re.IGNORECASE)
_PRESENCE: Final = re.compile(r"(\*[0-9]{2}:[0-9]{2}) (positive|negative)", re.ASCII | re.IGNORECASE)
_JOINED: Final = re.compile(r"\s*[;,|]\s*|\s+and\s+", re.ASCII | re.IGNORECASE)
MANY: Final = 3  # from so many copies on the tables have one entry, "x≥3"


class Call(StrEnum):
    """What a laboratory says of one gene."""

    CALLED = "called"
    NOT_TESTED = "not_tested"
    INDETERMINATE = "indeterminate"


@dataclass(frozen=True, slots=True)
class Gene:
    """One gene and the alleles of our table; ``presence``: an allele is reported as there or not there."""

    symbol: str
    alleles: frozenset[str]
    data_version: str | None
    source: str
    presence: bool = False

    def knows(self, allele: str) -> bool:
        """Whether the table has this allele, copies counted (``*1x2``; three and more are one entry)."""
        copies = _COPIES.fullmatch(allele)
        if copies and int(copies[2]) >= MANY:
            return f"{copies[1]}x≥{MANY}" in self.alleles
        return allele in self.alleles


@dataclass(frozen=True, slots=True)
class Reported:
    """A result as it was read: the call, the text as reported, its alleles, and those that our table does not have.

    ``alleles`` are there, ``absent`` was looked for and is not (``*15:02 negative``). Both are empty where the text is
    no diplotype that we can take apart; ``in_table`` is then false.
    """

    call: Call
    text: str
    alleles: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def read(self) -> bool:
        """Whether the text could be taken apart."""
        return bool(self.alleles or self.absent)

    @property
    def in_table(self) -> bool:
        """Whether every allele is in our table."""
        return self.read and not self.unknown


@cache
def genes() -> Mapping[str, Gene]:
    """The genes that we have tables of, by symbol."""
    rows = json.loads(_FILE.read_text(encoding="utf-8"))["genes"]
    return MappingProxyType(
        {
            row["gene"]: Gene(
                symbol=row["gene"],
                alleles=frozenset(row["alleles"]),
                data_version=row["data_version"],
                source=row["source"],
                presence=row.get("presence", False),
            )
            for row in rows
        }
    )


def read_diplotype(symbol: str, text: str) -> Reported:
    """What a laboratory's text for a gene says.

    Parameters
    ----------
    symbol : str
        The gene; one that we have no table of is read too, and nothing of it is in a table.
    text : str
        ``*1/*4``, ``*1/*2x2``, ``*10+*36/*1``, ``*15:02 negative; *15:11 positive``, ``Not tested.``, …

    Returns
    -------
    Reported
        Never an error: what cannot be taken apart has no alleles.
    """
    reported = " ".join(text.split())
    if _plain(reported) in NOT_TESTED:
        return Reported(Call.NOT_TESTED, reported)
    if _plain(reported) in INDETERMINATE:
        return Reported(Call.INDETERMINATE, reported)
    gene = genes().get(symbol)
    alleles, absent = _alleles(reported, presence=gene.presence if gene else False)
    named = alleles + absent
    unknown = named if gene is None else tuple(one for one in named if not gene.knows(one))
    return Reported(Call.CALLED, reported, alleles, tuple(dict.fromkeys(unknown)), absent)


def _plain(text: str) -> str:
    """In small letters, with one space for whatever is neither letter nor digit, an allele's star excepted."""
    return " ".join(re.sub(r"[^\w*]|_", " ", text.casefold()).split())


def _alleles(text: str, *, presence: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The alleles that are there, and those that are said not to be."""
    said = [_PRESENCE.fullmatch(part) for part in _JOINED.split(text)] if presence else []
    if calls := [(one[1], one[2].casefold()) for one in said if one]:
        if len(calls) < len(said):
            return (), ()
        there = tuple(name for name, call in calls if call == "positive")
        return there, tuple(name for name, call in calls if call == "negative")
    halves = [half.strip() for half in text.split("/")]
    if len(halves) != 2 or not all(half.startswith("*") and " " not in half for half in halves):
        return (), ()
    return tuple(halves), ()
