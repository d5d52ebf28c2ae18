"""Second layer: identifiers that are recognised by their form. Every repetition is bounded, so time is linear."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from novamind.phi.detection.checksums import fodselsnummer, iban, luhn, nhs
from novamind.phi.detection.folding import Folded
from novamind.phi.detection.gazetteer import NOT_A_PLACE, STATES
from novamind.phi.detection.spans import Kind, Span

Check = Callable[[str], bool]
#: The group that identifies, where a pattern needs words around it.
VALUE: Final = "value"


@dataclass(frozen=True, slots=True)
class Pattern:
    """One form; ``check`` has the last word on what matched."""

    kind: Kind
    regex: re.Pattern[str]
    check: Check = bool


def _p(kind: Kind, regex: str, check: Check = bool, *, cased: bool = False) -> Pattern:
    return Pattern(kind, re.compile(regex, 0 if cased else re.IGNORECASE), check)


def _has_digit(text: str) -> bool:
    return any(letter.isdigit() for letter in text)


def _labelled(kind: Kind, labels: str, value: str = r"[A-Z0-9][A-Z0-9/_-]{2,30}") -> Pattern:
    """A value with a digit after one of these labels: ``MRN: 12-34``, ``policy number is X12``."""
    link = r"(?:\s{0,2}(?:number|no\.?|id|code|is|was|of|[:#=.-])){0,3}\s{0,2}"
    return _p(kind, rf"(?<![A-Z])(?:{labels}){link}(?P<value>{value})(?!\w)", _has_digit)


def _is_date(text: str) -> bool:
    parts = [int(part) for part in re.findall(r"\d+", text)[:3]]
    if len(parts) < 3:
        return False
    small = parts[1:] if parts[0] > 31 else parts[:2]
    return all(1 <= part <= 31 for part in small) and min(small) <= 12


def _is_short_date(text: str) -> bool:
    first, second = (int(part) for part in re.findall(r"\d+", text)[:2])
    return 1 <= first <= 31 and 1 <= second <= 31 and min(first, second) <= 12


def _is_ipv6(text: str) -> bool:
    try:
        return ipaddress.ip_address(text.split("%")[0].split("/")[0]).version == 6 and len(text) > 4
    except ValueError:
        return False


def _is_ipv4(text: str) -> bool:
    return all(int(part) <= 255 for part in text.split("."))


def _is_vin(text: str) -> bool:
    return sum(letter.isdigit() for letter in text) >= 4 and sum(letter.isalpha() for letter in text) >= 3


def _is_phone(text: str) -> bool:
    return 6 <= sum(letter.isdigit() for letter in text) <= 15


def _is_place(text: str) -> bool:
    words = re.findall(r"[A-Za-z]+", text)
    return text.lower() not in STATES and words[0].lower() not in NOT_A_PLACE


_MONTH = (
    r"(?:jan(?:uary|uar)?|feb(?:ruary|ruar)?|mar(?:ch|s)?|apr(?:il)?|may|mai|june?|juni|july?|juli|aug(?:ust)?"
    r"|sept?(?:ember)?|o[ck]t(?:ober)?|nov(?:ember)?|de[csz](?:ember)?)"
)
_LONG_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_NTH = r"(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th|\.)?"
_YEAR = r"(?:,?\s{1,2}|-|/)(?:(?:19|20)\d\d|'\d\d)"
_CAP = r"[A-Z][\w'.-]{1,20}"
_STREET = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Way|"
    r"Circle|Cir|Parkway|Pkwy|Highway|Hwy|Crescent|Close|Grove|Row|Mews)"
)
_STATE = (
    "A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]"
)
_PHONE_RUN = r"\+?\(?\d[\d\s().-]{4,17}\d"
_TOP_LEVEL = r"(?:com|org|net|edu|gov|io|co|no|de|uk|se|dk|eu|info|app|health|me)"

DATES = [
    _p(Kind.DATE, r"(?<![\d.])(?:19|20)\d\d([-/.])\d{1,2}\1\d{1,2}(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?(?!\d)", _is_date),
    _p(Kind.DATE, r"(?<![\d./-])\d{1,2}\s?([-/.])\s?\d{1,2}\s?\1\s?(?:(?:19|20)\d\d|\d\d)(?![\d/-])", _is_date),
    _p(Kind.DATE, rf"(?<!\w){_NTH}[\s-]{{1,2}}(?:of\s)?{_MONTH}\.?(?:{_YEAR}|-\d\d)?(?!\w)"),
    _p(Kind.DATE, rf"(?<!\w){_MONTH}\.?[\s-]{{1,2}}(?:the\s)?{_NTH}(?:{_YEAR})?(?![\w%]|\s?mg)"),
    _p(Kind.DATE, rf"(?<!\w){_MONTH}\.?(?:\sof)?{_YEAR}(?!\w)"),
    _p(Kind.DATE, r"(?<!\w)(?:on|since|until|till|by|dated|seen|discharged|admitted|due|appointment|visit)\s(?P<value>\d{1,2}/\d{1,2})(?![\d/])", _is_short_date),
    _p(Kind.DATE, r"(?<!\w)(?:dob|born|birth\s?date|date of birth)[\s:]{1,3}(?P<value>\d{6,8})(?!\d)"),
    _p(Kind.MONTH, rf"(?<!\w)(?i:in|since|until|till|last|next|early|late|mid|during|by|through|from|this|to)[\s-](?P<value>{_LONG_MONTH})(?!\w)", cased=True),
]  # fmt: skip
AGES = [
    _p(Kind.AGE, r"(?<![\d.])(?P<value>(?:9\d|1[0-2]\d))[\s-]{0,2}(?:years?|yrs?|y)[\s./-]{0,2}(?:old|o\b|of age)"),
    _p(Kind.AGE, r"(?<!\w)(?:aged?|age of|age is|age:|turned|turning)\s{0,2}:?\s?(?P<value>9\d|1[0-2]\d)(?!\d|%|\.\d|\s?mg)"),
    _p(Kind.AGE, r"(?<!\w)(?P<value>ninety(?:[\s-](?:one|two|three|four|five|six|seven|eight|nine))?)[\s-]years?[\s-]old"),
    _p(Kind.AGE, r"(?<!\w)(?P<value>(?:9\d|1[0-2]\d)\s?[MF])(?!\w)", cased=True),
]  # fmt: skip
CONTACTS = [
    _p(Kind.EMAIL, r"(?<![\w.%+-])[\w.%+-]{1,64}@[A-Z0-9-]{1,63}(?:\.[A-Z0-9-]{1,63}){1,4}"),
    _p(Kind.EMAIL, rf"(?<![\w.])[\w.+-]{{1,64}}\s?[(\[]at[)\]]\s?[A-Z0-9-]{{1,63}}\s?(?:\.|[(\[]dot[)\]])\s?{_TOP_LEVEL}(?!\w)"),
    _p(Kind.FAX, rf"(?<!\w)(?:fax|facsimile|telefax)\D{{0,12}}(?P<value>{_PHONE_RUN})(?!\d)", _is_phone),
    _p(Kind.PHONE, rf"(?<!\w)(?:phone|telephone|tel|mobile|cell|pager|call(?:ed)?|ring|text(?:ed)?|reach(?:ed|able)?|contact|sms|tlf)\b\D{{0,16}}(?P<value>{_PHONE_RUN})(?!\d)", _is_phone),
    _p(Kind.PHONE, r"(?<![\w.-])(?:\+|00)[1-9]\d{0,2}[\s().-]{0,2}\d[\d\s().-]{4,14}\d(?![\w-])", _is_phone),
    _p(Kind.PHONE, r"(?<![\w-])(?:1[-. ])?\(?\d{3}\)?[-. ]{1,2}\d{3}[-. ]\d{4}(?:\s?(?:x|ext\.?)\s?\d{1,5})?(?![\d-])"),
    _p(Kind.PHONE, r"(?<![\w-])\d{3}-\d{4}(?![\d-])"),
    _p(Kind.PHONE, r"(?<![\d.,] )(?<![\w.,-])(?:\d\d \d\d \d\d \d\d|\d{3} \d\d \d{3}|0\d{4} \d{6})(?! \d|\d)"),
    _p(Kind.URL, r"(?<!\w)(?:https?|ftp)://[^\s<>\"']{1,500}[^\s<>\"'.,;:)\]]"),
    _p(Kind.URL, rf"(?<![\w@.-])(?:[A-Z0-9-]{{1,40}}\.){{1,3}}{_TOP_LEVEL}(?:/[^\s<>\"']{{0,300}}[^\s<>\"'.,;:)\]])?(?![\w.-]\w)"),
    _p(Kind.URL, r"(?<![\w@/.])@[A-Z_][\w.]{2,30}"),
    _p(Kind.IP, r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.]\d|\d)", _is_ipv4),
    _p(Kind.IP, r"(?<![\w:])[0-9A-F]{0,4}(?::[0-9A-F]{0,4}){2,7}(?![\w:])", _is_ipv6),
]  # fmt: skip
NUMBERS = [
    _p(Kind.NATIONAL_ID, r"(?<![\d-])(?!000|666|9)\d{3}([- ])(?!00)\d\d\1(?!0000)\d{4}(?![\d-])"),
    _labelled(Kind.NATIONAL_ID, r"ssn|social security|fodselsnummer|personnummer|national (?:insurance|identity)|nino|passport|nhs", r"[A-Z]{0,2}[\d][\d -]{4,14}[\dA-Z]"),
    _p(Kind.NATIONAL_ID, r"(?<!\d)\d{6} ?\d{5}(?!\d)", fodselsnummer),
    _p(Kind.NATIONAL_ID, r"(?<!\d)\d{3}[ -]?\d{3}[ -]?\d{4}(?!\d)", nhs),
    _p(Kind.NATIONAL_ID, r"(?<!\w)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D](?!\w)", cased=True),
    _labelled(Kind.RECORD, r"mrn|medical record|record|chart|patient id|patient number|patient no|hospital number|case number|case no|accession|encounter|journal"),
    _labelled(Kind.PLAN, r"policy|member id|member|subscriber|beneficiary|medicare|medicaid|health plan|plan id|insurance id|insurance|group number"),
    _labelled(Kind.ACCOUNT, r"account|acct|a/c|invoice|routing|sort code|billing"),
    _p(Kind.ACCOUNT, r"(?<!\w)[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)", iban, cased=True),
    _p(Kind.ACCOUNT, r"(?<![\w-])(?:\d{4}[ -]?){3}\d{4}(?![\w-])", luhn),
    _labelled(Kind.LICENCE, r"driver'?s licen[cs]e|licen[cs]e|dea|npi|certificate|registration number"),
    _p(Kind.VEHICLE, r"(?<!\w)[A-HJ-NPR-Z0-9]{17}(?!\w)", _is_vin, cased=True),
    _labelled(Kind.VEHICLE, r"licen[cs]e plate|number plate|plates?|vin|reg\. plate", r"[A-Z0-9]{1,4}[ -]?[A-Z0-9]{2,6}(?:[ -][A-Z0-9]{1,4})?|[A-Z0-9]{17}"),
    _labelled(Kind.DEVICE, r"serial|s/n|sn|device|imei|udi|implant|pacemaker|watch id|sensor|lot"),
    _p(Kind.DEVICE, r"(?<![\w:-])[0-9A-F]{2}([:-])(?:[0-9A-F]{2}\1){4}[0-9A-F]{2}(?![\w:-])"),
    _labelled(Kind.BIOMETRIC, r"fingerprint|voice ?print|retina(?:l)? scan|iris scan|iris|face ?id|face template|biometric|dna profile|palm print|voice sample|template"),
    _p(Kind.CODE, r"(?<![\w-])[0-9A-F]{8}-(?:[0-9A-F]{4}-){3}[0-9A-F]{12}(?![\w-])"),
    _p(Kind.CODE, r"(?<!\w)[0-9a-f]{32,128}(?!\w)", _has_digit),
]  # fmt: skip
PLACES = [
    _p(Kind.ADDRESS, rf"(?<!\w)\d{{1,5}}[A-Za-z]?\s(?:[NSEW]\.?\s)?(?:(?:{_CAP}|\d{{1,3}}(?:st|nd|rd|th))\s){{1,4}}{_STREET}\b\.?(?:,?\s(?:Apt|Apartment|Unit|Suite|Flat|#)\.?\s?\w{{1,5}})?", cased=True),
    _p(Kind.ADDRESS, r"(?<!\w)(?:[A-Z][a-z]{1,20}\s){0,2}[A-Z]?[a-z]{1,20}(?:gate|gata|gaten|veien|vegen|vei|veg|strasse|str\.|plass|weg|allee|gatan|vagen)\s\d{1,4}\s?[A-Za-z]?(?!\w)", cased=True),
    _p(Kind.ADDRESS, r"(?<!\w)p\.?\s?o\.?\s?box\s\d{1,7}"),
    _p(Kind.ADDRESS, r"(?<!\w)(?:Apt|Apartment|Flat|Unit)\.?\s(?:#\s?)?\d{1,4}[A-Z]?(?!\w)", cased=True),
    _p(Kind.ZIP, rf"(?<!\w)(?:{_STATE}),?\s(?P<value>\d{{5}}(?:-\d{{4}})?)(?!\d)", cased=True),
    _p(Kind.ZIP, r"(?<![\w-])\d{5}-\d{4}(?![\d-])"),
    _labelled(Kind.ZIP, r"zip|zip ?code|post ?code|postal", r"[A-Z]{0,2}\d[A-Z\d -]{2,8}"),
    _p(Kind.ZIP, r"(?<!\w)[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}(?!\w)", cased=True),
    _p(Kind.ZIP, r",\s(?P<value>\d{4,5}\s[A-Z][a-z]{2,20})(?!\w)", cased=True),
    _p(Kind.PLACE, rf"(?<!\w)(?:lives? in|living in|lived in|moved to|moved from|moving to|comes? from|is from|resident of|resid(?:es|ing) in|born in|grew up in|raised in|native of|travell?ed to|returned from|commutes to|house in|apartment in|city of|town of|village of|drove to|hometown is|hometown of|stays? in)\s(?P<value>{_CAP}(?:\s{_CAP}){{0,2}})", _is_place, cased=True),
    _p(Kind.PLACE, r"(?<!\w)(?:[A-Z][\w'-]{1,20}\s){1,3}(?:County|Parish|Hospital|Clinic|University|College|High School|Church|Prison|Shelter)(?!\w)", lambda text: not re.match(r"(?:The|Our|A|This|Her|His|Psychiatric|Mental|Day|General|Outpatient)\s", text), cased=True),
]  # fmt: skip
PATTERNS: Final = [*DATES, *AGES, *CONTACTS, *NUMBERS, *PLACES]


def find_patterns(folded: Folded, patterns: list[Pattern] = PATTERNS) -> list[Span]:
    """Everything that has the form of an identifier."""
    found = []
    for pattern in patterns:
        group = VALUE if VALUE in pattern.regex.groupindex else 0
        for match in pattern.regex.finditer(folded.cased):
            if pattern.check(match[group]):
                found.append(Span(*folded.original_span(*match.span(group)), pattern.kind, "patterns", 0.9))
    return found
