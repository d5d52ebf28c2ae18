"""Whether a sentence that a program drafted says what its fact says, and nothing else.

A sentence cites one fact and either is one of that fact's own sentences, word for word, or passes every rule here: it
says what the fact says from its beginning on, words (but for a short list of connectives and what stands in brackets),
values with their units, and ways (higher, lower) each in the fact's order with none left out in between; and nothing of
what the fact says from its first word of comparison on (than, before, the usual), nor such a word. What says that
something is not so, what is about safety or a medicine, and what a patient wrote is quoted word for word or not at all.
So no diagnosis, dose, risk or advice can be brought in, and what was is not told as what is.
What is left out is not judged, but on safety it is put back.
That a passing sentence is well put is not checked, and a clinician reads it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from insights.notes.reading import (
    HEDGES,
    MARKUP,
    TURNS,
    Read,
    has_hidden_signs,
    plain,
    read,
    sentences_of,
    up_to_turn,
)

CITED: Final = re.compile(r"\[(F\d{1,3})\]")
MOST_LINES: Final = 200
MOST_CHARACTERS: Final = 1000  # of one sentence
#: Facts of which nothing is said in other words.
QUOTED: Final = frozenset({"safety", "text", "treatment"})
#: What a sentence may add to the words of its fact.
CONNECTIVES: Final = frozenset(
    "the a an of in on at over for to and is was were are has have been be this these that with by it its which "
    "patient patient's their them they recorded reported measured during last s".split()
)
#: Why a sentence is not taken, in words for the page.
REASONS: Final = {
    "uncited": "it cites no fact",
    "many_cited": "it cites more than one fact",
    "unknown_fact": "it cites a fact that is not there",
    "markup": "it holds markup, an address or hidden signs",
    "too_long": "it is too long",
    "not_quoted": "a fact of this kind is quoted word for word, and this is not its word",
    "turned": "it compares, and only the fact's own words do that",
    "negated": "it says that something is not so",
    "words": "it uses words that its fact does not have",
    "values": "its numbers are not those of its fact, in their order",
    "way": "it says another direction than its fact",
    "certainty": "it leaves out how sure its fact is",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing a draft may say.

    Attributes
    ----------
    id : str
        ``F`` and a number, within one draft.
    kind : str
        Which sections it may stand in (:data:`insights.notes.formats.KINDS`).
    words : str
        Its sentences, as this program says them; of an imported text, what the patient wrote, quoted.
    value, unit, start, end :
        The number with its unit and the window, ISO dates; ``None`` where there is none.
    source : str
        The id of the record behind it, which has a page of provenance unless it is a course; empty where there is none.
    trusted : bool
        False for what somebody else wrote: data, never an instruction.
    """

    id: str
    kind: str
    words: str
    needs: tuple[tuple[str, str], ...]
    value: float | str | None = None
    unit: str = ""
    start: str | None = None
    end: str | None = None
    source: str = ""
    trusted: bool = True

    def as_json(self) -> dict[str, Any]:
        """The stored form."""
        return {name: getattr(self, name) for name in self.__slots__} | {"needs": [list(pair) for pair in self.needs]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Fact:
        """The inverse of :meth:`as_json`."""
        return cls(**{**stored, "needs": tuple((purpose, stream) for purpose, stream in stored["needs"])})


@dataclass(frozen=True, slots=True)
class Taken:
    """A sentence that may stand in a draft, with the fact it cites."""

    text: str
    fact: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A sentence that may not, and why (a key of :data:`REASONS`)."""

    text: str
    reason: str


def check(draft: str, facts: Sequence[Fact]) -> tuple[list[Taken], list[Refused]]:
    """A drafted text by its sentences: those that hold, and the others with their reasons. A fact is said once."""
    known = {fact.id: fact for fact in facts}
    taken: list[Taken] = []
    refused: list[Refused] = []
    for line in draft.splitlines()[:MOST_LINES]:
        for text, cited in _cited(line):
            why = _wrong(text, cited, known)
            if why:
                refused.append(Refused(text, why))
            elif (one := Taken(text, cited[0])) not in taken:
                taken.append(one)
    refused += [Refused(line, "too_long") for line in draft.splitlines()[MOST_LINES:] if line.strip()]
    return taken, refused


def left_out(taken: Sequence[Taken], facts: Sequence[Fact]) -> list[Taken]:
    """The sentences on safety that are not among these, in the facts' own words: nobody may leave them out unseen."""
    said = {(one.fact, _bare(one.text)) for one in taken}
    return [
        Taken(one, fact.id)
        for fact in facts
        if fact.kind == "safety" and (fact.id, _bare(fact.words)) not in said
        for one in sentences_of(fact.words)
        if (fact.id, _bare(one)) not in said
    ]


def _cited(line: str) -> list[tuple[str, list[str]]]:
    """Each sentence of a line with what it cites; a citation belongs to the sentence it stands in or follows."""
    line = re.sub(r"^\s*(?:[-•]|\d+[.)])\s+", "", line)
    found: list[tuple[str, list[str]]] = []
    at = 0
    for place in re.finditer(r"(?:\s*\[F\d{1,3}\])+[.!?]?", line):
        end = "." if place[0][-1] in ".!?" else ""
        *before, last = sentences_of(line[at : place.start()]) or [""]
        found += [(one, []) for one in before]
        found.append((last + end if not last.endswith((".", "!", "?")) else last, CITED.findall(place[0])))
        at = place.end()
    return [one for one in [*found, *((text, []) for text in sentences_of(line[at:]))] if one[0].strip(" .") or one[1]]


def _wrong(text: str, cited: list[str], known: Mapping[str, Fact]) -> str:
    """Why this sentence may not stand; empty where it may."""
    if not cited:
        return "uncited"
    if len(set(cited)) > 1:
        return "many_cited"
    fact = known.get(cited[0])
    if fact is None:
        return "unknown_fact"
    if len(text) > MOST_CHARACTERS:
        return "too_long"
    if MARKUP.search(text) or has_hidden_signs(text):
        return "markup"
    # A patient's sentence stands alone in its fact: a part of it could be made to say something else.
    own = sentences_of(fact.words) if fact.trusted else [fact.words]
    if _bare(text) in {_bare(one) for one in [*own, fact.words]}:
        return ""
    if fact.kind in QUOTED or not fact.trusted:
        return "not_quoted"
    said = read(text)
    whys = [_apart(said, one) for one in own]
    return "" if "" in whys else whys[0]


def _bare(text: str) -> str:
    return plain(text).rstrip(".")


def _apart(said: Read, own: str) -> str:
    """How a sentence in other words departs from one of its fact's own; empty where it does not."""
    whole = read(own)
    if said.negated or whole.negated:
        return "negated" if said.negated and not whole.negated else "not_quoted"
    if TURNS & said.words:
        return "turned"
    start = up_to_turn(own)
    whys = [_departs(said, read(part)) for part in (start, _BRACKETS.sub(" ", start))]
    why = "" if "" in whys else whys[0]
    return why or ("certainty" if (HEDGES & whole.words) - said.words else "")


def _departs(said: Read, meant: Read) -> str:
    if not _begins(said.ways, meant.ways):
        return "way"
    words, meant_words = (tuple(word for word in one.others if word not in CONNECTIVES) for one in (said, meant))
    if not words or not _begins(words, meant_words):
        return "words"
    return "" if _begins(said.values, meant.values) else "values"


def _begins(said: Sequence[Any], meant: Sequence[Any]) -> bool:
    """Whether the other begins with it: what is left out in between could turn what is left."""
    return tuple(meant[: len(said)]) == tuple(said)


_BRACKETS: Final = re.compile(r"\([^()]*\)")
