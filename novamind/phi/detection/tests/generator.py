"""Clinical sentences with an identifier of each class, and sentences that only look as if; seeded, so always the same.

The sentences were written after the rules and no rule was changed for them, but by the same hand; real notes will do
worse. Names come in two halves, common (in the gazetteer) and rare (in none of its lists; a test says so).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import sqrt

import numpy as np

from novamind.phi.detection import Level, find

COMMON_FIRST = ("Oliver", "Priya", "Ingrid", "Marcus", "Fatima", "Hector")
COMMON_LAST = ("Nguyen", "Johansen", "Patterson", "Reynolds", "Gupta", "Sullivan")
RARE_FIRST = ("Thandeka", "Ruairidh", "Oluwaseun", "Xiomara", "Bartholomeus", "Yevgenia")
RARE_LAST = ("Zibrowski", "Okonkwo-Bright", "Vesterheim", "Papadimitriou", "Quisling", "Tchaikov")

TEMPLATES = {
    "name in context": [
        "Her brother {name} came along.", "Mr {last} was calm.", "Dictated by {name}, MD.", "Contact: {name} (wife).",
        "She spoke with {name} about money.", "His therapist, {name}, agreed.", "Dear {name}, thank you for the referral.",
    ],
    "name alone": [
        "On the ward {name} slept well.", "{name} reports low mood.", "Mood is better since {first} moved out.",
        "{first} was tearful.", "He has argued with {first} and left.", "The bill went to {name} instead.",
    ],
    "date": [
        "Admitted {date} after an overdose.", "The dose was raised on {date}.", "Discharged {date}, stable.",
        "Her father died {date} at home.", "Next review: {date}.",
    ],
    "age over 89": ["He is a {age}-year-old widower.", "Grandmother, aged {age}, lives alone.", "Pt is {age} yo."],
    "phone": ["Call {phone} before noon.", "Reached at {phone} today.", "Number on file {phone}.", "Mother: {phone}."],
    "fax": ["Fax the form to {phone}.", "Fax: {phone}"],
    "email": ["Write to {email} please.", "She uses {email} only."],
    "national number": ["SSN {ssn} on the form.", "The card reads {ssn}.", "NHS number {nhs} given."],
    "record": ["MRN {record}.", "Chart number {record} pulled.", "See medical record no. {record}."],
    "plan": ["Policy number {code} lapsed.", "Member ID: {code}."],
    "account": ["Account {digits} was overdrawn.", "Acct no. {digits}."],
    "licence": ["Driver's license {code} was taken.", "DEA {code}."],
    "vehicle": ["The car, VIN {vin}, was sold.", "License plate {plate} seen."],
    "device": ["Pump serial no. {code} replaced.", "Device ID {code} paired."],
    "url": ["He posts at {url} daily.", "See {url} for it."],
    "ip": ["Logged in from {ip} at night."],
    "biometric": ["Fingerprint ID {code} enrolled.", "Voiceprint {code} stored."],
    "address": ["Lives at {address} with a cat.", "Found outside {address} at dawn."],
    "zip": ["Springfield, IL {zip}.", "ZIP code {zip}."],
    "place": ["She grew up in {place} with two siblings.", "He lives in {place} now.", "Moved to {place} for work."],
    "code": ["Linked to {uuid} in the app."],
}  # fmt: skip
NEGATIVES = [
    "Young Mania Rating Scale was {n}.", "Parkinson's disease was excluded by CT.", "No sign of Lewy body dementia.",
    "Quetiapine {n} mg at night, Lithium {n} mg.", "Hamilton Depression Rating Scale fell to {n}.", "In 2019 she was well.",
    "BP 120/80, pulse {n}, BMI 24.5.", "PHQ-9 was {n}, GAD-7 was {n}.", "Sleeps {n} hours and wakes at 05:30.",
    "Wernicke encephalopathy was considered.", "She may start Sertraline {n} mg.", "Montreal Cognitive Assessment {n}/30.",
    "Age {n}, unemployed, lives alone.", "The patient will return in {n} weeks.", "Cognitive Behavioral Therapy continues.",
    "Blood level 0.{n} mmol/L.", "Edinburgh Postnatal Depression Scale {n}.", "Denies Suicidal Ideation.",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """A sentence and where its identifier stands (``start == end`` in a hard negative)."""

    text: str
    start: int
    end: int
    group: str


def cases(seed: int, per_group: int = 200) -> list[Case]:
    """``per_group`` sentences of every group, names split into "(common)" and "(rare)", and as many negatives each."""
    rng, made = np.random.default_rng(seed), []
    for group, templates in TEMPLATES.items():
        for rare in (False, True) if group.startswith("name") else (False,):
            for _ in range(per_group):
                template = str(rng.choice(templates))
                before, rest = template.split("{", 1)
                slot, after = rest.split("}", 1)
                value = _value(slot, rng, rare=rare)
                label = f"{group} ({'rare' if rare else 'common'})" if group.startswith("name") else group
                made.append(Case(before + value + after, len(before), len(before) + len(value), label))
    for _ in range(per_group * 5):
        made.append(Case(str(rng.choice(NEGATIVES)).replace("{n}", str(rng.integers(2, 80))), 0, 0, "negative"))
    return made


def _digits(rng: np.random.Generator, form: str) -> str:
    """``#`` becomes a digit (not 0 or 9 first, which no number of these begins with), ``@`` a letter."""
    made = ""
    for letter in form:
        if letter == "#":
            made += str(rng.integers(1, 9))
        elif letter == "@":
            made += "ABCDEFGHJKLMNPRSTUVWXYZ"[rng.integers(23)]
        else:
            made += letter
    return made


def _value(slot: str, rng: np.random.Generator, *, rare: bool) -> str:
    first = str(rng.choice(RARE_FIRST if rare else COMMON_FIRST))
    last = str(rng.choice(RARE_LAST if rare else COMMON_LAST))
    day, month, year = int(rng.integers(1, 29)), int(rng.integers(1, 13)), int(rng.integers(1950, 2026))
    word = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
            "November", "December"][month - 1]  # fmt: skip
    forms = {
        "name": [f"{first} {last}", f"{first[0]}. {last}", f"{first} {last[0]}. {last}", f"{first} {last}"],
        "first": [first],
        "last": [last],
        "date": [f"{year}-{month:02d}-{day:02d}", f"{day:02d}.{month:02d}.{year}", f"{month}/{day}/{year}",
                 f"{month}/{day}/{year % 100:02d}", f"{day} {word} {year}", f"{word} {day}, {year}", f"{word[:3]} {day}",
                 f"{day}th of {word}", f"{word} {year}", f"{day}-{word[:3]}-{year}"],
        "age": [str(int(rng.integers(90, 104)))],
        "phone": [_digits(rng, f) for f in ("###-###-####", "(###) ###-####", "+47 ## ## ## ##", "+1 ### ### ####",
                                             "## ## ## ##", "###.###.####", "+44 20 #### ####", "### ## ###")],
        "email": [f"{first}.{last}@mail.example".lower(), f"{last}{day}@clinic-post.example.org".lower()],
        "ssn": [_digits(rng, "###-##-####"), _digits(rng, "### ## ####")],
        "nhs": [_nhs(rng)],
        "record": [_digits(rng, f) for f in ("######", "##-##-##", "@######", "@@-####")],
        "code": [_digits(rng, f) for f in ("@@######", "@#######", "####-@@##", "@##-@##-###")],
        "digits": [_digits(rng, "########"), _digits(rng, "####-######")],
        "vin": [_digits(rng, "#@@@@#####@######")],
        "plate": [_digits(rng, "@@ #####"), _digits(rng, "#@@@###")],
        "url": [f"https://{last}.example/blog?id={day}".lower(), f"www.{last}-{day}.com/me".lower()],
        "ip": [_digits(rng, "1#.2#.#.##"), f"2001:db8::{day:x}:{month:x}"],
        "address": [f"{day} {last} Street", f"{day}{month} Old Mill Road", f"Storgata {day}", f"{day} N Oak Ave, Apt {month}"],
        "zip": [_digits(rng, "#####"), _digits(rng, "#####-####")],
        "place": ["Trondheim", "Kalamazoo", "Leighton Buzzard", "Bordeaux", "Fredrikstad", "Tuscaloosa"],
        "uuid": [_digits(rng, "########-####-4###-8###-############")],
    }[slot]  # fmt: skip
    return str(rng.choice(forms))


def _nhs(rng: np.random.Generator) -> str:
    while True:
        digits = [int(d) for d in rng.integers(1, 9, 9)]
        check = (11 - sum(d * w for d, w in zip(digits, range(10, 1, -1), strict=True)) % 11) % 11
        if check < 10:
            text = "".join(map(str, [*digits, check]))
            return f"{text[:3]} {text[3:6]} {text[6:]}"


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a proportion (Wilson 1927)."""
    z, p = 1.959964, hits / n
    middle, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def recall(level: Level, seed: int, per_group: int = 200) -> tuple[dict[str, tuple[int, int]], float]:
    """Per group ``(fully covered, n)``, and precision: true spans among all spans found, the negatives' included."""
    hits: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    true = false = 0
    for case in cases(seed, per_group):
        spans = find(case.text, level)
        touching = [span for span in spans if span.start < case.end and case.start < span.end]
        true, false = true + len(touching), false + len(spans) - len(touching)
        if case.end:
            covered = {at for span in touching for at in range(span.start, span.end)}
            wanted = {at for at in range(case.start, case.end) if case.text[at].isalnum()}
            totals[case.group] += 1
            hits[case.group] += wanted <= covered
    return {group: (hits[group], totals[group]) for group in totals}, true / (true + false)
