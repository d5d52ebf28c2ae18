"""A question about genes and drugs, and its answer as JSON: for the command line, the API and pages."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from patients.vocabularies import drug as catalogued
from twins.science.pgx.conversion import Conversions, Inhibitor
from twins.science.pgx.reading import GeneReading, convert, either, read_panel
from twins.science.pgx.recommending import Recommendation, recommend
from twins.science.pgx.rules import Rules
from twins.science.pgx.warning import warnings


class UnknownDrug(ValueError):
    """A name that is in no list of ours."""


@dataclass(frozen=True, slots=True)
class Question:
    """Genotypes as reported, by gene; drugs asked for (all of the rules, where none is named); drugs taken."""

    diplotypes: Mapping[str, str]
    drugs: tuple[str, ...] = ()
    taking: tuple[str, ...] = ()
    population: str | None = None
    id: Any = field(default=None)


def answer(question: Question, rules: Rules, known: Conversions) -> dict[str, Any]:
    """What the genotypes mean, beside the drugs taken, and what the guidelines say of the drugs.

    Returns
    -------
    dict
        ``genes``: for each gene ``phenotype``, ``activity_score``, ``converted`` and what they rest on.
        ``recommendations``: one for each sentence of each guideline; explicit ``no_recommendation`` where a drug was
        asked for and a source has nothing. ``warnings``: interactions that count in no
        recommendation. ``rules``: which
        version answered.

    Raises
    ------
    UnknownGene, WrongDiplotype, UnknownDrug, UnknownPopulation
    """
    readings = read_panel(question.diplotypes, rules)
    taking = frozenset(drug_named(name, rules, known) for name in question.taking)
    drugs = [drug_named(name, rules, known) for name in question.drugs] or concerned(
        {*readings, *known.emptied(taking)}, rules
    )
    said = [
        one
        for name in dict.fromkeys(drugs)
        for one in recommend(name, readings, rules, known, taking=taking, population=question.population)
    ]
    return {
        "genes": {gene: told_gene(one, taking, known) for gene, one in readings.items()},
        "recommendations": [told(one, rules) for one in said],
        "warnings": warnings(taking, readings, rules, known),
        "rules": {"version": rules.version, "sha256": rules.sha256, "conversions": known.version},
    }


def drug_named(name: str, rules: Rules, known: Conversions) -> str:
    """The drug of a name, in the spelling of the rules.

    Raises
    ------
    UnknownDrug
        Neither the catalogue, the rules nor the list of inhibitors has it; never the nearest name.
    """
    plain = " ".join(name.split()).casefold()
    if plain in rules.blocks or plain in known.drugs:
        return plain
    if found := catalogued(name):
        return found.id
    raise UnknownDrug(f"{name} is no drug that is known here.")


def concerned(genes: Collection[str], rules: Rules) -> list[str]:
    """Drugs of which some guideline asks for one of these genes."""
    return [drug for drug, blocks in rules.blocks.items() if any(set(block.genes) & set(genes) for block in blocks)]


def told_gene(reading: GeneReading, taking: Collection[str], known: Conversions) -> dict[str, Any]:
    """One gene: what was reported, what it means, and what it becomes beside the drugs taken."""
    shift = convert(reading, taking, known)
    states = shift.states if shift else ()
    scores = {state.score for state in states}
    score = scores.pop() if len(scores) == 1 else None
    many = len(reading.candidates) > 1
    return {
        "diplotype": reading.text,
        "status": reading.status,
        "phenotype": reading.phenotype,
        "activity_score": reading.score,
        "candidates": [
            {"diplotype": name, "phenotype": one.phenotype, "activity_score": one.score.json if one.score else None}
            for name, one in reading.candidates
        ] if many else [],
        "unknown_alleles": list(reading.unknown),
        "converted": either(states) if states else None,
        "converted_activity_score": score.json if score else None,
        "conversion_confirmed": bool(known.confirmed) if states else None,
        "inhibitors": [_inhibitor(one) for one in shift.inhibitors] if shift else [],
    }  # fmt: skip


def _inhibitor(one: Inhibitor) -> dict[str, Any]:
    return {"drug": one.drug, "class": one.strength, "source": one.source, "url": one.url, "note": one.note}


def told(one: Recommendation, rules: Rules) -> dict[str, Any]:
    """One recommendation; ``dose_factor`` is a number, both ends of a range, or nothing."""
    factor: float | list[float] | None = None
    if one.factor:
        factor = one.factor[0] if len(one.factor) == 1 else list(one.factor)
    return {
        "drug": one.drug,
        "source": one.source,
        "genes": list(one.genes),
        "population": one.population,
        "action": one.action,
        "actions": list(one.actions),
        "strength": one.strength,
        "dose_factor": factor,
        "dose_of": one.dose_of,
        "text": one.text,
        "url": one.url,
        "guideline": one.guideline,
        "date": one.as_of,
        "version": rules.version,
        "basis": one.basis,
        "confirmed": one.confirmed,
        "by_genotype": one.by_genotype or None,
        "for": dict(one.of),
        "beside": list(one.beside),
    }
