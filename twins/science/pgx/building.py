"""Rules of our own from a reference export of CPIC and DPWG: structured, in our words, without the sources' prose.

What is taken over are facts: which genotype, which action, which dose, how strong, where it stands. Rows that say the
same are one row, and scores of CYP2D6 are intervals, because the export's keys have holes (no 1.75, 2.75 or 3.75
for DPWG).
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from twins.science.pgx.hla_words import hla_notes
from twins.science.pgx.own_words import DOSES, NOTES, TEXTS, THIN, TRICYCLICS

Row = dict[str, Any]

#: Activity scores of CYP2D6 as guidelines cut them. DPWG calls 2.5 normal, CPIC ultrarapid.
_CUTS: Final = {
    "CPIC": ("AS = 0", "0 < AS < 1.25", "1.25 <= AS <= 2.25", "AS > 2.25"),
    "DPWG": ("AS = 0", "0 < AS < 1.25", "1.25 <= AS <= 2.5", "AS > 2.5"),
}
#: Guidelines that cut the intermediate scores once more.
_FINER: Final = {
    ("CPIC", "nortriptyline"): ("AS = 0", "0 < AS < 0.75", "0.75 <= AS < 1.25", "1.25 <= AS <= 2.25", "AS > 2.25"),
    ("CPIC", "atomoxetine"): ("AS = 0", "0 < AS < 1", "1 <= AS < 1.25", "1.25 <= AS <= 2.25", "AS > 2.25"),
}
_STATES: Final = {"n/a": "Indeterminate", "No Result": "No Result", "1511 and 1502": "*15:02 and *15:11 positive"}
#: Where an action is first spoken of; the first one leads.
_SPOKEN: Final = {
    "avoid": r"\bavoid|do not use",
    "consider_alternative": r"alternative(?! agents)|antidepressant not predominantly",
    "reduced_dosing": r"reduc|lower|less than|half|\d+% of the (?:standard|normal) dose|initiate 50%",
    "increased_dosing": r"increas|higher|1\.\d times|double",
    "standard_dosing": r"recommended starting dose|typical|standard|initiate with",
    "slower_titration": r"slower|initiate with",
    "dose_cap": r"no more than|not exceed|maximum|do not give",
    "no_action": r"no action",
    "no_recommendation": r".",
}
_AFTER: Final = ("tdm", "careful_monitoring")  # what is done beside another action
_DOSE_OF: Final = (
    ("starting and maintenance", r"recommended starting dose.*lower maintenance"),
    ("maintenance", r"(?:standard|typical) maintenance dose"),
    ("later", r"for the other doses"),
    ("starting", r"starting dose"),
)
_LOWER_START: Final = re.compile(r"lower (?:starting|initial) dose", re.IGNORECASE)
#: Where the words of the source put the actions in another order than their first mention, or mean less than they name.
_ORDERED: Final = {
    ("DPWG", "paroxetine", "AS > 2.5"): ["avoid"],
    ("DPWG", "venlafaxine", "AS = 0"): ["avoid", "reduced_dosing", "tdm", "careful_monitoring"],
    ("DPWG", "venlafaxine", "0 < AS < 1.25"): ["avoid", "reduced_dosing", "tdm", "careful_monitoring"],
    ("DPWG", "venlafaxine", "AS > 2.5"): ["increased_dosing", "avoid", "tdm", "careful_monitoring"],
    ("DPWG", "atomoxetine", "AS = 0"): ["careful_monitoring", "reduced_dosing", "tdm"],
}
#: A row that carries the text of normal metabolizers at the source: an error there.
_ERROR: Final = ("atomoxetine", "pediatrics", [{"CYP2D6": "≥3.5"}])
#: Drugs that CPIC's guideline of 2023 names without recommending anything.
_WITHOUT: Final = {
    "source": "CPIC",
    "title": "CPIC Guideline for serotonin reuptake inhibitors (2023), PMID 37032427",
    "url": "https://pubmed.ncbi.nlm.nih.gov/37032427/",
    "text": "CPIC looked at this drug and gives no recommendation. No recommendation.",
}
#: Strengths that the export leaves out where its own other rows of the same sentence have one.
_NO_STRENGTH: Final = "N/A"


def build(reference: Mapping[str, Any], *, version: str) -> dict[str, Any]:
    """The content of a rule file.

    Parameters
    ----------
    reference
        An export with ``meta``, ``genes`` and ``recommendations``, one row for each text of a guideline.
    version : str
        What the new file is to be called.

    Raises
    ------
    ValueError
        Two rows of one guideline say different things of one genotype, or a score lies outside the intervals.
    """
    genes = {symbol: _gene(table) for symbol, table in reference["genes"].items()}
    rows: list[Row] = []
    guidelines: dict[str, Row] = {}
    patched = {
        (row["drug"], *next(iter(lookup.items())))
        for row in reference["meta"]["currency_check"]["changed_DPWG_rows"]
        for lookup in row["lookup"]
    }
    grouped: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in reference["recommendations"]:
        grouped[row["guideline_id"], row["drug"], row["population"] or ""].append(row)
        title = row["guideline"].removeprefix("Annotation of ")
        guidelines[row["guideline_id"]] = {"source": row["source"], "title": title, "url": row["url"]}
    for group in grouped.values():
        rows += _guideline(group, patched)
    return {
        "version": version,
        "sources": {
            "CPIC": {"licence": "CC0-1.0", "url": "https://cpicpgx.org/guidelines/"},
            "DPWG": {
                "licence": "facts in our own words; the text of ClinPGx (CC BY-SA 4.0) is not in this file",
                "url": "https://www.clinpgx.org/",
            },
        },
        "exports": [
            {name: one.get(name) for name in ("repo", "commit", "date", "what")} for one in reference["meta"]["sources"]
        ],
        "without": {drug: _WITHOUT for drug in reference["meta"]["no_recommendation_drugs"]["drugs"]},
        "genes": genes,
        "guidelines": dict(sorted(guidelines.items())),
        "rules": rows,
    }


def _gene(table: Mapping[str, Any]) -> Row:
    scored = {name: one["activity_value"] for name, one in table["alleles"].items()}
    found: Row = {"data_version": table["data_version"], "commit": table["source_commit"]}
    if all(value is not None for value in scored.values()):
        return found | {"activity": scored}
    pairs: Row = table["function_pair_to_phenotype"]
    return found | {"function": {name: one["function"] for name, one in table["alleles"].items()}, "pairs": pairs}


def _guideline(group: list[Row], patched: set[tuple[str, ...]]) -> list[Row]:
    """One population of one guideline and drug: rows that say the same are one."""
    said: dict[tuple[str, ...], Row] = {}
    for row in group:
        if (row["drug"], row["population"], row["lookups"]) == _ERROR:
            continue
        for lookup in row["lookups"]:
            states = tuple(_state(row, gene, lookup[gene]) for gene in row["genes"])
            new = _said(row, states) | {"as_of": _as_of(row, lookup, patched)}
            if said.setdefault(states, new) != new:
                raise ValueError(f"{row['source']}, {row['drug']}: two answers for {states}")
    _follow(said, group[0])
    return _merged(said, group[0])


def _state(row: Row, gene: str, value: Any) -> str:
    if isinstance(value, dict):  # a diplotype: {"*1": 1, "*3": 1}
        return "/".join(name for name, times in sorted(value.items()) for _ in range(int(times)))
    if value in _STATES:
        return _STATES[value]
    if gene not in {"CYP2D6", "CYP2C9"} or not re.fullmatch(r"≥?[0-9.]+", value):
        return str(value)
    score = float(value.lstrip("≥"))
    if gene == "CYP2C9":
        return f"AS = {score:g}"
    cuts = _FINER.get((row["source"], row["drug"]), _CUTS[row["source"]])
    found = [cut for cut in cuts if holds(cut, score)]
    if len(found) != 1:
        raise ValueError(f"{value} lies in {len(found)} of {cuts}")
    return found[0]


def holds(interval: str, score: float) -> bool:
    """Whether a score lies in an interval such as ``0 < AS <= 1.25``.

    Raises
    ------
    ValueError
        It is not written like that.
    """
    found = re.fullmatch(r"(?:([\d.]+) (<=?) )?AS(?: (<=?|>=?|=) ([\d.]+))?", interval)
    if not found or not (found[1] or found[4]):
        raise ValueError(f"{interval} is no interval of scores")
    above = not found[1] or (float(found[1]) < score or (found[2] == "<=" and float(found[1]) == score))
    if not found[4]:
        return above
    end = float(found[4])
    return above and {
        "<": score < end, "<=": score <= end, ">": score > end, ">=": score >= end, "=": score == end,
    }[found[3]]  # fmt: skip


def _said(row: Row, states: tuple[str, ...]) -> Row:
    keys = [(row["source"], row["drug"], state) for state in states]
    dose = next((DOSES[key] for key in keys if key in DOSES), None) or _dose(row)
    ordered = next((_ORDERED[key] for key in keys if key in _ORDERED), None)
    notes = [NOTES[key] for key in keys if key in NOTES] + _more_notes(row, states)
    return {
        "strength": row["strength"] or _NO_STRENGTH,
        "actions": ordered or _actions(row),
        "dose": dose,
        "note": " ".join(notes) or None,
        "text": THIN if _thin(row) else next((TEXTS[key] for key in keys if key in TEXTS), None),
    }


def _thin(row: Row) -> bool:
    """Whether "no action" means that too little is known, which is not that nothing need be changed."""
    return "no_action" in row["action_tags"] and row["strength"] == "No recommendation"


def _actions(row: Row) -> list[str]:
    """The row's actions, the one that leads first; standard dosing never leads a lower or slower one."""
    text = row["recommendation"].split("\nOther Considerations")[0].casefold()
    tags = list(row["action_tags"])
    if "no_action" in tags:
        return ["no_recommendation"] if _thin(row) else ["no_action"]
    if row["population"] and "no alternatives" in row["population"] and "standard_dosing" not in tags:
        tags = [tag for tag in tags if tag != "consider_alternative"]  # it speaks of where there is none
    if row["source"] == "CPIC" and row["drug"] == "vortioxetine" and "dose_cap" in tags:
        tags = ["reduced_dosing", *(tag for tag in tags if tag != "reduced_dosing")]

    def place(tag: str) -> tuple[bool, bool, int]:
        found = re.search(_SPOKEN[tag], text) if tag in _SPOKEN else None
        gives_way = tag == "standard_dosing" and bool({"reduced_dosing", "slower_titration"} & set(tags))
        return tag in _AFTER, gives_way, found.start() if found else len(text)

    return sorted(tags, key=place)


def _dose(row: Row) -> Row | None:
    """Shares of the dose that is usual, smallest first (a range has two), and whether the start is to be lower."""
    given, text = row["dose"], row["recommendation"].split("\nOther Considerations")[0]
    if not given:
        return {"of": "starting"} if _LOWER_START.search(text) else None
    shares = [(100 - share) / 100 for share in given.get("reduction_pct", ())]
    shares += [share / 100 for share in given.get("pct_of_standard", ())]
    shares += [given["times_standard"]] if "times_standard" in given else []
    of = next((name for name, words in _DOSE_OF if re.search(words, text, re.IGNORECASE | re.DOTALL)), "usual")
    start = {"start": "lower"} if of == "maintenance" and _LOWER_START.search(text) else {}
    return {"factor": sorted(shares), "of": of} | start


def _more_notes(row: Row, states: tuple[str, ...]) -> list[str]:
    text = row["recommendation"].casefold()
    notes = []
    if row["source"] == "CPIC" and row["drug"] in TRICYCLICS and row["action_tags"] != ["no_recommendation"]:
        notes.append("For the higher starting doses of depression; low doses for pain are another matter.")
    if "strongly recommended" in text.split("\nother considerations")[0]:
        notes.append("Levels are strongly advised.")
    if "typical initial or loading dose" in text or "loading dose does not need" in text:
        notes.append("The first or loading dose stays as usual.")
    return notes + hla_notes(row, dict(zip(row["genes"], states, strict=True)))


def _as_of(row: Row, lookup: Mapping[str, Any], patched: set[tuple[str, ...]]) -> str:
    """The day of the export in which the row stood last; scores 0.25 to 1 of a drug have one text."""
    for gene, value in lookup.items():
        if isinstance(value, dict):
            continue
        seen = "1.0" if gene == "CYP2D6" and value in {"0.25", "0.5", "0.75"} else value
        if row["source"] == "DPWG" and (row["drug"], gene, seen) in patched:
            return "2025-11-05"
    return "2024-03-25"


def _follow(said: dict[tuple[str, ...], Row], row: Row) -> None:
    """Likely metabolizers of CYP2C19 follow those of the same name where a guideline does not speak of them."""
    if row["genes"] != ["CYP2C19"]:
        return
    for name in ("Intermediate Metabolizer", "Poor Metabolizer"):
        if (name,) in said:
            said.setdefault((f"Likely {name}",), said[name,])


def _merged(said: Mapping[tuple[str, ...], Row], row: Row) -> list[Row]:
    """Rows that say the same, joined gene by gene: a row is the product of its genes' states."""
    boxes: list[tuple[tuple[tuple[str, ...], ...], Row]] = [
        (tuple((state,) for state in states), answer) for states, answer in sorted(said.items())
    ]
    for place in reversed(range(len(row["genes"]))):
        joined: dict[Any, tuple[list[str], tuple[tuple[str, ...], ...], Row]] = {}
        for box, answer in boxes:
            rest = (*box[:place], (), *box[place + 1 :])
            kept = joined.setdefault((rest, repr(answer)), ([], rest, answer))
            kept[0].extend(box[place])
        boxes = [((*rest[:place], tuple(states), *rest[place + 1 :]), one) for states, rest, one in joined.values()]
    head = {"source": row["source"], "guideline": row["guideline_id"], "drug": row["drug"]}
    return [
        head | {"population": row["population"], "when": dict(zip(row["genes"], _lists(box), strict=True))} | answer
        for box, answer in boxes
    ]


def _lists(box: Iterable[tuple[str, ...]]) -> list[list[str]]:
    return [sorted(states) for states in box]


def as_text(rules: Mapping[str, Any]) -> str:
    """A rule file: JSON with one rule a line, so that two versions can be compared."""
    head = [
        f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)},"
        for key, value in rules.items()
        if key != "rules"
    ]
    rows = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in rules["rules"])
    return "\n".join(["{", *head, ' "rules": [', rows, " ]", "}"]) + "\n"
