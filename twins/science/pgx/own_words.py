"""What rules say beyond their actions and doses, in our words; read by whoever builds a rule file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from twins.science.pgx.hla_words import HLA_NOTES

TRICYCLICS: Final = (
    "amitriptyline", "clomipramine", "desipramine", "doxepin", "imipramine", "nortriptyline", "trimipramine",
)  # fmt: skip
#: What the actions leave out, in our words; by source, drug and state of the gene, empty for every state.
NOTES: Final[Mapping[tuple[str, str, str], str]] = {
    ("CPIC", "citalopram", "Poor Metabolizer"): "The FDA label allows poor metabolizers, and everybody over 60 "
    "years, at most 20 mg a day.",
    ("CPIC", "citalopram", "Likely Poor Metabolizer"): "The FDA label allows poor metabolizers, and everybody over 60 "
    "years, at most 20 mg a day.",
    ("CPIC", "atomoxetine", "AS = 0"): "Start as usual, raise only after two weeks without response or harm, "
    "with a level 2 to 4 hours after the dose.",
    ("CPIC", "atomoxetine", "0 < AS < 1"): "Start as usual, raise only after two weeks without response or harm, "
    "with a level 2 to 4 hours after the dose.",
    ("CPIC", "atomoxetine", "1 <= AS < 1.25"): "Raise after three days; without response after two weeks, take a "
    "peak level.",
    ("CPIC", "atomoxetine", "1.25 <= AS <= 2.25"): "Raise after three days; without response after two weeks, take "
    "a peak level.",
    ("CPIC", "atomoxetine", "AS > 2.25"): "Raise after three days; without response after two weeks, take a peak "
    "level; below 200 ng/mL the dose may be raised in proportion, in adults above 100 mg a day if needed.",
    ("CPIC", "vortioxetine", "AS > 2.25"): "If it is used: start as usual; half as much again or more may be needed.",
    ("DPWG", "aripiprazole", "AS = 0"): "At most 10 mg a day, or 300 mg a month.",
    ("DPWG", "atomoxetine", "AS > 2.5"): "It may work less; another drug may be chosen beforehand.",
    ("DPWG", "amitriptyline", "AS > 2.5"): "Cardiotoxic hydroxy metabolites may rise; if that is not wanted, avoid it.",
    (
        "DPWG",
        "nortriptyline",
        "AS > 2.5",
    ): "A cardiotoxic hydroxy metabolite may rise; if that is not wanted, avoid it.",
    ("DPWG", "doxepin", "AS > 2.5"): "Cardiotoxic hydroxy metabolites may rise; if that is not wanted, avoid it.",
    ("DPWG", "imipramine", "AS > 2.5"): "Cardiotoxic hydroxy metabolites may rise; if that is not wanted, avoid it.",
    ("DPWG", "clomipramine", "AS > 2.5"): "Toxic hydroxy metabolites may rise; if that is not wanted, avoid it.",
    ("DPWG", "clomipramine", "AS = 0"): "The dose is for depression; for anxiety and OCD, avoid it or follow levels.",
    ("DPWG", "clomipramine", "Ultrarapid Metabolizer"): "For OCD and anxiety.",
    ("DPWG", "citalopram", "Intermediate Metabolizer"): "At most 30 mg a day as tablets (22 mg as drops); from 65 "
    "years on 15 mg (10 mg).",
    ("DPWG", "citalopram", "Poor Metabolizer"): "At most 20 mg a day as tablets (16 mg as drops); from 65 years on "
    "10 mg (8 mg).",
    ("DPWG", "escitalopram", "Intermediate Metabolizer"): "At most 15 mg a day; from 65 years on 7.5 mg.",
    ("DPWG", "escitalopram", "Poor Metabolizer"): "At most 10 mg a day; from 65 years on 5 mg.",
    ("DPWG", "sertraline", "Poor Metabolizer"): "At most 75 mg a day.",
    ("DPWG", "pimozide", "AS = 0"): "At most 10 mg a day from 12 years on; below, 0.05 mg/kg and at most 2 mg.",
    ("DPWG", "pimozide", "0 < AS < 1.25"): "At most 16 mg a day from 12 years on; below, 0.08 mg/kg and at most 3 mg.",
    ("DPWG", "risperidone", "AS = 0"): "If harm of the nervous system persists, half of the usual dose.",
    **HLA_NOTES,
}
#: Where a guideline takes no action because it knows too little.
THIN: Final = "The evidence for this genotype is too thin to act on. That is no word for the usual dose."
_ONLY_THEN: Final = (
    "Avoid venlafaxine. Only if that cannot be done and it harms: lower the dose and watch closely or follow levels; "
    "no factor is known."
)
#: Rows whose actions hold only under a condition: their whole text, in our words.
TEXTS: Final[Mapping[tuple[str, str, str], str]] = {
    (
        "DPWG",
        "atomoxetine",
        "AS = 0",
    ): "Start as usual and watch closely; a rise is probably not needed. If it works but "
    "harms, lower the dose. Levels are 8 to 11 times those of normal metabolizers.",
    ("DPWG", "atomoxetine", "0 < AS < 1.25"): "Only if it harms, or works later than after nine weeks: lower the dose. "
    "Levels are 2 to 3 times those of normal metabolizers.",
    ("DPWG", "venlafaxine", "AS = 0"): _ONLY_THEN,
    ("DPWG", "venlafaxine", "0 < AS < 1.25"): _ONLY_THEN,
    (
        "DPWG",
        "venlafaxine",
        "AS > 2.5",
    ): "Watch for a weaker response. If it is needed, up to 150 % of the usual dose; if "
    "that does not work well, or levels cannot be taken, avoid venlafaxine.",
    (
        "DPWG",
        "quetiapine",
        "Poor Metabolizer",
    ): "For depression choose another drug: aripiprazole depends less on CYP3A4, olanzapine not at all. "
    "For other uses give 30 % of the usual dose.",
    (
        "DPWG",
        "zuclopenthixol",
        "AS > 2.5",
    ): "Too little is known for a dose. If it does not work enough, try more, at most 150 % of the usual dose.",
    (
        "DPWG",
        "risperidone",
        "AS > 2.5",
    ): "Choose another drug, or go up to the largest dose that is given of its active metabolite paliperidone.",
}
#: Doses that the export states in words only.
DOSES: Final[Mapping[tuple[str, str, str], dict[str, Any]]] = {
    ("CPIC", "vortioxetine", "AS = 0"): {"factor": [0.5], "of": "starting", "cap": "10 mg a day"},
    ("DPWG", "venlafaxine", "AS > 2.5"): {"factor": [1.5], "of": "usual"},
}
