"""Phenoconversion: what drugs that are taken make of an enzyme, beside what the genotype says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from twins.science.pgx.phenotypes import Score, State, scored_states

SHIPPED: Final = Path(__file__).with_name("conversion.json")
CLASSES: Final = ("strong", "moderate", "weak")


@dataclass(frozen=True, slots=True)
class Inhibitor:
    """A drug that inhibits an enzyme, how strongly, who says so, and for how many days after its end, if known."""

    drug: str
    gene: str
    strength: str
    source: str
    url: str
    note: str | None = None
    stays_days: int | None = None


@dataclass(frozen=True, slots=True)
class Remembered:
    """A drug that is said to ``inhibit`` or ``induce`` (``effect``) an enzyme, of which no source was read."""

    drug: str
    gene: str
    effect: str


@dataclass(frozen=True)
class Conversions:
    """What is known of inhibitors.

    ``multipliers``: what is left of the score of ``gene``, by class. ``confirmed``: who checked them at the source, and
    when; ``None`` as long as nobody has. ``without_a_class``: what is only remembered, by drug, gene and
    effect: it is named and counts nowhere. ``lately_days``: for so long after its end a drug is still
    named, where no source says how long it acts. ``sha256``: of the multipliers with their gene and source, which is
    what somebody confirms.
    """

    version: str
    gene: str
    multipliers: Mapping[str, float]
    source: str
    confirmed: Mapping[str, Any] | None
    inhibitors: tuple[Inhibitor, ...]
    without_a_class: tuple[Remembered, ...] = ()
    lately_days: int = 0
    sha256: str = ""

    def of(self, gene: str, taking: Collection[str]) -> tuple[Inhibitor, ...]:
        """The drugs taken that inhibit it, the strongest first."""
        found = [one for one in self.inhibitors if one.gene == gene and one.drug in taking]
        return tuple(sorted(found, key=lambda one: (CLASSES.index(one.strength), one.drug)))

    def acting_on(self, genes: Collection[str], taking: Collection[str]) -> tuple[str, ...]:
        """The drugs taken that are known or said to change one of these enzymes, in order of their names."""
        every: tuple[Inhibitor | Remembered, ...] = (*self.inhibitors, *self.without_a_class)
        return tuple(sorted({one.drug for one in every if one.gene in genes and one.drug in taking}))

    def emptied(self, taking: Collection[str]) -> frozenset[str]:
        """The genes of which an inhibitor taken leaves nothing, whatever the genotype."""
        found = self.of(self.gene, taking)
        return frozenset({self.gene} if found and self.multipliers[found[0].strength] == 0 else ())

    def stays_days(self, drug: str) -> int | None:
        """For how many days after its end a drug still inhibits; ``None`` where that is not known."""
        return max((one.stays_days for one in self.inhibitors if one.drug == drug and one.stays_days), default=None)

    @property
    def drugs(self) -> frozenset[str]:
        """Every drug that is spoken of."""
        return frozenset(one.drug for one in self.inhibitors) | {one.drug for one in self.without_a_class}


@cache
def shipped_conversions() -> Conversions:
    """What comes with Novamind."""
    return load_conversions(SHIPPED)


def load_conversions(path: Path) -> Conversions:
    """A file of inhibitors and multipliers.

    Raises
    ------
    ValueError
        A multiplier would raise a score, or a class or source is not there.
    """
    said = json.loads(path.read_text(encoding="utf-8"))
    table, sources = said["multipliers"], said["sources"]
    multipliers = {name: float(table[name]) for name in CLASSES}
    if not all(0 <= value <= 1 for value in multipliers.values()):
        raise ValueError(f"{path.name}: an inhibitor raises no score, so a multiplier lies between 0 and 1")
    inhibitors = []
    for row in said["inhibitors"]:
        if row["class"] not in CLASSES or row["source"] not in sources:
            raise ValueError(f"{path.name}: {row['drug']} has no class or no source")
        source = sources[row["source"]]
        inhibitors.append(
            Inhibitor(
                row["drug"],
                row["gene"],
                row["class"],
                source["title"],
                source["url"],
                row.get("note"),
                row.get("stays_days"),
            )
        )
    return Conversions(
        said["version"],
        table["gene"],
        multipliers,
        table["source"],
        table["confirmed"],
        tuple(inhibitors),
        tuple(Remembered(**one) for one in said["without_a_class"]),
        int(said["lately_days"]),
        _sha256({"gene": table["gene"], "source": table["source"]} | multipliers),
    )


def _sha256(told: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def converted(gene: str, state: State, taking: Collection[str], known: Conversions) -> tuple[State, ...]:
    """What a gene's state becomes beside the drugs taken; empty where none inhibits, or nothing can be computed.

    The strongest inhibitor counts; several do not add up, for nothing is published on that. Only a score can be
    converted, or one that is not known where nothing of it is left: of an enzyme without scores it is known that it
    is inhibited, not what remains. More than one state where
    "at least" so many copies were counted.
    """
    inhibitors = known.of(gene, taking)
    if gene != known.gene or not inhibitors:
        return ()
    left = min(known.multipliers[one.strength] for one in inhibitors)
    if state.score is None:  # of any score, no part is none
        return scored_states(gene, Score(0.0)) if left == 0 else ()
    return scored_states(gene, state.score.times(left))
