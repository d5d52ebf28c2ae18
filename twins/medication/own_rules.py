"""Contraindications that the clinic has entered itself: written, and found in a patient's chart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction

from novamind.accounts.models import User
from novamind.audit.models import EventType
from novamind.audit.recording import note_object
from novamind.jobs.services import publish
from patients.consent import allows
from patients.models import Certainty, ClinicalStatus, Condition, Patient
from patients.services import StaleEdit
from patients.treatment.services import NOTES
from patients.vocabularies import WrongCode, drug, icd10
from twins.medication.confirming import CHANGED
from twins.medication.context import Known
from twins.models import SiteRule
from twins.rules_in_use import rules_in_use
from twins.science.pgx import convert, phenotypes_of

#: As strong as a guideline that says to avoid a drug.
SPEAKS_AGAINST: Final = frozenset({SiteRule.Severity.CONTRAINDICATED, SiteRule.Severity.AVOID})
BY: Final = "This clinic's rule"


class WrongRule(ValueError):
    """A field of a rule cannot be so; ``field`` says which, the text why."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field, self.detail = field, detail


@dataclass(frozen=True, slots=True)
class Found:
    """A rule of the clinic that speaks of a drug for this patient; not ``sure`` where the genotype leaves it open."""

    rule: SiteRule
    sure: bool

    @property
    def words(self) -> str:
        """One sentence with its source, severity and version."""
        maybe = "" if self.sure else " Possible: the genotype leaves it open."
        one = self.rule
        return f"{one.get_severity_display()} with {one.value}: {one.text}{maybe} ({one.source}; version {one.version})"


def write_rule(
    *, by: User, name: str, against: str, value: str, severity: str, text: str, source: str, reason: str,
    known: UUID | None = None, version: int = 0, active: bool = True,
) -> SiteRule:  # fmt: skip
    """A new rule, or the next version of one that is ``known``; ``active=False`` takes it out of force.

    Raises
    ------
    WrongRule
    StaleEdit
        Its newest version is another one than ``version``.
    """
    coded = drug(name)
    if coded is None:
        raise WrongRule("name", "It is not in the catalogue of drugs, so nobody's medication would ever match.")
    value = _value(against, value)
    if against == SiteRule.Against.DRUG and value == coded.id:
        raise WrongRule("value", "This is the drug itself.")
    row = SiteRule(
        drug=coded.id, against=SiteRule.Against(against), value=value, severity=SiteRule.Severity(severity), text=text,
        source=source, reason=reason, by=by, active=active, version=version + 1,
    )  # fmt: skip
    if known is not None:
        row.rule = known
        newest = SiteRule.objects.filter(rule=known).order_by("-version").first()
        if newest is None or newest.version != version:
            raise StaleEdit
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            publish(CHANGED, actor=by.pk)
    except IntegrityError:  # the other one was a moment earlier
        raise StaleEdit from None
    note_object(EventType.CREATION, "twins.SiteRule", row.pk)
    return row


def rules_of(patient: Patient, user: Any, known: Known) -> dict[str, list[Found]]:
    """What the clinic's rules find in a chart, by drug. Two queries, one where the patient does not consent to notes.

    Conditions are those that stand and were not ruled out or resolved, as far as consented and readable: without a user
    none that is labelled. A phenotype counts by genotype and beside the drugs taken.
    """
    rules = list(SiteRule.objects.standing())
    if not rules:
        return {}
    codes = _codes(patient, user)
    found: dict[str, list[Found]] = {}
    for rule in rules:
        sure = _speaks(rule, known, codes)
        if sure is not None:
            found.setdefault(rule.drug, []).append(Found(rule, sure))
    return found


def _codes(patient: Patient, user: Any) -> list[str]:
    if not allows(patient, *NOTES):
        return []
    rows = Condition.objects.filter(patient=patient).standing()
    rows = rows.releasable_to(user) if user else rows.filter(part2=False)
    rows = rows.exclude(certainty=Certainty.REFUTED).exclude(status=ClinicalStatus.RESOLVED)
    return [row.code for row in rows if row.code]


def _speaks(rule: SiteRule, known: Known, codes: list[str]) -> bool | None:
    """Whether a rule is about this patient for sure; ``None`` where it is not."""
    if rule.against == SiteRule.Against.CONDITION:
        return True if any(code.startswith(rule.value) for code in codes) else None
    if rule.against == SiteRule.Against.DRUG:
        return True if rule.value in known.acting else None
    gene, _, phenotype = rule.value.partition(" ")
    reading = known.readings.get(gene)
    if reading is None:
        return None
    changed = convert(reading, [name for name in known.acting if name != rule.drug], known.conversions)
    states = {*reading.states, *(changed.states if changed else ())}
    if known.conversions.confirmed and changed and changed.states:
        states = set(changed.states)
    matching = [state for state in states if phenotype in state.marks]
    return len(matching) == len(states) if matching else None


def _value(against: str, text: str) -> str:
    text = " ".join(text.split())
    if against == SiteRule.Against.CONDITION:
        try:
            return icd10(text)
        except WrongCode as error:
            raise WrongRule("value", str(error)) from None
    if against == SiteRule.Against.DRUG:
        other = drug(text)
        if other is None:
            raise WrongRule("value", "It is not in the catalogue of drugs.")
        return other.id
    gene, _, phenotype = text.partition(" ")
    offered = phenotypes_of(gene.upper(), rules_in_use())
    for one in offered:
        if one.casefold() == phenotype.casefold():
            return f"{gene.upper()} {one}"
    wanted = f"one of {gene.upper()}: {', '.join(offered)}" if offered else "a gene of the rules and its phenotype"
    raise WrongRule("value", f"Write {wanted}, such as CYP2D6 Poor Metabolizer.")
