"""How much a recommendation changes: one scale for pages and for the API's level of caution."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from twins.science.pgx.phenotypes import HLA
from twins.science.pgx.recommending import NONE, Recommendation

AGAINST: Final = 3
CHANGES: Final = 2
UNCHANGED: Final = 1
SILENT: Final = 0
_LEVELS: Final = {AGAINST: "high", CHANGES: "medium", UNCHANGED: "low", SILENT: None}
_CHANGING: Final = frozenset(
    {"reduced_dosing", "increased_dosing", "slower_titration", "dose_cap", "tdm", "careful_monitoring"}
)


def weight(one: Recommendation) -> int:
    """3 speaks against the drug, 2 changes how it is given or watched, 1 changes nothing, 0 is no word.

    Only the action that leads speaks against a drug. The usual dose is no clearance where a gene of the guideline was
    not tested, nor where a drug is taken that changes an enzyme of it: that weighs 2.
    """
    own = _by_itself(one)
    return CHANGES if own == UNCHANGED and (one.beside or one.untested) else own


def only_beside(one: Recommendation) -> bool:
    """Whether it changes nothing by itself, and weighs 2 because a drug is taken that changes an enzyme of it."""
    return bool(one.beside) and not one.untested and _by_itself(one) == UNCHANGED


def only_untested(one: Recommendation) -> bool:
    """Whether it changes nothing by itself, and weighs 2 because an enzyme that its guideline asks for is not known."""
    return bool(one.untested) and not HLA.keys() & set(one.untested) and _by_itself(one) == UNCHANGED


def _by_itself(one: Recommendation) -> int:
    if one.action == NONE:
        return SILENT
    if one.action in {"avoid", "consider_alternative"}:
        return AGAINST
    return CHANGES if _CHANGING & set(one.actions) else UNCHANGED


def caution(said: Collection[Recommendation]) -> str | None:
    """``high``, ``medium`` or ``low`` of the weightiest; ``None`` where none recommends anything."""
    return _LEVELS[max(map(weight, said), default=SILENT)]
