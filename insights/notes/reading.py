"""What a sentence says, as far as a program can hold it against another: its values in order, its words, its ways."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

#: Signs of markup, of citations and of programs; no sentence of a note needs one.
MARKUP: Final = re.compile(
    r"[<>\[\]{}|`*_#\\~^$=]|https?:|www\.|://|\w\.(?:com|org|net|io|test|example)\b", re.IGNORECASE
)
#: What reads like an order to a program. Imported text with it is left out whole; the list is no proof of its absence.
ORDERS: Final = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}"
    r"\b(?:above|previous|prior|earlier|instructions?|rules?|facts?)\b"
    r"|\b(?:system|developer)\s*(?:prompt|message)|\b(?:assistant|chatbot|language model|llm|gpt|claude)\b"
    r"|\byou are (?:now|an?)\b"
    r"|\b(?:as|being) an ai\b|\b(?:respond|reply|answer|output|print)\s+(?:only|with|as|in)\b|\bnew instructions?\b"
    r"|\b(?:write|state|say|note|add|include|record|document)\s+"
    r"(?:in the (?:note|chart|record)|that (?:the|this|he|she)\b)"
    r"|\bplease\s+(?:\w+\s+)?(?:put|write|state|record|document|omit|leave out|summari[sz]e)\b"
    r"|\bdear\s+(?:helper|program|computer|machine|robot|bot|ai|model|system)\b|\b(?:leave out|omit|drop|skip)\s+"
    r"(?:the rest|everything|all|anything|the other)"
    r"|\bjailbreak|\bprompt injection|\bdo not cite\b|\bcite\b",
    re.IGNORECASE | re.DOTALL,
)
NEGATIONS: Final = frozenset(
    "no not never none nothing nobody neither nor without cannot isn't wasn't don't doesn't didn't denies denied deny "
    "absent absence lacks lack unlikely except hardly barely".split()
)
UP: Final = frozenset(
    "higher more rose rises risen rising rise increased increase increases increasing up upward longer above later "
    "gained grew grown growing".split()
)
DOWN: Final = frozenset(
    "lower less fewer fell falls fallen falling fall decreased decrease decreases decreasing down downward shorter "
    "below earlier declined dropped shrank reduced".split()
)
#: Words that hold one time against another: what follows them is of before, or of what is usual.
TURNS: Final = frozenset(
    "usual usually before previous previously baseline from formerly ago normally past prior typical typically "
    "than against compared versus vs unlike where whereas while but".split()
)
#: Before a number: it is a limit and not the value.
LIMITS: Final = frozenset("over than under".split())
#: What may not be dropped: without it an expectation would read as a finding, and a rate as a difference.
HEDGES: Final = frozenset("likely forecast expected research if each tends".split())

_MONTHS: Final = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTH: Final = r"(jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?"
_WEEKDAY: Final = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?,? +)?"
_DATES: Final = (
    (re.compile(rf"\b{_WEEKDAY}(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? {_MONTH}(?:,? +(\d{{4}}))?\b", re.I), (1, 2, 3)),
    (re.compile(rf"\b{_WEEKDAY}{_MONTH} (\d{{1,2}})(?:st|nd|rd|th)?(?:,? +(\d{{4}}))?\b", re.I), (2, 1, 3)),
    (re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b"), (3, 2, 1)),
)
_ONES: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_WORDS: Final = {name: n for n, name in enumerate(_ONES)} | {name: 20 + 10 * n for n, name in enumerate(_TENS)}
_SPELLED: Final = re.compile(
    rf"\b(?:({'|'.join(_TENS)})[- ]({'|'.join(_ONES[1:10])})|({'|'.join(sorted(_WORDS, key=len, reverse=True))}))\b"
    r"(?:[- ](hundred|thousand))?",
    re.IGNORECASE,
)
_UNITS: Final = {
    "%": "%", "percent": "%", "per cent": "%", "percentage points": "pp", "percentage point": "pp",
    "points": "points", "point": "points", "days": "days", "day": "days", "nights": "nights", "night": "nights",
    "weeks": "weeks", "week": "weeks", "months": "months", "month": "months", "years": "years", "year": "years",
    "hours": "h", "hour": "h", "h": "h", "minutes": "min", "minute": "min", "min": "min", "mins": "min",
    "seconds": "s", "bpm": "bpm", "beats/min": "bpm", "ms": "ms", "mg": "mg", "g": "g", "µg": "µg", "μg": "µg",
    "mcg": "µg", "ml": "ml", "°c": "°c", "steps/day": "steps/day", "steps": "steps", "counts/min": "counts/min",
    "breaths/min": "breaths/min", "of 10": "of 10", "out of 10": "of 10", "times": "times", "standard errors": "se",
    "spreads": "spreads",
}  # fmt: skip
_UNIT: Final = "|".join(re.escape(name) for name in sorted(_UNITS, key=len, reverse=True))
_VALUE: Final = re.compile(
    rf"(?P<clock>\b\d{{1,2}}:\d{{2}}\b)"
    rf"|(?P<h>\b\d+(?:\.\d+)?) ?(?:h|hours?)(?: (?:and )?(?P<m>\d+) ?(?:min|mins|minutes?))?\b"
    rf"|(?P<date>§\d+§)"
    rf"|(?P<number>[+-]?\d+(?:\.\d+)?)(?: ?(?P<unit>{_UNIT})(?![a-z/]))?"
    rf"|(?P<word>[^\W\d_]+(?:['’][^\W\d_]+)*)",
    re.IGNORECASE,
)
_TURN: Final = re.compile(rf"\b(?:{'|'.join(sorted(TURNS))})\b", re.IGNORECASE)
#: One that stands after what it is said of: "6 of 10 before", "a week ago".
_LOOKS_BACK: Final = re.compile(r"(?:before|previously|formerly|ago|prior|usually|normally)\b(?!:? ?\d)", re.IGNORECASE)
_SENTENCES: Final = re.compile(r"(?<=[.!?])[\"”’)]*\s+(?=[\"“(]*[^\W\d_a-z])|\n+")


@dataclass(frozen=True, slots=True)
class Value:
    """A number or a date with its unit.

    ``role``: ``difference`` (by 5, 5 less), ``limit`` (over 5) or empty.
    """

    value: float | tuple[int, int, int]
    unit: str
    role: str


@dataclass(frozen=True, slots=True)
class Read:
    """``values``, ``ways`` (+1, -1) and every other word in lower case, each in their order."""

    values: tuple[Value, ...]
    ways: tuple[int, ...]
    others: tuple[str, ...]
    words: frozenset[str]

    @property
    def negated(self) -> bool:
        """Whether it says that something is not so."""
        return bool(self.words & NEGATIONS)


def sentences_of(text: str) -> list[str]:
    """A text by its sentences, in order."""
    return [one.strip() for one in _SENTENCES.split(text) if one.strip()]


def plain(text: str) -> str:
    """One spelling of signs: compatibility forms, minus, dashes of ranges, spaces within numbers."""
    text = re.sub(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}\b)", "", text)
    text = unicodedata.normalize("NFKC", text).replace("\u2212", "-").replace("\u2019", "'")
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    text = re.sub(r"(?<=[\d%]) ?[–—] ?(?=\d)", " to ", text)
    return re.sub(r"\s+", " ", text).strip()


def has_hidden_signs(text: str) -> bool:
    """Whether it holds control or formatting characters, which nobody sees."""
    return any(unicodedata.category(sign) in {"Cc", "Cf", "Co", "Cs", "Cn"} for sign in text.replace("\n", " "))


def read(sentence: str) -> Read:
    """What one sentence says."""
    text, dates = _without_dates(plain(sentence))
    text = re.sub(r"(?<=\d)-(?=\d)", " to ", text)
    text = _SPELLED.sub(_digits, text)
    found = list(_VALUE.finditer(text))
    values: list[Value] = []
    ways: list[int] = []
    for at, one in enumerate(found):
        if one["word"]:
            word = one["word"].lower()
            ways += [1] if word in UP else [-1] if word in DOWN else []
            continue
        value, unit = _value(one, dates)
        values.append(Value(value, unit, _role(_beside(text, found, at, -1), _beside(text, found, at, 1))))
    words = [one["word"].lower() for one in found if one["word"]]
    others = tuple(word for word in words if word not in UP | DOWN)
    return Read(tuple(values), tuple(ways), others, frozenset(words))


def up_to_turn(sentence: str) -> str:
    """What it says before it turns to another time; empty where all of it may be said of another time."""
    turn = _TURN.search(text := plain(sentence))
    if turn is None:
        return text
    return "" if _LOOKS_BACK.match(text, turn.start()) else text[: turn.start()]


def _beside(text: str, found: list[re.Match[str]], at: int, step: int) -> str:
    """The word right before or after a value, with nothing but a space between."""
    if not 0 <= at + step < len(found):
        return ""
    first, second = sorted((found[at], found[at + step]), key=lambda one: one.start())
    beside = found[at + step]["word"] or ""
    return "" if text[first.end() : second.start()].strip() else beside.lower()


def _role(last: str, following: str) -> str:
    if last == "by" or {last, following} & (UP | DOWN):
        return "difference"
    return "limit" if last in LIMITS else ""


def _value(found: re.Match[str], dates: list[tuple[int, int, int]]) -> tuple[float | tuple[int, int, int], str]:
    if found["clock"]:
        hours, minutes = found["clock"].split(":")
        return float(int(hours) * 60 + int(minutes)), "clock"
    if found["h"]:
        return round(float(found["h"]) * 60 + float(found["m"] or 0), 6), "min"
    if found["date"]:
        return dates[int(found["date"][1:-1])], "date"
    return float(found["number"]), _UNITS[found["unit"].lower()] if found["unit"] else ""


def _without_dates(text: str) -> tuple[str, list[tuple[int, int, int]]]:
    dates: list[tuple[int, int, int]] = []

    def keep(found: re.Match[str], places: tuple[int, int, int]) -> str:
        day, month, year = (found[place] for place in places)
        number = int(month) if month.isdigit() else _MONTHS.index(month[:3].lower()) + 1
        dates.append((int(year or 0), number, int(day)))
        return f" §{len(dates) - 1}§ "

    for pattern, places in _DATES:
        text = pattern.sub(lambda found, places=places: keep(found, places), text)
    return text, dates


def _digits(found: re.Match[str]) -> str:
    ten, one, single, power = found.groups()
    number = _WORDS[ten.lower()] + _WORDS[one.lower()] if ten else _WORDS[single.lower()]
    return str(number * {"hundred": 100, "thousand": 1000}.get((power or "").lower(), 1))
