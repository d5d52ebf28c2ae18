"""From answers to a score, its words, and whether somebody must be told: exact rules, nothing estimated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from novamind.measures import Abstained
from patients.instruments.catalogue import Instrument, Item

Points = Mapping[str, int]  # item id -> its points, answered items alone


class WrongAnswers(ValueError):
    """Answers to items that do not exist, or that are none of the printed ones: item id -> what is wrong.

    An item that does not exist is told by its place in what was sent, as ``entry 2``: its id may be a name.
    """

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__("; ".join(f"{item}: {what}" for item, what in fields.items()))
        self.fields = fields


class SafetyState(StrEnum):
    """What the safety items said. None of these means that there is no risk."""

    FLAGGED = "flagged"
    NOT_ENDORSED = "not_endorsed"
    UNANSWERED = "unanswered"
    NOT_ASKED = "not_asked"


@dataclass(frozen=True, slots=True)
class Safety:
    """The safety items of one filled-in questionnaire: those endorsed and those left out."""

    state: SafetyState
    endorsed: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """What a filled-in questionnaire says.

    ``total`` is whole points, or the reason why there is none. ``prorated``: items were missing within the rule, and
    the total is the mean of the answered ones times all, rounded half up. ``says``: cutoffs and patterns that are met,
    in words. ``level``: the triage level of an instrument without a total, "at least" it while an answer that could
    raise it is missing; empty where no answer reaches one.
    """

    total: int | Abstained
    band: str
    prorated: bool
    missing: tuple[str, ...]
    says: tuple[str, ...]
    level: str
    safety: Safety


def score(instrument: Instrument, answers: Mapping[str, Any], *, sex: str = "unknown") -> Score:
    """Score a filled-in questionnaire.

    Parameters
    ----------
    instrument : Instrument
    answers : mapping of item id to int
        The place of the chosen answer as printed, counted from 0; ``None`` or absent where unanswered. Points follow
        from the instrument, so that reverse items (EPDS) cannot be entered the wrong way round.
    sex : str, optional
        ``female``, ``male``, or anything else: AUDIT-C has a cutoff for each of the two.

    Returns
    -------
    Score
        Its total is ``Abstained`` with ``items_missing`` where more items are unanswered than the published rule
        allows, and with ``no_total`` where the instrument has none. A missing item is never counted as 0; only an item
        that was not to be asked (AUDIT-C 2 and 3 of somebody who never drinks) is.

    Raises
    ------
    WrongAnswers
        An unknown item, or a place that is not among the printed answers.
    """
    points = _points(instrument, answers)
    missing = tuple(item.id for item in instrument.scored if _is_missing(item, points))
    total, prorated = _total(instrument, points, missing)
    return Score(
        total=total,
        band=instrument.band(total) if isinstance(total, int) else "",
        prorated=prorated,
        missing=missing,
        says=tuple(_sentences(instrument, points, total, missing, sex)),
        level=_level(instrument, points, missing),
        safety=_safety(instrument, points),
    )


def _points(instrument: Instrument, answers: Mapping[str, Any]) -> dict[str, int]:
    known = {item.id: item for item in instrument.items}
    wrong, points = {}, {}
    for number, (item_id, place) in enumerate(answers.items(), 1):
        if item_id not in known:
            wrong[f"entry {number}"] = "there is no such item"
        elif place is None:
            continue
        elif isinstance(place, bool) or not isinstance(place, int) or not 0 <= place < len(known[item_id].choices):
            wrong[item_id] = f"an answer is a whole number from 0 to {len(known[item_id].choices) - 1}"
        else:
            points[item_id] = known[item_id].choices[place].score
    if wrong:
        raise WrongAnswers(wrong)
    return points


def _is_asked(item: Item, points: Points) -> bool:
    """Whether the item belongs to this person's form; while the item it depends on is unanswered, it does."""
    if item.asked_if is None or item.asked_if.item not in points:
        return True
    return points[item.asked_if.item] >= item.asked_if.at_least


def _is_missing(item: Item, points: Points) -> bool:
    return item.id not in points and not item.optional and _is_asked(item, points)


def _total(instrument: Instrument, points: Points, missing: tuple[str, ...]) -> tuple[int | Abstained, bool]:
    if instrument.total_range is None:
        return Abstained("no_total"), False
    if len(missing) > instrument.may_be_missing:
        return Abstained("items_missing", needed=instrument.may_be_missing, got=len(missing)), False
    scored = instrument.scored
    answered = sum(points.get(item.id, 0) for item in scored)
    if not missing:
        return answered, False
    present = len(scored) - len(missing)
    return (2 * answered * len(scored) + present) // (2 * present), True  # half up, in whole numbers


def _sentences(
    instrument: Instrument, points: Points, total: int | Abstained, missing: tuple[str, ...], sex: str
) -> list[str]:
    if not isinstance(total, int):
        return []
    said = _cutoffs(instrument, total, sex)
    only = instrument.details.get("note_if_only")
    if only and total > 0 and points.get(only["item"]) == total:
        said = [only["says"]]  # in place of the cutoff: the same source says that it does not hold then
    if instrument.clusters and not missing and _has_pattern(instrument, points):
        said.append(instrument.details["clusters_say"])
    return said


def _cutoffs(instrument: Instrument, total: int, sex: str) -> list[str]:
    """The highest cutoff reached; of cutoffs by sex each that applies, and both where the sex is not recorded."""
    reached = [one for one in instrument.cutoffs if total >= one["at"]]
    by_sex = [one for one in reached if one.get("sex")]
    if by_sex:
        known = sex in {one["sex"] for one in instrument.cutoffs}
        return [f"{one['at']} or more: {one['says']}" for one in by_sex if not known or one["sex"] == sex]
    plain = max((one for one in reached if not one.get("sex")), key=lambda one: one["at"], default=None)
    return [f"{plain['at']} or more: {plain['says']}"] if plain else []


def _has_pattern(instrument: Instrument, points: Points) -> bool:
    least = instrument.details["cluster_item_at_least"]
    return all(sum(points[item] >= least for item in cluster.items) >= cluster.needs for cluster in instrument.clusters)


def _level(instrument: Instrument, points: Points, missing: tuple[str, ...]) -> str:
    """The highest level that an answer reaches; a missing one that would reach a higher one is not taken for a no."""
    open_above = False
    for level, items in instrument.triage:
        if any(points.get(item) for item in items):
            return f"at least {level}" if open_above else level
        open_above = open_above or bool(set(items) & set(missing))
    return ""


def _safety(instrument: Instrument, points: Points) -> Safety:
    if not instrument.safety:
        return Safety(SafetyState.NOT_ASKED)
    endorsed = [rule for rule in instrument.safety if points.get(rule.item, 0) >= rule.at_least]
    left_out = tuple(rule.item for rule in instrument.safety if _is_missing(instrument.item(rule.item), points))
    if endorsed:
        return Safety(SafetyState.FLAGGED, tuple(rule.item for rule in endorsed), left_out)
    return Safety(SafetyState.UNANSWERED if left_out else SafetyState.NOT_ENDORSED, (), left_out)
