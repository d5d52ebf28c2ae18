"""What a recommendation says, in our words, from its actions and doses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

#: Every action, and what it says where it stands alone.
ACTIONS: Final[Mapping[str, str]] = {
    "standard_dosing": "Start with the usual dose.",
    "reduced_dosing": "Give less than the usual dose.",
    "increased_dosing": "Aim higher than the usual dose.",
    "consider_alternative": "Consider another drug.",
    "avoid": "Avoid {drug}.",
    "careful_monitoring": "Watch response and harm closely.",
    "tdm": "Let plasma levels guide the dose.",
    "slower_titration": "Raise the dose more slowly than usual.",
    "dose_cap": "Keep below a limit.",
    "no_action": "This genotype calls for no change.",
    "no_recommendation": "The guideline gives no recommendation for this genotype.",
}
#: Between these and what is to be done if the drug is given after all.
_AGAINST: Final = ("avoid", "consider_alternative")
_DOSES: Final = ("reduced_dosing", "increased_dosing", "standard_dosing", "slower_titration", "dose_cap")


def words(
    drug: str, genes: Sequence[str], actions: Sequence[str], dose: Mapping[str, Any] | None, note: str | None
) -> str:
    """The sentences of one rule: the leading action first, the dose in numbers, then what else it says.

    Parameters
    ----------
    drug : str
        Its name.
    genes
        The genes of the guideline, for "another drug that depends less on …".
    actions
        Keys of ``ACTIONS``, the leading one first.
    dose
        ``factor`` (shares of the usual dose), ``of`` (which dose), ``start`` (``lower``
        than usual), ``cap`` (in words); or nothing.
    note : str or None
        Sentences to end with.
    """
    if actions[0] == "standard_dosing" and "consider_alternative" in actions:
        said = [ACTIONS["standard_dosing"], "If the response is not enough, a higher dose or another drug."]
    else:
        said = [_sentence(drug, genes, one, dose or {}, bool(note)) for one in actions]
        if actions[0] in _AGAINST:
            turn = next((place for place, one in enumerate(actions) if one in _DOSES), 0)
            if turn and said[turn]:
                said[turn] = "If it is given all the same: " + said[turn][0].lower() + said[turn][1:]
        elif actions[0] in _DOSES:
            said = [f"Or: {one[0].lower()}{one[1:]}" if place and actions[place] in _AGAINST else one
                    for place, one in enumerate(said)]  # fmt: skip
    return " ".join(one for one in (*said, note) if one)


def _sentence(drug: str, genes: Sequence[str], action: str, dose: Mapping[str, Any], noted: bool) -> str:
    factor, of = dose.get("factor"), dose.get("of")
    if action in {"reduced_dosing", "increased_dosing"} and factor:
        start = "Start with less than usual. " if dose.get("start") == "lower" else ""
        return f"{start}Give {_share(factor)} of the usual {'' if of == 'usual' else f'{_WHICH[str(of)]} '}dose."
    if action == "reduced_dosing" and of == "starting":
        return "Start with less than usual."
    if action == "dose_cap":
        return f"At most {dose['cap']}." if "cap" in dose else "" if noted else ACTIONS[action]
    if action == "consider_alternative" and not any(gene.startswith("HLA") for gene in genes):
        return f"Consider another drug, one that depends less on {' or '.join(genes)}."
    return ACTIONS[action].format(drug=drug)


#: Which dose a share is of.
_WHICH: Final = {
    "starting": "starting",
    "maintenance": "maintenance",
    "starting and maintenance": "starting and maintenance",
    "later": "later",
}


def _share(factor: Sequence[float]) -> str:
    return " to ".join(f"{share * 100:g}" for share in factor) + " %"
