"""The library of instruments, read once from JSON: ``<id>.json`` for each, and ``<id>.<version>.json`` for each earlier
wording, under which the answers given to it are shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

_LIBRARY = Path(__file__).parent / "library"
#: The parts of an instrument that have a source, in the words of a page.
SOURCED: Final = MappingProxyType(
    {
        "licence": "Licence",
        "wording": "Wording",
        "bands": "Severity bands",
        "cutoffs": "Cutoffs",
        "missing": "Unanswered items",
        "reliable_change": "Reliable change",
        "triage": "Triage",
        "pattern": "Pattern of symptoms",
        "note": "Remark on the total",
        "safety": "What alerts",
        "loinc": "LOINC codes",
    }
)


class UnknownInstrument(LookupError):
    """There is no instrument of that id."""


class WrongVersion(ValueError):
    """The answers were given to another version of the wording than the one in the library."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One printed answer and its points."""

    text: str
    score: int


@dataclass(frozen=True, slots=True)
class Condition:
    """An item is asked only if another one scored at least so much."""

    item: str
    at_least: int


@dataclass(frozen=True, slots=True)
class Item:
    """One question. ``scored`` and ``optional`` tell a side question (PHQ-9's difficulty) from those of the total."""

    id: str
    text: str
    choices: tuple[Choice, ...]
    asked_if: Condition | None = None
    scored: bool = True
    optional: bool = False
    loinc: str | None = None


@dataclass(frozen=True, slots=True)
class SafetyRule:
    """An answer of at least so many points alerts a clinician."""

    item: str
    at_least: int


@dataclass(frozen=True, slots=True)
class Cluster:
    """A group of symptoms of which some must be there (PCL-5)."""

    name: str
    items: tuple[str, ...]
    needs: int


@dataclass(frozen=True, slots=True)
class Instrument:
    """A questionnaire: wording, recall period, scoring, bands, what alerts, licence.

    ``total_range`` is ``None`` where there is no total (C-SSRS). ``may_be_missing`` is how many scored items may be
    unanswered for a prorated total. ``scoring_only``: the wording needs a licence and is not here, so that a clinician
    enters the points of a printed form and no patient is asked. ``reliable_worse``: ``higher``
    or ``lower``, whichever total is worse; empty where no reliable change is published. ``sources`` says where each
    part of it is from (:data:`SOURCED`). ``details`` holds what only some instruments have.
    """

    id: str
    version: str
    title: str
    short: str
    about: str
    recall: str
    instruction: str
    licence: str
    citation: str
    sources: Mapping[str, str]
    items: tuple[Item, ...]
    total_range: tuple[int, int] | None
    may_be_missing: int
    bands: tuple[tuple[int, int, str], ...]
    cutoffs: tuple[Mapping[str, Any], ...]
    reliable_points: int | None
    reliable_source: str
    reliable_worse: str
    safety: tuple[SafetyRule, ...]
    loinc: Mapping[str, Any]
    scoring_only: bool
    clusters: tuple[Cluster, ...]
    triage: tuple[tuple[str, tuple[str, ...]], ...]
    details: Mapping[str, Any]

    @property
    def scored(self) -> tuple[Item, ...]:
        """The items of the total."""
        return tuple(item for item in self.items if item.scored)

    def item(self, item_id: str) -> Item:
        """One item; ``KeyError`` if there is none of that id."""
        for item in self.items:
            if item.id == item_id:
                return item
        raise KeyError(item_id)

    def band(self, total: int) -> str:
        """The word for a total; empty where the instrument has no bands."""
        return next((word for low, high, word in self.bands if low <= total <= high), "")


def instruments() -> Mapping[str, Instrument]:
    """The library by id, in the order of titles: what can be filled in."""
    return _read(_LIBRARY)[0]


def as_given(instrument_id: str, version: str) -> Instrument | None:
    """The wording that answers were given to; ``None`` where that version is not kept."""
    now = instruments().get(instrument_id)
    return now if now and now.version == version else _read(_LIBRARY)[1].get((instrument_id, version))


@cache
def _read(folder: Path) -> tuple[Mapping[str, Instrument], Mapping[tuple[str, str], Instrument]]:
    """What is in use by id, and what was by id and version; ``ValueError`` for a file of another name than it says."""
    current, earlier = [], {}
    for path in sorted(folder.glob("*.json")):
        found = _loaded(json.loads(path.read_text(encoding="utf-8")))
        if path.stem == f"{found.id}.{found.version}":
            earlier[found.id, found.version] = found
        elif path.stem == found.id:
            current.append(found)
        else:
            raise ValueError(f"{path.name} holds {found.id}, version {found.version}")
    ordered = sorted(current, key=lambda one: (one.scoring_only, one.short))
    return MappingProxyType({one.id: one for one in ordered}), MappingProxyType(earlier)


def instrument(instrument_id: str, version: str | None = None) -> Instrument:
    """One of the library.

    Raises
    ------
    UnknownInstrument
        No such id.
    WrongVersion
        A version is asked for that is not the one in the library.
    """
    found = instruments().get(instrument_id)
    if found is None:
        raise UnknownInstrument(instrument_id)
    if version is not None and version != found.version:
        raise WrongVersion(f"{found.short} is here in version {found.version}")
    return found


def _loaded(raw: dict[str, Any]) -> Instrument:
    shared = raw.get("choices")
    low_high = raw["range"]
    change = raw["reliable_change"] or {}
    return Instrument(
        id=raw["id"],
        version=raw["version"],
        title=raw["title"],
        short=raw["short"],
        about=raw["about"],
        recall=raw["recall"],
        instruction=raw["instruction"],
        licence=raw["licence"],
        citation=raw["citation"],
        sources=MappingProxyType(raw["sources"] | ({"reliable_change": change["source"]} if change else {})),
        items=tuple(_item(one, shared) for one in raw["items"]),
        total_range=None if low_high is None else (low_high[0], low_high[1]),
        may_be_missing=raw["may_be_missing"],
        bands=tuple((low, high, word) for low, high, word in raw["bands"]),
        cutoffs=tuple(MappingProxyType(one) for one in raw["cutoffs"]),
        reliable_points=change.get("points"),
        reliable_source=change.get("source", ""),
        reliable_worse=change.get("worse", ""),
        safety=tuple(SafetyRule(**one) for one in raw["safety"]),
        loinc=MappingProxyType(raw["loinc"]),
        scoring_only=raw.get("scoring_only", False),
        clusters=tuple(Cluster(one["name"], tuple(one["items"]), one["needs"]) for one in raw.get("clusters", ())),
        triage=tuple((one["level"], tuple(one["any"])) for one in raw.get("triage", ())),
        details=MappingProxyType({name: value for name, value in raw.items() if name in _DETAILS}),
    )


_DETAILS = {"note_if_only", "clusters_say", "cluster_item_at_least"}


def _item(raw: dict[str, Any], shared: list[dict[str, Any]] | None) -> Item:
    condition = raw.get("asked_if")
    return Item(
        id=raw["id"],
        text=raw["text"],
        choices=tuple(Choice(one["text"], one["score"]) for one in raw.get("choices") or shared or ()),
        asked_if=Condition(**condition) if condition else None,
        scored=raw.get("scored", True),
        optional=raw.get("optional", False),
        loinc=raw.get("loinc"),
    )
