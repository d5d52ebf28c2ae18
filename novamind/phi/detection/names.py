"""Third layer: people's names, by the words around them, by common names, and at last by capitals alone."""

from __future__ import annotations

import re
from typing import Final

from novamind.phi.detection.folding import Folded
from novamind.phi.detection.gazetteer import AMBIGUOUS, GIVEN, NOT_A_NAME, SURNAMES
from novamind.phi.detection.spans import Kind, Span

_WORD = r"(?:[A-Z]'[A-Z]|Mc[A-Z]|Mac[A-Z]|[A-Z])[a-z]{1,20}(?:-[A-Z]?[a-z]{1,20}){0,2}"
_PARTICLE = r"(?:van|von|de|der|den|del|della|di|la|le|bin|ibn|al|el|da|dos|du|ter)"
_SEQUENCE = rf"{_WORD}(?:\s(?:(?:{_PARTICLE}\s){{1,2}}{_WORD}|[A-Z]\.?(?=\s[A-Z])|{_WORD})){{0,3}}"
_TITLE = r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Doctor|Nurse|Rev|Reverend|Father|Pastor|Judge|Officer|Sgt|Captain|Herr|Frau)"
_RELATION = (
    r"(?:brother|sister|mother|father|mum|mom|dad|wife|husband|partner|fianc[e]{1,2}|girlfriend|boyfriend|friend|"
    r"neighbou?r|son|daughter|aunt|uncle|cousin|nephew|niece|grandmother|grandfather|grandma|grandpa|roommate|flatmate|"
    r"boss|manager|coworker|colleague|teacher|therapist|psychiatrist|psychologist|counsellor|counselor|case manager|"
    r"social worker|keyworker|sponsor|guardian|carer|caregiver|landlord|ex-wife|ex-husband|ex|stepfather|stepmother|"
    r"half-brother|half-sister|twin|children|sons|daughters|siblings|parents)"
)
_ACT = (
    r"(?:named|called|name is|known as|goes by|nicknamed|introduced (?:him|her|them)self as|asked for|met with|"
    r"spoke (?:with|to)|talked (?:with|to)|accompanied by|visited by|lives with|living with|signed by|dictated by|"
    r"reviewed by|seen by|referred by|written by|married to|divorced from|text from|call from|message from|argument with)"
)
_LABEL = r"(?:[Pp]atient|[Nn]ame|[Cc]lient|[Pp]t|Re|RE|Attn|[Cc]c|[Cc]linician|[Pp]rovider|[Aa]uthor|[Aa]ttending|[Ss]igned|[Nn]ext of kin|[Ee]mergency contact|[Cc]ontact|[Ii]nformant)"
_SAYS = (
    r"(?:said|says|reports?|reported|denie[sd]|states|stated|told|feels|felt|thinks|wants|wanted|describes|described|"
    r"appears|appeared|presents|presented|was|is|has|had|will|would|agreed|agrees|called|came|left|lives|arrived|"
    r"continues|endorses|endorsed|remains|asked|slept|missed|attended|takes|took)"
)
_CREDENTIAL = r"(?:MD|M\.D\.|PhD|Ph\.D\.|RN|LCSW|NP|DO|PsyD|MSW|PA-C|MBBS|FRCPsych|BSN|LMFT|DNP)"
_OF_MEDICINE = re.compile(
    r"(?:'s?)?[\s-](?:disease|syndrome|scale|inventory|test|criteria|sign|palsy|index|questionnaire|rating|scan|"
    r"phenomenon|dementia|encephalopathy|bod(?:y|ies)|mania|depression|anxiety|hallucinations?|coma|score|assessment|"
    r"schedule|interview|checklist|chorea|psychosis|thyroiditis|effect|reflex|model|therapy|method)",
    re.IGNORECASE,
)

#: Rules with the score that says at which level they count.
RULES: Final[list[tuple[float, re.Pattern[str]]]] = [
    (0.95, re.compile(rf"(?<!\w){_TITLE}\.?\s(?P<value>(?:[A-Z]\.\s?){{0,2}}{_SEQUENCE})")),
    (0.95, re.compile(rf"(?<!\w)(?i:{_RELATION})(?:\s?,\s?|\s?\(|\s(?:is\s)?(?:named|called)\s|\s)(?P<value>{_SEQUENCE})")),
    (0.95, re.compile(rf"(?<!\w)(?:Dear|Hi|Hello|Hey|Kjaere|Sincerely,|Regards,|Yours,)\s{{1,2}}(?P<value>{_SEQUENCE})")),
    (0.95, re.compile(rf"(?<!\w){_LABEL}\s?:\s{{0,2}}(?P<value>{_SEQUENCE}|{_WORD},\s{_SEQUENCE})")),
    (0.9, re.compile(rf"(?<!\w)(?P<value>(?:[A-Z]\.\s){{0,2}}{_SEQUENCE}),?\s{_CREDENTIAL}(?!\w)")),
    (0.85, re.compile(rf"(?<!\w)(?i:{_ACT})\s(?P<value>{_SEQUENCE})")),
    (0.85, re.compile(rf"(?<!\w)(?P<value>(?:[A-Z]\.\s?){{1,2}}{_WORD})(?!\w)")),
    (0.4, re.compile(rf"(?<![\w.])(?P<value>{_WORD}\s(?:[A-Z]\.?\s|{_PARTICLE}\s){{0,2}}{_WORD})(?!\w)")),
    (0.4, re.compile(rf"(?<!\w)(?P<value>{_WORD})(?:'s)?\s{_SAYS}(?!\w)")),
    (0.4, re.compile(rf"(?<=[a-z,]\s)(?:and|with|to|from|by|for|about|at|of)\s(?P<value>{_WORD})(?!\w|\s[A-Z])")),
]  # fmt: skip
_CAPITALISED: Final = re.compile(rf"(?<!\w){_SEQUENCE}(?![a-z])")
_SHOUTED: Final = re.compile(
    r"(?<!\w)(?P<last>[A-Z][A-Z'-]{1,20}),?\s(?P<first>[A-Z][A-Z'-]{1,20}|[A-Z][a-z]{1,20})(?!\w)"
)
_LOWER: Final = re.compile(
    rf"(?<!\w)(?i:{_TITLE}|patient|name|client|pt)\s?[:.]?\s(?P<value>[a-z]{{2,20}}(?:\s[a-z]{{2,20}})?)(?!\w)"
)
_MEDICINE_ENDINGS = ("pine", "done", "azole", "etine", "oxine", "pram", "zepam", "zolam", "lamine", "idol", "azine", "tamine", "prazole", "triptan", "statin", "itis", "osis", "emia", "athy", "phrenia")  # fmt: skip


def find_names(folded: Folded) -> list[Span]:
    """Every stretch taken for a name; what the level drops is decided by the score."""
    text, found = folded.cased, []
    for score, rule in RULES:
        for match in rule.finditer(text):
            found += _kept(folded, *match.span("value"), score)
    found += _by_gazetteer(folded)
    return found


def _kept(folded: Folded, start: int, end: int, score: float) -> list[Span]:
    """The words of a stretch that are no ordinary or clinical words, as one span; none for an eponym."""
    text = folded.cased
    if score < 0.95 and _OF_MEDICINE.match(text, end):
        return []
    words = [match for match in re.finditer(r"[A-Za-z'-]+", text[start:end])]
    while words and _is_ordinary(words[0][0], score):
        words = words[1:]
    for at, word in enumerate(words):
        if word[0][0].isupper() and _is_ordinary(word[0], score):
            words = words[:at]
            break
    if not words or (score < 0.5 and len(words) == 1 and len(words[0][0]) < 3):
        return []
    return [Span(*folded.original_span(start + words[0].start(), start + words[-1].end()), Kind.NAME, "names", score)]


def _is_ordinary(word: str, score: float) -> bool:
    low = word.lower().removesuffix("'s")
    if low in AMBIGUOUS:
        return score < 0.8  # "Dr May" is a person, "In May" is not
    if low in GIVEN or low in SURNAMES:
        return low in NOT_A_NAME and score < 0.95
    return low in NOT_A_NAME or (score < 0.95 and low.endswith(_MEDICINE_ENDINGS))


def _by_gazetteer(folded: Folded) -> list[Span]:
    """Common names where they are capitalised: a given name and what follows, a surname alone, and shouted pairs."""
    text, found = folded.cased, []
    for match in _CAPITALISED.finditer(text):
        words = [(word.group().lower(), word.span()) for word in re.finditer(r"[A-Za-z']+(?:-[A-Za-z]+)*", match[0])]
        for at, (word, (start, end)) in enumerate(words):
            parts = word.split("-")
            given = any(part in GIVEN for part in parts)
            if not given and not any(part in SURNAMES for part in parts):
                continue
            following = words[at + 1][0] if at + 1 < len(words) else ""
            paired = given and bool(following) and not (following in NOT_A_NAME and following not in SURNAMES)
            if not paired and (word in AMBIGUOUS or word in NOT_A_NAME):
                continue
            last = words[at + 1][1][1] if paired else end
            if not _OF_MEDICINE.match(text, match.start() + last):
                span = folded.original_span(match.start() + start, match.start() + last)
                found.append(Span(*span, Kind.NAME, "names", 0.85 if paired else 0.7))
    for match in _SHOUTED.finditer(text):
        if {match["last"].lower(), match["first"].lower()} & (GIVEN - AMBIGUOUS):
            found.append(Span(*folded.original_span(*match.span()), Kind.NAME, "names", 0.85))
    for match in _LOWER.finditer(text):
        words = match["value"].split()
        if all(word in GIVEN or word in SURNAMES for word in words) and not set(words) <= AMBIGUOUS:
            found.append(Span(*folded.original_span(*match.span("value")), Kind.NAME, "names", 0.7))
    return found
