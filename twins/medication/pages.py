"""What the page of precision medication shows: genes in words, guidelines side by side, drugs compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from patients.models import Patient
from twins.medication.advice import CONDITIONS, Advice, advice_for
from twins.medication.comparing import LEVELS, SORTS, Asked, classes_of, level_of, shown
from twins.medication.context import Held, Known
from twins.medication.entering import NOT_ASKED, age_of
from twins.medication.own_rules import Found, rules_of
from twins.medication.tried import Tried, tried_of
from twins.rules_in_use import rules_in_use, table_url
from twins.science.evidence import Compared, best, shipped_evidence
from twins.science.pgx import (
    Recommendation,
    concerned,
    names_age,
    only_beside,
    only_untested,
    population_words,
    recommend,
    told_gene,
    weight,
)
from twins.science.pgx.recommending import CONVERSION, NONE
from twins.science.pgx.rules import SOURCES
from twins.science.pgx.weighing import AGAINST


def medication_context(patient: Patient, user: Any, known: Known, asked: Asked) -> dict[str, Any]:
    """The context of the page. The comparisons are of all drugs, whatever the table is filtered by."""
    own = rules_of(patient, user, known)
    advised, tried = advice_for(known, asked.condition, own), tried_of(patient, known)
    return genes_context(patient, known, own) | {
        "evidence": shipped_evidence(),
        "conditions": CONDITIONS,
        "asked": asked,
        "sorts": SORTS,
        "levels": LEVELS,
        "classes": classes_of(advised),
        "of_drugs": len(advised),
        "compared": [_compared(one, tried.get(one.drug, ())) for one in shown(advised, asked)],
        "best": best([one.compared for one in advised if one.candidate]),
    }


def genes_context(patient: Patient, known: Known, own: Mapping[str, Iterable[Found]]) -> dict[str, Any]:
    """Genes in words, and guidelines side by side: the page's part of it, and the whole of the printed summary.

    ``own``: what the clinic's rules find, by drug.
    """
    rules = rules_in_use()
    rows = sorted((_drug(name, known) for name in drugs_asked(known)), key=lambda row: -row["weight"])
    return {
        "known": known,
        "years": age_of(patient),
        "warnings": known.warnings(),
        "rules": rules,
        "confirmed": known.conversions.confirmed,
        "genes": [_gene(symbol, held, known) for symbol, held in (known.genes or {}).items()],
        "missing": [symbol for symbol in rules.symbols if symbol not in (known.genes or {})],
        "current": [row for row in rows if row["current"]],
        "changed": [
            row for row in rows if not row["current"] and row["weight"] > 1 and not (row["beside"] or row["uncleared"])
        ],
        "beside": [row for row in rows if not row["current"] and row["beside"]],
        "uncleared": [row for row in rows if not row["current"] and row["uncleared"]],
        "usual": [row for row in rows if not row["current"] and row["weight"] == 1],
        "silent": [row["drug"] for row in rows if not row["current"] and not row["weight"]],
        "not_asked": NOT_ASKED,
        "own_rules": [(name, one) for name, found in sorted(own.items()) for one in found],
        "sources": SOURCES,
    }


def drugs_asked(known: Known) -> list[str]:
    """The drugs that are taken, and those of which a guideline asks for a gene that is known or inhibited."""
    genes = {*known.readings, *known.conversions.emptied(known.acting)}
    return list(dict.fromkeys((*known.taking, *concerned(genes, rules_in_use()))))


def _gene(symbol: str, held: Held, known: Known) -> dict[str, Any]:
    about = told_gene(held.reading, known.acting, known.conversions) if held.reading else None
    if about:
        about["inhibitable"] = not symbol.startswith("HLA")
    return {"gene": symbol, "result": held.result, "why": held.why, "about": about, "url": table_url(symbol)}


def _drug(name: str, known: Known) -> dict[str, Any]:
    said = recommend(name, known.readings, rules_in_use(), known.conversions, taking=known.acting)
    return {
        "drug": name,
        "current": name in known.taking,
        "weight": max(weight(one) for one in said),
        "beside": _unchanged_beside(said),
        "uncleared": _all_leading(said, only_untested),
        "by_age": any(names_age(one) for one in said),
        "by": [
            {"source": source, "said": _grouped([one for one in said if one.source == source])} for source in SOURCES
        ],
    }


def _unchanged_beside(said: list[Recommendation]) -> str:
    """The drugs taken for which alone the weightiest sentences weigh more than none, in words; else nothing."""
    if not _all_leading(said, only_beside):
        return ""
    return ", ".join(dict.fromkeys(name for one in said if only_beside(one) for name in one.beside))


def _all_leading(said: list[Recommendation], holds: Callable[[Recommendation], bool]) -> bool:
    """Whether it holds of each of the weightiest sentences."""
    most = max(weight(one) for one in said)
    return all(holds(one) for one in said if weight(one) == most)


def _grouped(said: list[Recommendation]) -> list[dict[str, Any]]:
    """The same sentence of several populations once, with all of them."""
    found: dict[tuple[Any, ...], list[Recommendation]] = {}
    for one in said:
        found.setdefault((one.text, one.basis, one.of, one.strength), []).append(one)
    return [_said(several[0], several) for several in found.values()]


def _said(one: Recommendation, several: list[Recommendation]) -> dict[str, Any]:
    return {
        "one": one,
        "action": one.action.replace("_", " "),
        "population": ", ".join(filter(None, (population_words(each.population) for each in several))),
        "for": one.rests_on,
        "converted": one.basis == CONVERSION,
        "none": one.action == NONE,
        "against": weight(one) == AGAINST,
        "beside": ", ".join(one.beside) if only_beside(one) else "",
        "graded": one.strength != "N/A" and not one.text.endswith(f"{one.strength}."),
    }


def _compared(one: Advice, tried: Iterable[Tried]) -> dict[str, Any]:
    return {
        "one": one,
        "of_100": _of_100(one.compared),
        "low": round(one.response.low * 100) if one.response else None,
        "high": round(one.response.high * 100) if one.response else None,
        "placebo": round(one.response.placebo * 100) if one.response else None,
        "level": level_of(one),
        "says": LEVELS[level_of(one)],
        "sources": list(dict.fromkeys(each.source for each in (*one.rates, *one.changes))),
        "tried": [each.words for each in tried],
    }


def _of_100(one: Compared) -> int | None:
    return None if one.efficacy is None else round(one.efficacy * 100)
