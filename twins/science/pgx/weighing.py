"""How much a recommendation changes: one scale for pages and for the API's level of caution."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from twins.science.pgx.phenotypes import HLA, NO_RESULT
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

    Only the action that leads speaks against a drug. The usual dose is no clearance where an HLA gene of the guideline
    was not tested, nor where a drug is taken that changes an enzyme of it: that weighs 2.
    """
    own = _without_drugs(one)
    return CHANGES if one.beside and own == UNCHANGED else own


def only_beside(one: Recommendation) -> bool:
    """Whether it changes nothing by itself, and weighs 2 because a drug is taken that changes an enzyme of it."""
    return bool(one.beside) and _without_drugs(one) == UNCHANGED


def _without_drugs(one: Recommendation) -> int:
    if one.action == NONE:
        return SILENT
    if one.action in {"avoid", "consider_alternative"}:
        return AGAINST
    untested = any(gene in HLA and state == NO_RESULT for gene, state in one.of)
    return CHANGES if untested or _CHANGING & set(one.actions) else UNCHANGED


def caution(said: Collection[Recommendation]) -> str | None:
    """``high``, ``medium`` or ``low`` of the weightiest; ``None`` where none recommends anything."""
    return _LEVELS[max(map(weight, said), default=SILENT)]
