"""The three layers in their order, and the one function that runs them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from novamind.phi.detection.folding import Folded, fold
from novamind.phi.detection.known import Identifiers, find_known
from novamind.phi.detection.names import find_names
from novamind.phi.detection.patterns import find_patterns
from novamind.phi.detection.spans import Kind, Level, Span, counts, resolve

Layer = Callable[[Folded, Identifiers], list[Span]]

LAYERS: Final[dict[str, Layer]] = {
    "known": find_known,
    "patterns": lambda folded, known: find_patterns(folded),
    "names": lambda folded, known: find_names(folded),
}
PLACEHOLDER: Final = re.compile(rf"\[(?:{'|'.join(Kind)})(?:-\d{{1,6}})?\]|\[ENC:[A-Za-z0-9_=-]{{44,4000}}\]")


class LayerFailed(Exception):
    """A layer is missing or raised; the text must be treated as unsearched. Says which layer, never what it read."""


def find(
    text: str,
    level: Level | str = Level.STRICT,
    known: Identifiers | None = None,
    layers: tuple[str, ...] = tuple(LAYERS),
) -> list[Span]:
    """What identifies somebody in a text.

    Parameters
    ----------
    level : Level
        What counts; see ``LEAST_SCORE``.
    known : Identifiers
        The patient's own; they count at every level.
    layers : tuple of str
        Which layers run, in the order in which they win an overlap.

    Returns
    -------
    list of Span
        Disjoint, in order; offsets into ``text`` as given, whatever its Unicode normalization.

    Raises
    ------
    LayerFailed
        A named layer does not exist or raised.
    """
    level, folded, found = Level(level), fold(text), []
    for name in layers:
        try:
            found += LAYERS[name](folded, known or Identifiers())
        except Exception as error:
            raise LayerFailed(f"layer {name}: {type(error).__name__}") from None
    placeholders = [match.span() for match in PLACEHOLDER.finditer(text)]
    kept = [span for span in found if counts(span, level) and span.end > span.start]
    return resolve(_outside(kept, placeholders), layers)


def _outside(spans: list[Span], placeholders: list[tuple[int, int]]) -> list[Span]:
    """Spans without those inside an earlier replacement: ``[NAME-1]`` names nobody."""
    if not placeholders:
        return spans
    return [s for s in spans if not any(start <= s.start and s.end <= end for start, end in placeholders)]
