"""The formats of notes, as data: sections with their titles, and which facts a draft may put into each.

A file is one version of one format, and is never edited: a changed format is a new file with a higher version. A site's
own stand in the folder ``NOTE_FORMATS_DIR`` and may add to those that come with Novamind, not replace them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

SHIPPED: Final = Path(__file__).parent / "format_files"
#: What a section may draw on; each fact is of one kind.
KINDS: Final = frozenset({"answers", "text", "measured", "treatment", "changes", "safety"})
TASKS: Final = frozenset({"clinical", "psychiatry"})
_ID: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a note, and the kinds of facts that a draft puts there."""

    id: str
    title: str
    help: str
    draws: frozenset[str]


@dataclass(frozen=True, slots=True)
class Format:
    """One version of a format; ``task`` says which of the configured models drafts it."""

    id: str
    version: int
    title: str
    task: str
    sections: tuple[Section, ...]


@cache
def _of(folder: Path) -> tuple[Format, ...]:
    return tuple(_read(path) for path in sorted(folder.glob("*.json")))


def formats() -> list[Format]:
    """The newest version of each, by title."""
    newest: dict[str, Format] = {}
    for one in _all():
        if one.id not in newest or one.version > newest[one.id].version:
            newest[one.id] = one
    return sorted(newest.values(), key=lambda one: one.title)


def format_of(id: str, version: int | None = None) -> Format:
    """A format, the newest unless a version is named; ``KeyError`` where there is none."""
    found = [
        one for one in (formats() if version is None else _all()) if one.id == id and version in (None, one.version)
    ]
    if not found:
        raise KeyError(id)
    return found[0]


def _all() -> list[Format]:
    own = Path(settings.NOTE_FORMATS_DIR) if settings.NOTE_FORMATS_DIR else None
    found = [*_of(SHIPPED), *(_of(own) if own else ())]
    names = [(one.id, one.version) for one in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ImproperlyConfigured(f"two files are the same version of a format of notes: {sorted(twice)}")
    return found


def _read(path: Path) -> Format:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        sections = tuple(_section(one) for one in said["sections"])
        made = Format(said["id"], said["version"], said["title"], said["task"], sections)
    except (ValueError, KeyError, TypeError) as error:
        raise ImproperlyConfigured(f"{path.name} is no format of notes: {type(error).__name__}") from None
    ids = [one.id for one in sections]
    if not (
        all(_ID.fullmatch(id) for id in [made.id, *ids])
        and ids
        and len(set(ids)) == len(ids)
        and isinstance(made.version, int)
        and made.task in TASKS
        and path.stem == f"{made.id}-{made.version}"
        and all(one.draws <= KINDS for one in sections)
    ):
        raise ImproperlyConfigured(f"{path.name} is no format of notes: an id, version, task or kind of fact is wrong")
    return made


def _section(said: dict[str, Any]) -> Section:
    return Section(said["id"], str(said["title"]), str(said.get("help", "")), frozenset(said["draws"]))
