"""What the card of a model must say, as one table; what is missing on a card; a card as its page shows it.

A card answers every attribute: with a sentence, with figures where it measures, or with ``{"not_available": why}``.
The rule foresees "not available" for external validation, external and local figures, outcomes and the update
schedule (45 CFR 170.315(b)(11)(v)(A)(2)); here every attribute may be answered so, because weights come from others,
and none may be left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

Card = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One thing a card must say; ``measured`` is answered with figures."""

    key: str
    asks: str
    measured: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Attributes that belong together, and the rule that asks for them (empty: ours)."""

    title: str
    rule: str
    attributes: tuple[Attribute, ...]


_DEMOGRAPHY = (
    "race, ethnicity, language, sexual orientation, gender identity, sex, date of birth, social determinants of "
    "health, health status assessments"
)

#: The groups and attributes of 45 CFR 170.315(b)(11)(iv)(B), in its order and words.
SOURCE_ATTRIBUTES: Final = (
    Group("Details and output of the intervention", "(1)", (
        Attribute("developer", "Name and contact information for the intervention developer"),
        Attribute("funding", "Funding source of the technical implementation for the intervention(s) development"),
        Attribute("output_value", "Description of value that the intervention produces as an output"),
        Attribute("output_type", "Whether the intervention output is a prediction, classification, recommendation, "
                  "evaluation, analysis, or other type of output"),
    )),
    Group("Purpose of the intervention", "(2)", (
        Attribute("intended_use", "Intended use of the intervention"),
        Attribute("intended_population", "Intended patient population(s) for the intervention's use"),
        Attribute("intended_users", "Intended user(s)"),
        Attribute("decision_role", "Intended decision-making role for which the intervention was designed to be "
                  "used/for (e.g., informs, augments, replaces clinical management)"),
    )),
    Group("Cautioned out-of-scope use of the intervention", "(3)", (
        Attribute("cautioned_use", "Description of tasks, situations, or populations where a user is cautioned "
                  "against applying the intervention"),
        Attribute("known_limits", "Known risks, inappropriate settings, inappropriate uses, or known limitations"),
    )),
    Group("Intervention development details and input features", "(4)", (
        Attribute("training_criteria", "Exclusion and inclusion criteria that influenced the training data set"),
        Attribute("demographic_inputs", f"Use of variables in paragraph (b)(11)(iv)(A)(5)-(13) as input features "
                  f"({_DEMOGRAPHY})"),
        Attribute("training_demographics", "Description of demographic representativeness according to variables in "
                  "paragraph (b)(11)(iv)(A)(5)-(13) including, at a minimum, those used as input features"),
        Attribute("training_relevance", "Description of relevance of training data to intended deployed setting"),
    )),
    Group("Process used to ensure fairness in development of the intervention", "(5)", (
        Attribute("fairness_approach", "Description of the approach the intervention developer has taken to ensure "
                  "that the intervention's output is fair"),
        Attribute("bias_approach", "Description of approaches to manage, reduce, or eliminate bias"),
    )),
    Group("External validation process", "(6)", (
        Attribute("external_data", "Description of the data source, clinical setting, or environment where an "
                  "intervention's validity and fairness has been assessed, other than the source of training and "
                  "testing data"),
        Attribute("external_party", "Party that conducted the external testing"),
        Attribute("external_demographics", "Description of demographic representativeness of external data according "
                  "to variables in paragraph (b)(11)(iv)(A)(5)-(13) including, at a minimum, those used as input "
                  "features"),
        Attribute("external_process", "Description of external validation process"),
    )),
    Group("Quantitative measures of performance", "(7)", (
        Attribute("validity_internal", "Validity of intervention in test data derived from the same source as the "
                  "initial training data", measured=True),
        Attribute("fairness_internal", "Fairness of intervention in test data derived from the same source as the "
                  "initial training data", measured=True),
        Attribute("validity_external", "Validity of intervention in data external to or from a different source than "
                  "the initial training data", measured=True),
        Attribute("fairness_external", "Fairness of intervention in data external to or from a different source than "
                  "the initial training data", measured=True),
        Attribute("outcomes", "References to evaluation of use of the intervention on outcomes, including, "
                  "bibliographic citations or hyperlinks to evaluations of how well the intervention reduced "
                  "morbidity, mortality, length of stay, or other outcomes"),
    )),
    Group("Ongoing maintenance of intervention implementation and use", "(8)", (
        Attribute("validity_monitoring", "Description of process and frequency by which the intervention's validity "
                  "is monitored over time"),
        Attribute("validity_local", "Validity of intervention in local data", measured=True),
        Attribute("fairness_monitoring", "Description of the process and frequency by which the intervention's "
                  "fairness is monitored over time"),
        Attribute("fairness_local", "Fairness of intervention in local data", measured=True),
    )),
    Group("Update and continued validation or fairness assessment schedule", "(9)", (
        Attribute("update_process", "Description of process and frequency by which the intervention is updated"),
        Attribute("correction_process", "Description of frequency by which the intervention's performance is "
                  "corrected when risks related to validity and fairness are identified"),
    )),
)  # fmt: skip

#: What we ask beside the rule. Intended use, population, limits and figures are attributes of the rule already.
IN_PLAIN_WORDS: Final = Group("In plain words", "", (
    Attribute("does", "What it does, in one sentence"),
    Attribute("must_not", "What it must not be used for, in one sentence"),
    Attribute("licence", "Licence"),
    Attribute("citation", "Citation"),
))  # fmt: skip

GROUPS: Final = (IN_PLAIN_WORDS, *SOURCE_ATTRIBUTES)
ATTRIBUTES: Final = {attribute.key: attribute for group in GROUPS for attribute in group.attributes}

_FIGURE = {"metric", "value", "low", "high", "n", "population", "how"}


def not_available(why: str) -> dict[str, str]:
    """The answer to an attribute that cannot be answered."""
    return {"not_available": why}


def figure(metric: str, value: float, *, low: float, high: float, n: int, population: str, how: str) -> dict[str, Any]:
    """One figure of a measured attribute: never without its interval, how many it rests on, on whom and how."""
    return {"metric": metric, "value": value, "low": low, "high": high, "n": n, "population": population, "how": how}


def problems(card: Card) -> list[str]:
    """What keeps this card from being complete, a sentence each; empty if it is."""
    wrong = [f"{ATTRIBUTES[key].asks}: {why}." for key, why in _wrong(card)]
    return wrong + [f"“{key}” is nothing a card says." for key in sorted(set(card) - set(ATTRIBUTES))]


def _wrong(card: Card) -> Iterator[tuple[str, str]]:
    for key, attribute in ATTRIBUTES.items():
        answer = card.get(key)
        if isinstance(answer, dict):
            if set(answer) != {"not_available"} or not _is_text(answer["not_available"]):
                yield key, "not available, but not why"
        elif not attribute.measured:
            if not _is_text(answer):
                yield key, "not answered"
        elif not isinstance(answer, list) or not answer:
            yield key, "not answered"
        elif not all(_is_figure(entry) for entry in answer):
            yield key, "a figure without its interval, n, population or method"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_figure(entry: Any) -> bool:
    if not isinstance(entry, dict) or set(entry) != _FIGURE:
        return False
    numbers = [entry[name] for name in ("low", "value", "high", "n")]
    if not all(isinstance(number, int | float) and isfinite(number) for number in numbers):
        return False
    ordered = entry["low"] <= entry["value"] <= entry["high"] and entry["n"] > 0
    return ordered and all(_is_text(entry[name]) for name in ("metric", "population", "how"))


def read(card: Card) -> list[dict[str, Any]]:
    """The card for a page: groups of rows with ``asks`` and one of ``text``, ``figures``, ``why_not``, or none."""
    return [
        {"title": group.title, "rule": group.rule, "rows": [_row(each, card) for each in group.attributes]}
        for group in GROUPS
    ]


def _row(attribute: Attribute, card: Card) -> dict[str, Any]:
    answer = card.get(attribute.key)
    row: dict[str, Any] = {"asks": attribute.asks}
    if isinstance(answer, dict):
        row["why_not"] = answer.get("not_available")
    elif isinstance(answer, list):
        row["figures"] = [entry for entry in answer if _is_figure(entry)]
    else:
        row["text"] = answer
    return row
