"""What a patient's chart knows for precision medication, as far as the patient consents and the reader may see it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from patients.consent import allows
from patients.models import Genotype, Medication, Patient, redisclosure_notice
from patients.treatment.genotyping import holding
from patients.treatment.services import GENOTYPE, MEDICATION, today
from patients.vocabularies import PartialDate
from twins.medication.confirming import conversions
from twins.rules_in_use import rules_in_use
from twins.science.pgx import (
    ContradictingCopies,
    Conversions,
    GeneReading,
    UnknownGene,
    WrongDiplotype,
    read_gene,
    warnings,
    with_copies,
)


@dataclass(frozen=True, slots=True)
class Held:
    """A gene's result that holds, and how it was read; ``why`` where it could not be, or not as reported."""

    result: Genotype
    reading: GeneReading | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """A drug that changes enzymes, whose course ended lately; ``stays_days``: how long it acts on, if known."""

    drug: str
    when: str
    stays_days: int | None

    @property
    def words(self) -> str:
        """One sentence."""
        if self.stays_days:
            return (
                f"{self.drug} ended on {self.when} and may still inhibit: for {self.stays_days} days it counts here as "
                "if it were taken."
            )
        return (
            f"{self.drug} ended on {self.when}; whether it still changes enzymes is not known, and it counts nowhere."
        )


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a patient.

    ``genes`` or ``courses`` are ``None`` where the patient does not consent. ``taking``: ids of drugs of courses that
    go on. ``ended``: those that inhibit or induce and ended lately. ``uncoded``: whether something is taken that
    is not in the catalogue, so that nothing is known of it. ``conversions``: with who confirmed the multipliers here.
    """

    genes: Mapping[str, Held] | None
    courses: tuple[Medication, ...] | None
    conversions: Conversions
    taking: tuple[str, ...] = ()
    ended: tuple[Ended, ...] = ()
    uncoded: bool = False
    notice: str | None = None
    readings: Mapping[str, GeneReading] = field(default_factory=dict)

    @property
    def acting(self) -> tuple[str, ...]:
        """The drugs that change enzymes now: those taken, and those ended so lately that they still do."""
        return (*self.taking, *(one.drug for one in self.ended if one.stays_days))

    def with_drug(self, drug: str) -> Known:
        """The same with one more drug that is taken."""
        return self if drug in self.taking else replace(self, taking=(*self.taking, drug))

    def warnings(self) -> list[str]:
        """Interactions that no recommendation counts, and drugs that ended lately; nothing of genes without consent."""
        said = [one.words for one in self.ended]
        if self.genes is not None:
            said += [f"{gene}: {one.why}." for gene, one in self.genes.items() if one.reading and one.why]
            said += warnings(self.acting, self.readings, rules_in_use(), self.conversions)
        return said


def known_of(patient: Patient, user: Any) -> Known:
    """The genotypes that hold and the courses that this user may read; without one, none that is labelled.

    Five queries where both are allowed.
    """
    known = conversions()
    genes = _genes(patient) if allows(patient, *GENOTYPE) else None
    readings = {symbol: one.reading for symbol, one in (genes or {}).items() if one.reading}
    if not allows(patient, *MEDICATION):
        return Known(genes, None, known, readings=readings)
    every = Medication.objects.filter(patient=patient)
    rows = every.releasable_to(user) if user else every.filter(part2=False)
    rows = rows.select_related("recorded_by").prefetch_related("doses")
    courses = tuple(row for row in rows if not row.entered_in_error)
    day = today(patient)
    current = [row for row in courses if row.state_on(day) == "current"]
    taking = tuple(dict.fromkeys(row.coded.id for row in current if row.coded))
    return Known(
        genes,
        courses,
        known,
        taking=taking,
        ended=_ended(courses, taking, day, known),
        uncoded=any(row.coded is None for row in current),
        notice=redisclosure_notice(courses),
        readings=readings,
    )


def _ended(courses: Iterable[Medication], taking: Collection[str], day: date, known: Conversions) -> tuple[Ended, ...]:
    """Of each drug that changes enzymes and is no longer taken the latest end, if it is lately enough."""
    latest: dict[str, PartialDate] = {}
    for row in courses:
        name, end = row.drug, row.ended
        if end and name in known.drugs and name not in taking and row.state_on(day) in {"past", "stopped"}:
            latest[name] = max(latest.get(name, end), end, key=lambda one: one.last)
    found = []
    for drug, end in sorted(latest.items()):
        stays, gone = known.stays_days(drug), (day - end.last).days
        if gone <= (stays or known.lately_days):
            found.append(Ended(drug, end.words, stays))
    return tuple(found)


def _genes(patient: Patient) -> dict[str, Held]:
    held = holding(Genotype.objects.filter(patient=patient).select_related("report"))
    found = {symbol: _held(result) for symbol, result in held.items()}
    order = rules_in_use().symbols
    return dict(sorted(found.items(), key=lambda one: (order.index(one[0]) if one[0] in order else len(order), one[0])))


def _held(result: Genotype) -> Held:
    """The result, read beside the laboratory's count of copies; a contradiction of the two is indeterminate."""
    rules = rules_in_use()
    try:
        return Held(result, read_gene(result.gene, _text(result), rules))
    except ContradictingCopies as error:
        unknown = read_gene(result.gene, "indeterminate", rules)
        return Held(result, replace(unknown, text=result.diplotype), f"{error}, so it is indeterminate")
    except UnknownGene:
        return Held(result, None, "no guideline asks for this gene here")
    except WrongDiplotype:
        return Held(result, None, "not read as a diplotype")


def _text(result: Genotype) -> str:
    return with_copies(result.diplotype, result.copy_number) if result.gene == "CYP2D6" else result.diplotype
