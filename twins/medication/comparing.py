"""The table of drugs compared: what is asked of it, which drugs are shown, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from twins.medication.advice import CONDITIONS, Advice

#: What may be asked for. Weight stands there twice: shares of people and kilograms are two scales.
SORTS: Final = {
    "efficacy": "Efficacy", "side_effects": "Side effects", "drug": "Name", "weight_gain": "People who gain weight",
    "weight": "Weight against sertraline, kg", "sedation": "Sedation", "movement": "Movement disorder (EPS)",
    "qtc": "QTc",
}  # fmt: skip
LEVELS: Final = {
    "high": "Spoken against", "medium": "Given otherwise, or not cleared", "low": "Unchanged", "none": "No word",
}  # fmt: skip
#: Changes are compared only where all are against the same.
_AGAINST: Final = {"qtc": "placebo", "weight": "sertraline"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page was asked for; whatever is unknown is the first choice, or no filter."""

    condition: str
    sort: str
    drug_class: str = ""
    level: str = ""
    with_efficacy: bool = False

    @classmethod
    def read(cls, said: Mapping[str, str]) -> Asked:
        """Of the parameters of an address."""
        condition, sort, level = said.get("condition_type", ""), said.get("sort", ""), said.get("level", "")
        return cls(
            condition if condition in CONDITIONS else next(iter(CONDITIONS)),
            sort if sort in SORTS else next(iter(SORTS)),
            said.get("drug_class", ""),
            level if level in LEVELS else "",
            bool(said.get("with_efficacy")),
        )


def classes_of(advised: Iterable[Advice]) -> list[str]:
    """The classes there are, by name."""
    return sorted({one.drug_class for one in advised})


def shown(advised: Iterable[Advice], asked: Asked) -> list[Advice]:
    """The drugs that pass the filters, in the order asked for; those of which it is not known come last, by name."""
    drug_class = asked.drug_class if asked.drug_class in classes_of(advised) else ""
    kept = [
        one for one in advised
        if (not drug_class or one.drug_class == drug_class)
        and (not asked.level or level_of(one) == asked.level)
        and not (asked.with_efficacy and one.response is None and one.difference is None)
    ]  # fmt: skip
    return sorted(kept, key=lambda one: _place(one, asked.sort))


def level_of(one: Advice) -> str:
    """A key of ``LEVELS``: the most cautious thing that a guideline, or a rule of the clinic, says of a drug."""
    return "high" if one.barred else one.caution or "none"


def _place(one: Advice, sort: str) -> tuple[Any, ...]:
    value = _VALUES[sort](one) if sort in _VALUES else _effect(one, sort)
    return value is None, value, one.drug


def _effect(one: Advice, effect: str) -> float | None:
    """The share with a side effect, or what the drug changes against the one thing that all are compared with."""
    if effect in _AGAINST:
        against = _AGAINST[effect]
        return next((each.change for each in one.changes if (each.effect, each.against) == (effect, against)), None)
    return next((each.share for each in one.rates if each.effect == effect), None)


_VALUES: Final[Mapping[str, Any]] = {
    "efficacy": lambda one: None if one.response is None else -one.response.share,
    "side_effects": lambda one: one.compared.burden,
    "drug": lambda one: one.drug,
}
