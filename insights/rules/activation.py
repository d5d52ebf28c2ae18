"""More mood or energy on less sleep: what neither series says alone.

Elevated mood with increased energy is criterion A of a manic episode, decreased need for sleep the second of its
criterion B (American Psychiatric Association (2022) DSM-5-TR). Nothing is diagnosed by it: it asks for a look today.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from insights.statements import InsightType, Statement, Tier
from novamind.measures import Abstained

UP: Final = ("mood:higher", "energy:higher")
LESS_SLEEP: Final = "sleep_duration:lower"
METHOD: Final = (
    "Both statements hold on the same days, each by its own method; together as in criteria A and B2 of a manic "
    "episode (DSM-5-TR, American Psychiatric Association 2022)"
)


def statements(found: Iterable[Statement]) -> Iterator[Statement]:
    """One statement where mood or energy is above and sleep below the person's own range; of the series' statements."""
    strongest: dict[str, Statement] = {}
    for one in sorted(found, key=lambda one: one.strength):
        strongest[one.key] = one
    parts = [strongest[key] for key in (*UP, LESS_SLEEP) if key in strongest]
    if LESS_SLEEP not in strongest or len(parts) == 1:
        return
    yield replace(
        parts[0],
        key="activation",
        type=InsightType.SYMPTOM,
        description="More mood or energy on less sleep, which can begin a manic or hypomanic episode. "
        + " ".join(one.description for one in parts),
        method=METHOD,
        needs=tuple(dict.fromkeys(pair for one in parts for pair in one.needs)),
        tier=Tier.ACT,
        strength=min(one.strength for one in parts),  # as sure as the weaker half
        confidence=Abstained("not_an_estimate"),
        confidence_is="",
        evidence=tuple(piece for one in parts for piece in one.evidence),
    )
