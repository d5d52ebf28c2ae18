"""A text without accents, odd spaces and invisible characters, that still knows where each letter stood."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_LETTERS = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D"}
    | {"ð": "d", "þ": "th", "ı": "i"}
    | dict.fromkeys("’‘ʼ`´′", "'")
    | dict.fromkeys("‐‑‒–—−", "-")
)
_DROPPED = {"Mn", "Me", "Cf"}


@dataclass(frozen=True, slots=True)
class Folded:
    """``cased`` and ``lower`` have equal length; ``at[i]`` is where letter ``i`` stands in the original text."""

    original: str
    cased: str
    lower: str
    at: range | list[int]

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """The offsets in the original text of ``cased[start:end]``, accents that follow the last letter included."""
        last = self.at[end - 1] + 1
        while last < len(self.original) and unicodedata.category(self.original[last]) in _DROPPED:
            last += 1
        return self.at[start], last


@lru_cache(maxsize=4096)
def _fold_letter(letter: str) -> str:
    apart = unicodedata.normalize("NFKD", letter.translate(_LETTERS)).translate(_LETTERS)
    kept = "".join(part for part in apart if unicodedata.category(part) not in _DROPPED)
    return "".join(" " if part.isspace() and part not in "\r\n" else part for part in kept)


def fold(text: str) -> Folded:
    """Fold a text; ASCII is its own folding."""
    if text.isascii():
        return Folded(text, text, text.lower(), range(len(text)))
    letters: list[str] = []
    at: list[int] = []
    for place, letter in enumerate(text):
        folded = letter if letter.isascii() else _fold_letter(letter)
        letters.append(folded)
        at.extend([place] * len(folded))
    cased = "".join(letters)
    lower = "".join(low if len(low := letter.lower()) == 1 else letter for letter in cased)
    return Folded(text, cased, lower, at)


def folded_word(text: str) -> str:
    """Lower case without accents, for comparison."""
    return fold(text).lower
