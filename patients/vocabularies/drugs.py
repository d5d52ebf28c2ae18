"""The catalogue of drugs: generic name, class, and the codes that were seen at their source (``drugs.json``)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

_FILE = Path(__file__).with_name("drugs.json")


@dataclass(frozen=True, slots=True)
class Drug:
    """One ingredient.

    ``rxnorm`` and ``atc`` are ``None`` where no source was read that names them. ``substance_use``: given to treat
    substance use, so that what a programme writes of it is labelled (42 CFR Part 2).
    """

    id: str
    name: str
    drug_class: str
    rxnorm: str | None
    atc: str | None
    also: tuple[str, ...] = ()
    substance_use: bool = False


@cache
def drugs() -> Mapping[str, Drug]:
    """Every drug by its id, in the order of their names."""
    rows = json.loads(_FILE.read_text(encoding="utf-8"))["drugs"]
    found = [
        Drug(
            id=row["id"],
            name=row["name"],
            drug_class=row["class"],
            rxnorm=row["rxnorm"],
            atc=row["atc"],
            also=tuple(row.get("also", ())),
            substance_use=row.get("substance_use", False),
        )
        for row in rows
    ]
    return MappingProxyType({one.id: one for one in sorted(found, key=lambda one: one.name)})


@cache
def _by_name() -> Mapping[str, Drug]:
    names = {name.casefold(): one for one in drugs().values() for name in (one.name, one.id, *one.also)}
    return MappingProxyType(names | {one.rxnorm: one for one in drugs().values() if one.rxnorm})


def drug(name: str) -> Drug | None:
    """The drug of that name, other name, id or RxNorm code, whatever its case; ``None`` if it is not in the catalogue.

    Never the nearest one: a name that is spelled otherwise stays a free text.
    """
    return _by_name().get(" ".join(name.split()).casefold())
