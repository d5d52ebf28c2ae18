"""What a patient's chart knows for precision medication, as far as the patient consents and the reader may see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from patients.consent import allows
from patients.models import Genotype, Medication, Patient, redisclosure_notice
from patients.treatment.genotyping import holding
from patients.treatment.services import GENOTYPE, MEDICATION, today
from twins.science.pgx import GeneReading, UnknownGene, WrongDiplotype, read_gene, shipped_rules


@dataclass(frozen=True, slots=True)
class Held:
    """A gene's result that holds, and how it was read; ``why`` where it could not be."""

    result: Genotype
    reading: GeneReading | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a patient.

    ``genes`` or ``courses`` are ``None`` where the patient does not consent. ``taking``: ids of drugs of courses that
    go on. ``uncoded``: whether something is taken that is not in the catalogue, so that nothing is known of it.
    """

    genes: Mapping[str, Held] | None
    courses: tuple[Medication, ...] | None
    taking: tuple[str, ...] = ()
    uncoded: bool = False
    notice: str | None = None
    readings: Mapping[str, GeneReading] = field(default_factory=dict)


def known_of(patient: Patient, user: Any) -> Known:
    """The genotypes that hold and the courses that this user may read. Three queries where both are allowed."""
    genes = _genes(patient) if allows(patient, *GENOTYPE) else None
    readings = {symbol: one.reading for symbol, one in (genes or {}).items() if one.reading}
    if not allows(patient, *MEDICATION):
        return Known(genes, None, readings=readings)
    rows = Medication.objects.releasable_to(user).filter(patient=patient).select_related("recorded_by")
    courses = tuple(row for row in rows if not row.entered_in_error)
    current = [row for row in courses if row.state_on(today(patient)) == "current"]
    return Known(
        genes,
        courses,
        taking=tuple(dict.fromkeys(row.coded.id for row in current if row.coded)),
        uncoded=any(row.coded is None for row in current),
        notice=redisclosure_notice(courses),
        readings=readings,
    )


def _genes(patient: Patient) -> dict[str, Held]:
    held = holding(Genotype.objects.filter(patient=patient).select_related("report"))
    found = {symbol: _held(result) for symbol, result in held.items()}
    order = shipped_rules().symbols
    return dict(sorted(found.items(), key=lambda one: (order.index(one[0]) if one[0] in order else len(order), one[0])))


def _held(result: Genotype) -> Held:
    """The result, read; the laboratory's count of copies spread over two alleles that name none."""
    try:
        return Held(result, read_gene(result.gene, _text(result), shipped_rules()))
    except UnknownGene:
        return Held(result, None, "no guideline asks for this gene here")
    except WrongDiplotype:
        return Held(result, None, "not read as a diplotype")


def _text(result: Genotype) -> str:
    text = result.diplotype
    if result.gene == "CYP2D6" and (result.copy_number or 0) > 2 and "x" not in text and text.count("/") == 1:
        return f"({text})x{result.copy_number}"
    return text
