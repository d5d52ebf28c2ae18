"""Many people's identifiers at once: every token of a text is looked up, so the time does not grow with the people."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from novamind.phi.detection.folding import fold, folded_word
from novamind.phi.detection.gazetteer import NOT_A_NAME, ORDINARY_WORDS
from novamind.phi.detection.known import Identifiers

_TOKEN = re.compile(r"[a-z0-9]+")
#: Contacts and record numbers are looked up as their bare letters and digits over so many neighbouring tokens.
_NEIGHBOURS = 6
_SHORTEST = 6


class Matcher:
    """The identifiers of many patients as two sets: neighbouring words (first and last name), and bare codes."""

    def __init__(self, people: Iterable[Identifiers]) -> None:
        self.pairs: set[tuple[str, str]] = set()
        self.codes: set[str] = set()
        self.people = 0
        for known in people:
            self.people += 1
            self._add(known)

    def _add(self, known: Identifiers) -> None:
        for first in known.first_names:
            for last in known.last_names:
                firsts, lasts = _TOKEN.findall(folded_word(first)), _TOKEN.findall(folded_word(last))
                told = {(one, other) for one in firsts for other in lasts if _tells(one, other)}
                self.pairs |= told | {(other, one) for one, other in told}
        texts = [*known.numbers, *known.emails]
        codes = {"".join(_TOKEN.findall(folded_word(text))) for text in texts}
        codes |= {"".join(re.findall(r"\d", phone)) for phone in known.phones}
        self.codes |= {code for code in codes if len(code) >= _SHORTEST}

    def count(self, text: str) -> int:
        """How many mentions of these people a text holds."""
        tokens = _TOKEN.findall(fold(text).lower)
        found = sum(pair in self.pairs for pair in pairwise(tokens))
        for at in range(len(tokens)):
            code = ""
            for token in tokens[at : at + _NEIGHBOURS]:
                code += token
                found += code in self.codes
        return found


def _tells(first: str, last: str) -> bool:
    ordinary = ORDINARY_WORDS | NOT_A_NAME
    return len(first) > 1 and len(last) > 1 and not (first in ordinary and last in ordinary)
