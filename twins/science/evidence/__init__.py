"""What trials say of populations: absolute numbers with intervals and sources; never a prediction for one person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from twins.science.evidence.comparing import Best, Compared, best

__all__ = [
    "EFFECTS",
    "Acceptability",
    "Best",
    "Change",
    "Compared",
    "Difference",
    "Evidence",
    "Rate",
    "Response",
    "Source",
    "best",
    "load_evidence",
    "share_of",
    "shipped_evidence",
]
SHIPPED: Final = Path(__file__).with_name("evidence.json")
STATUSES: Final = ("verified", "computed")
#: What rates and changes are of, in words.
EFFECTS: Final = {
    "movement": "movement disorder", "weight_gain": "weight gain", "sedation": "sedation",
    "anticholinergic": "dry mouth and the like", "qtc": "QTc", "weight": "weight",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Source:
    """Where a number stands, and whether it was read there (verified) or recomputed from trial arms (computed)."""

    title: str
    url: str
    status: str


@dataclass(frozen=True, slots=True)
class Response:
    """Shares of people who respond, 0 to 1: on the drug with its 95 % interval, and on placebo."""

    drug: str
    share: float
    low: float
    high: float
    placebo: float
    source: Source


@dataclass(frozen=True, slots=True)
class Difference:
    """Points of a scale against placebo with the 95 % interval; less is better."""

    drug: str
    measure: str
    points: float
    low: float
    high: float
    source: Source


@dataclass(frozen=True, slots=True)
class Acceptability:
    """Odds of leaving the trial early for any reason against placebo, with the 95 % interval; below 1 is better."""

    drug: str
    odds_ratio: float
    low: float
    high: float
    source: Source


@dataclass(frozen=True, slots=True)
class Rate:
    """The share of people with a side effect, 0 to 1."""

    drug: str
    effect: str
    share: float
    source: Source

    @property
    def words(self) -> str:
        """``sedation 6.2 %``."""
        return f"{EFFECTS[self.effect]} {100 * self.share:.3g} %"


@dataclass(frozen=True, slots=True)
class Change:
    """What a drug changes on average, against placebo or other drugs; ``to``: the other end of a range of trials."""

    drug: str
    effect: str
    change: float
    unit: str
    against: str
    source: Source
    to: float | None = None

    @property
    def words(self) -> str:
        """``QTc +14.1 ms against placebo``."""
        span = "" if self.to is None else f" to {self.to:+g}"
        return f"{EFFECTS[self.effect]} {self.change:+g}{span} {self.unit} against {self.against}"


@dataclass(frozen=True)
class Evidence:
    """One version of the evidence."""

    version: str
    responses: Mapping[str, Mapping[str, Response]]  # by condition and drug
    differences: Mapping[str, Mapping[str, Difference]]  # by condition and drug
    acceptability: Mapping[
        str, Mapping[str, Acceptability]
    ]  # by condition and drug; only where it differs from placebo
    rates: tuple[Rate, ...]
    changes: tuple[Change, ...]

    @property
    def with_facts(self) -> tuple[str, ...]:
        """Drugs of which some side effect is known: movement disorder, sedation, weight, QTc, dry mouth."""
        return tuple(dict.fromkeys((*(one.drug for one in self.rates), *(one.drug for one in self.changes))))

    @property
    def conditions(self) -> tuple[str, ...]:
        """Conditions that some efficacy is known for."""
        return tuple(dict.fromkeys((*self.responses, *self.differences)))

    def drugs(self, condition: str) -> tuple[str, ...]:
        """Drugs with a known efficacy for it."""
        return tuple(dict.fromkeys((*self.responses.get(condition, ()), *self.differences.get(condition, ()))))

    def rates_of(self, drug: str) -> tuple[Rate, ...]:
        """Side effects of a drug that a rate is known of, the most frequent first."""
        return tuple(sorted((one for one in self.rates if one.drug == drug), key=lambda one: -one.share))

    def changes_of(self, drug: str) -> tuple[Change, ...]:
        """What it changes on average."""
        return tuple(one for one in self.changes if one.drug == drug)


def share_of(odds_ratio: float, placebo: float) -> float:
    """The share that responds, 0 to 1, of an odds ratio against a share on placebo.

    Raises
    ------
    ValueError
        A share outside 0 to 1, or an odds ratio that is not above 0.
    """
    if odds_ratio <= 0 or not 0 < placebo < 1:
        raise ValueError("an odds ratio is above 0, a share between 0 and 1")
    return odds_ratio * placebo / (1 - placebo + odds_ratio * placebo)


@cache
def shipped_evidence() -> Evidence:
    """What comes with Novamind."""
    return load_evidence(SHIPPED)


def load_evidence(path: Path) -> Evidence:
    """An evidence file, checked.

    Raises
    ------
    ValueError
        A source that was neither read nor recomputed: nothing of it may be shown.
    """
    said = json.loads(path.read_text(encoding="utf-8"))
    sources = {name: Source(**one) for name, one in said["sources"].items()}
    if wrong := [name for name, one in sources.items() if one.status not in STATUSES]:
        raise ValueError(f"{path.name}: {', '.join(wrong)} was neither read at its source nor recomputed")
    responses: dict[str, dict[str, Response]] = {}
    for row in said["response"]:
        placebo = said["placebo_response"][row["condition"]]["share"]
        shares = [share_of(row[name], placebo) for name in ("odds_ratio", "low", "high")]
        one = Response(row["drug"], shares[0], shares[1], shares[2], placebo, sources[row["source"]])
        responses.setdefault(row["condition"], {})[row["drug"]] = one
    differences: dict[str, dict[str, Difference]] = {}
    for row in said["difference"]:
        named: dict[str, Any] = {name: row[name] for name in ("drug", "measure", "points", "low", "high")}
        differences.setdefault(row["condition"], {})[row["drug"]] = Difference(**named, source=sources[row["source"]])
    acceptability: dict[str, dict[str, Acceptability]] = {}
    for row in said["acceptability"]:
        left = Acceptability(row["drug"], row["odds_ratio"], row["low"], row["high"], sources[row["source"]])
        acceptability.setdefault(row["condition"], {})[row["drug"]] = left
    rates = tuple(Rate(row["drug"], row["effect"], row["share"], sources[row["source"]]) for row in said["rates"])
    changes = tuple(
        Change(
            row["drug"],
            row["effect"],
            row["change"],
            row["unit"],
            row["against"],
            sources[row["source"]],
            row.get("to"),
        )
        for row in said["changes"]
    )
    return Evidence(said["version"], responses, differences, acceptability, rates, changes)
