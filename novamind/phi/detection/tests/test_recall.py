"""Recall per class on the generated set, and on notes written by hand in other styles."""

from __future__ import annotations

import re

import pytest

from novamind.phi.detection import Level, find
from novamind.phi.detection.gazetteer import GIVEN, SURNAMES
from novamind.phi.detection.tests import generator

#: Lower ends of the 95 % intervals that must be held at the strict level; all other groups: 0.95.
LEAST = {"name alone (rare)": 0.75}

#: Fresh style: shorthand, lists, misspellings, foreign names. ``{…}`` marks what identifies; nobody real is meant.
NOTES = [
    "pt seen w/ {Anneliese} (sister). reports ↑ sleep since {14/2}. plan: cont. olanzapine 10 nocte.",
    "Collateral from {Mrs. Haugland}, tel {98 76 54 32}: he threw out his meds {last Easter Monday, 1 April}.",
    "{DUBOIS}, {Marie-Claire} | DOB {4 Mar 52} | Ward 3 | Lithium level 0.7",
    "Brought in by police after neighbour {Osvaldo} rang. Found at {221B Baker Street}. Denied SI/HI.",
    "She hears {Lucifer} telling her to stop eating. YMRS 22. Aripiprazole started.",
    "Works nights at {Tesco in Slough}; boss ({Mr Adeyemi}) is supportive.",
    "E-mailed results to {p.lindqvist@kth.example} on {Tuesday the 9th of May}.",
    "The twins, {Noor} and {Idris}, are with their father in {Rotterdam}.",
    "He turned {91} in {December}; still drives a Volvo, plate {EK 48213}.",
    "ID band {7731-88-A}, allergic to penicillin. Signed {B. Thorvaldsen}, RN",
    "Spoke to {Kwame}. He thinks {Abena} stopped her clozapine around {mid-October}.",
    "Insurance {BCBS 8841-22-710} denied ECT; appeal sent {03.11.25}.",
    "Wants to transfer to {St Olavs Hospital} under {Dr. Bjerkeseth-Aune}.",
    "Phone interpreter (Tigrinya) used; {Selam} answered in short sentences.",
    "His Garmin, s/n {3G7-55102}, shows 4 h sleep. IS 0.31, RA 0.62.",
    "posts as {@night_owl_77} and at {nightowl.blog.example.com}; delusional content",
    "{Tove}'s mother phoned: {tove} has not eaten since Sunday.",
    "Ex-partner {Declan O'Riordan} has a restraining order, case no. {22-CR-10934}.",
    "passport {C01X00T47}, landed {2024/07/30}, asylum interview pending",
    "Beck and Hamilton both improved. Parkinson's excluded. Wilson's disease screen negative.",
]


def recall_of_notes(level: Level) -> tuple[int, int, int]:
    """``(fully covered, marked, found beside)``."""
    covered = marked = beside = 0
    for note in NOTES:
        text, wanted = "", []
        for part in re.split(r"(\{[^}]*\})", note):
            if part.startswith("{"):
                wanted.append((len(text), len(text) + len(part) - 2))
            text += part.strip("{}") if part.startswith("{") else part
        spans = find(text, level)
        at = {i for span in spans for i in range(span.start, span.end)}
        covered += sum({i for i in range(*place) if text[i].isalnum()} <= at for place in wanted)
        marked += len(wanted)
        beside += sum(not any(s.start < end and start < s.end for start, end in wanted) for s in spans)
    return covered, marked, beside


def test_rare_names_stand_in_no_list():
    parts = {part.lower() for name in generator.RARE_FIRST + generator.RARE_LAST for part in name.split("-")}
    assert not parts & (GIVEN | SURNAMES)


def test_the_generated_set_is_the_same_every_time():
    assert generator.cases(7, 20) == generator.cases(7, 20) != generator.cases(8, 20)


def test_recall_of_every_class_at_the_strict_level():
    found, precision = generator.recall(Level.STRICT, seed=20261121)
    low = {group: generator.wilson(hits, n)[0] for group, (hits, n) in found.items()}
    assert {group: value for group, value in low.items() if value < LEAST.get(group, 0.95)} == {}
    assert precision >= 0.95


@pytest.mark.parametrize("level", [Level.MODERATE, Level.RELAXED])
def test_what_a_level_leaves_out_is_what_its_table_says(level):
    found, _ = generator.recall(level, seed=20261121, per_group=60)
    left_out = {"place", "code"} | (
        {"date", "age over 89", "vehicle", "device", "url", "ip", "zip"} if level is Level.RELAXED else set()
    )
    assert {group for group, (hits, _) in found.items() if hits == 0} == left_out


def test_recall_of_notes_by_hand_is_what_the_docs_say():
    """Half: the rules know sentences, not shorthand. docs/phi.md says so; whoever betters it betters the number here."""
    covered, marked, beside = recall_of_notes(Level.STRICT)
    assert marked == 40
    assert covered >= 21
    assert beside == 0
