"""Drugs compared by what trials say of populations, without those that something speaks against for this patient."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Compared:
    """One drug to be compared: the share that responds and the largest share with a side effect, where known.

    ``against``: whether a guideline, or a rule of the clinic, speaks against it for this patient.
    """

    drug: str
    efficacy: float | None
    burden: float | None
    against: bool = False

    @property
    def balance(self) -> float | None:
        """Efficacy times (1 - largest side effect); ``None`` unless both are known."""
        return None if self.efficacy is None or self.burden is None else self.efficacy * (1 - self.burden)


@dataclass(frozen=True, slots=True)
class Best:
    """The first of the drugs that nothing speaks against; ``None`` where of none of them it is known.

    ``passed_over``: drugs that would stand before it, had nothing spoken against them; the first one first.
    """

    first: Compared | None
    passed_over: tuple[str, ...] = ()


def best(compared: Collection[Compared]) -> dict[str, Best]:
    """Highest efficacy, lowest side effects, best balance: each among the drugs of which it is known.

    A drug that a guideline speaks against is never first, whatever trials say of it in people of other genes: it is
    named as passed over. No side effects are lowest while those of half the drugs or more are not known: the least of a
    few says nothing of the rest.
    """
    many = sum(one.burden is not None for one in compared) > len(compared) / 2
    return {
        "highest_efficacy": _first(compared, lambda one: one.efficacy),
        "lowest_side_effects": _first(compared, lambda one: None if one.burden is None else -one.burden)
        if many
        else Best(None),
        "optimal_balance": _first(compared, lambda one: one.balance),
    }


def _first(compared: Collection[Compared], of: Callable[[Compared], float | None]) -> Best:
    ranked = sorted(((value, one) for one in compared if (value := of(one)) is not None), key=lambda each: -each[0])
    open_to = [one for _, one in ranked if not one.against]
    first = open_to[0] if open_to else None
    before = ranked if first is None else [each for each in ranked if each[0] > (of(first) or 0.0)]
    return Best(first, tuple(one.drug for _, one in before if one.against))
