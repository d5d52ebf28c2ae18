"""First layer: what is known of the patient, in every spelling a clinician may use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from novamind.phi.detection.folding import Folded, fold, folded_word
from novamind.phi.detection.gazetteer import NICKNAMES, ORDINARY_WORDS
from novamind.phi.detection.spans import Kind, Span

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "å": "aa", "Å": "Aa"})
_MONTHS = [
    ("january", "januar", "jan"), ("february", "februar", "feb"), ("march", "mars", "marz", "mar"),
    ("april", "apr"), ("may", "mai"), ("june", "juni", "jun"), ("july", "juli", "jul"), ("august", "aug"),
    ("september", "sept", "sep"), ("october", "oktober", "oct", "okt"), ("november", "nov"),
    ("december", "desember", "dezember", "dec", "des", "dez"),
]  # fmt: skip
_SHORTEST_BARE_NUMBER = 4
_PHONE_TAIL = 8


@dataclass(frozen=True, slots=True)
class Identifiers:
    """What identifies one person. Nothing here is ever written out; the representation is empty on purpose."""

    first_names: tuple[str, ...] = ()
    last_names: tuple[str, ...] = ()
    born_on: date | None = None
    numbers: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "Identifiers(…)"

    def __bool__(self) -> bool:
        return bool(self.first_names or self.last_names or self.numbers)


def find_known(folded: Folded, known: Identifiers) -> list[Span]:
    """Every mention of the patient's own identifiers."""
    found = []
    for kind, pattern, needs_capital in _patterns(known):
        for match in pattern.finditer(folded.lower):
            if needs_capital and not folded.cased[match.start()].isupper():
                continue  # "will" is a word, "Will" may be the patient
            found.append(Span(*folded.original_span(match.start(), match.end()), kind, "known"))
    return found


@lru_cache(maxsize=64)
def _patterns(known: Identifiers) -> list[tuple[Kind, re.Pattern[str], bool]]:
    return [
        (kind, re.compile(rf"(?<![a-z0-9])(?:{body})(?![a-z0-9])"), capital)
        for kind, body, capital in [*_names(known), *_dates(known), *_numbers(known)]
    ]


def squeezed(known: Identifiers) -> set[str]:
    """Identifiers as bare letters and digits, of those long enough not to stand in other words by chance."""
    texts = [*known.numbers, *known.emails]
    texts += [first + last for first in known.first_names for last in known.last_names]
    bare = {re.sub(r"[^a-z0-9]", "", folded_word(text)) for text in texts}
    bare |= {re.sub(r"\D", "", phone)[-_PHONE_TAIL:] for phone in known.phones}
    return {text for text in bare if len(text) >= 6}


def _spellings(name: str) -> set[str]:
    return {folded_word(name.strip()), folded_word(name.strip().translate(_UMLAUTS))} - {""}


def _loose(name: str) -> str:
    """A name's regex: spaces, hyphens and apostrophes between its parts may be any, or none."""
    return r"[\s'.-]{0,3}".join(re.escape(part) for part in re.split(r"[\s'.-]+", name) if part)


def _names(known: Identifiers) -> Iterator[tuple[Kind, str, bool]]:
    firsts = {spelling for name in known.first_names for spelling in _spellings(name)}
    firsts |= {part for name in firsts for part in re.split(r"[\s-]+", name) if len(part) > 1}
    firsts |= {short for name in tuple(firsts) for short in NICKNAMES.get(name, ())}
    lasts = {spelling for name in known.last_names for spelling in _spellings(name)}
    lasts |= {part for name in lasts for part in re.split(r"[\s-]+", name) if len(part) > 3}
    for name in sorted(firsts | lasts):
        if len(name) > 1:
            yield Kind.NAME, _loose(name) + r"(?:'?s|')?", name in ORDINARY_WORDS or len(name) == 2
    for last in sorted(lasts):
        initials = "".join(sorted({first[0] for first in firsts}))
        if initials:
            yield Kind.NAME, rf"[{re.escape(initials)}]\.?\s?(?:[a-z]\.?\s?)?{_loose(last)}(?:'?s|')?", False
            yield Kind.NAME, rf"[{re.escape(initials)}]\.\s?(?:[a-z]\.\s?)?{re.escape(last[0])}\.", True


def _dates(known: Identifiers) -> Iterator[tuple[Kind, str, bool]]:
    born = known.born_on
    if born is None:
        return
    day, month = rf"0?{born.day}", rf"0?{born.month}"
    year = rf"(?:{born.year}|'?{born.year % 100:02d})"
    gap = r"\s?[-/.\s]\s?"
    named = "(?:" + "|".join(_MONTHS[born.month - 1]) + r")\.?"
    nth, comma = rf"{day}(?:st|nd|rd|th|\.)?", r"(?:\s?,)?\s?(?:of\s)?"
    yield Kind.DATE, rf"{born.year}{gap}{month}{gap}{day}", False
    yield Kind.DATE, rf"{born.year}{gap}{day}{gap}{month}", False
    yield Kind.DATE, rf"(?:{month}{gap}{day}|{day}{gap}{month}){gap}{year}", False
    yield Kind.DATE, rf"(?:the\s)?{nth}[\s-]?(?:of\s)?{named}(?:{comma}[\s-]?{year})?", False
    yield Kind.DATE, rf"{named}[\s-]?{nth}(?:{comma}[\s-]?{year})?", False
    yield Kind.DATE, rf"{born.year}[\s-]{named}[\s-]{nth}", False
    pairs = {f"{born:%m%d}", f"{born:%d%m}"}
    yield (
        Kind.DATE,
        "|".join(sorted(f"{born.year}{p}" for p in pairs) + sorted(f"{p}{born.year}" for p in pairs)),
        False,
    )


def _numbers(known: Identifiers) -> Iterator[tuple[Kind, str, bool]]:
    for number in known.numbers:
        letters = re.sub(r"[^a-z0-9]", "", folded_word(number))
        body = r"[\s./_-]{0,2}".join(letters)
        if len(letters) >= _SHORTEST_BARE_NUMBER:
            yield Kind.RECORD, body, False
        elif letters:  # "17" alone is any number
            yield Kind.RECORD, rf"(?:mrn|record|chart|id|patient|no|number|#)[\s.:#-]{{0,4}}{body}", False
    for phone in known.phones:
        digits = re.sub(r"\D", "", fold(phone).lower)[-_PHONE_TAIL:]
        if len(digits) >= 6:
            yield Kind.PHONE, r"\+?[\d\s().-]{0,12}?" + r"[\s()./-]{0,3}".join(digits), False
    for email in known.emails:
        local, _, domain = folded_word(email).partition("@")
        if domain:
            dots = re.escape(domain).replace(r"\.", r"\s?(?:\.|\(dot\)|\sdot\s)\s?")
            yield Kind.EMAIL, rf"{re.escape(local)}\s?(?:@|\(at\)|\[at\]|\sat\s)\s?{dots}", False
    for address in known.addresses:
        words = re.findall(r"[a-z0-9]+", folded_word(address))
        if words:
            yield Kind.ADDRESS, r"[\s,.-]{1,4}".join(words), False
