"""What genes and present drugs say of a drug that is about to be entered, and of those taken beside it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

from patients.models import Patient
from patients.treatment.entering import AGAINST, BESIDE, CHANGES, NOTE, UNASKED, Word
from patients.treatment.services import today
from twins.medication.advice import note_rules
from twins.medication.context import Known, known_of
from twins.medication.own_rules import BY, rules_of
from twins.medication.own_rules import SPEAKS_AGAINST as OWN_AGAINST
from twins.rules_in_use import rules_in_use
from twins.science.evidence import Source, shipped_evidence
from twins.science.pgx import (
    Recommendation,
    of_age,
    only_beside,
    only_untested,
    population_words,
    recommend,
    weight,
)
from twins.science.pgx.recommending import CONVERSION
from twins.science.pgx.weighing import AGAINST as SPEAKS_AGAINST
from twins.science.pgx.weighing import CHANGES as SAYS_OTHERWISE

#: Stands wherever something is said of a drug, so that a short list is never read as a complete one.
NOT_ASKED: Final = (
    "Only genes, enzyme inhibitors and this clinic's own rules are asked here. Other interactions (MAO inhibitors, "
    "serotonergic drugs, QT, lithium) and contraindications are not."
)
NOT_FOR_THIS_ROLE: Final = (
    "Genes, enzyme inhibitors and this clinic's own rules are not told to this role. Other interactions (MAO "
    "inhibitors, serotonergic drugs, QT, lithium) and contraindications are not asked for anybody."
)
IF_NOT: Final = "If the drugs taken do not change the enzyme so:"
NO_GENES: Final = "The patient has not consented to the use of genes, so none was asked."
NO_DRUGS: Final = "The patient has not consented to the use of the medication list, so no other drug was asked."
SILENT: Final = (
    "No guideline here says anything of it for the genes that are known. That is no word for the usual dose."
)
UNCODED: Final = "Something is taken that is not in the catalogue: what it does beside this drug is not known."


def words_of(patient: Patient, user: Any, drug: str) -> list[Word]:
    """What is said of a drug of the catalogue for this patient; to who may not be advised only that."""
    if not user.may("advise_medication"):
        return [Word("Novamind", NOT_FOR_THIS_ROLE, UNASKED)]
    known = known_of(patient, user)
    note_rules()
    years = age_of(patient)
    own = said_of_drug(known, drug, years)
    words = [_word(one) for one in own if weight(one) >= SAYS_OTHERWISE]
    words += [_word(one, beside=drug) for one in _of_others(known, drug, years)]
    words += _own_rules(patient, user, known, drug)
    words += _facts(drug)
    words.append(Word("Novamind", NOT_ASKED, UNASKED))
    if known.genes is None:
        words.append(Word("Novamind", NO_GENES, NOTE))
    elif not any(weight(one) for one in own):
        words.append(Word("Novamind", SILENT, NOTE))
    if known.courses is None:
        words.append(Word("Novamind", NO_DRUGS, NOTE))
    if known.uncoded:
        words.append(Word("Novamind", UNCODED, NOTE))
    return list(dict.fromkeys(words))


def _own_rules(patient: Patient, user: Any, known: Known, drug: str) -> Iterator[Word]:
    """The clinic's rules of this drug, and those of the drugs taken that it would bring about."""
    now, then = rules_of(patient, user, known), rules_of(patient, user, known.with_drug(drug))
    for other in (drug, *known.taking):
        before = {one.rule.pk for one in now.get(other, ())} if other != drug else set()
        for one in then.get(other, ()):
            if one.rule.pk not in before:
                of = "" if other == drug else f"Of {other}, which is taken: "
                yield Word(BY, of + one.words, AGAINST if one.rule.severity in OWN_AGAINST else CHANGES)


def _facts(drug: str) -> Iterator[Word]:
    """What trials say of its side effects, a sentence for each source; of populations, whoever the patient is."""
    evidence = shipped_evidence()
    said: dict[Source, list[str]] = {}
    for one in (*evidence.rates_of(drug), *evidence.changes_of(drug)):
        said.setdefault(one.source, []).append(one.words)
    for source, facts in said.items():
        yield Word(source.title, f"In trials, on average: {', '.join(facts)}.", NOTE, source.url)


def age_of(patient: Patient) -> int:
    """Whole years, today where the patient is."""
    born, on = patient.date_of_birth, today(patient)
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def said_of_drug(known: Known, drug: str, years: int, adding: Collection[str] = ()) -> list[Recommendation]:
    """What guidelines say of a drug for this patient, at this age, beside what acts now and what is added."""
    taking = (*known.acting, *adding)
    return of_age(recommend(drug, known.readings, rules_in_use(), known.conversions, taking=taking), years)


def _of_others(known: Known, drug: str, years: int) -> Iterator[Recommendation]:
    """What is said of the drugs taken now once this one stands beside them, and was not before."""
    for other in known.taking:
        if other == drug:
            continue
        before = {one.text for one in said_of_drug(known, other, years)}
        for one in said_of_drug(known, other, years, [drug]):
            if one.basis == CONVERSION and weight(one) >= SAYS_OTHERWISE and one.text not in before:
                yield one


def _word(one: Recommendation, beside: str = "") -> Word:
    """A recommendation in one sentence with what it rests on."""
    rests, whom = one.rests_on, population_words(one.population)
    converted = " beside the drugs taken" if one.basis == CONVERSION and not beside else ""
    sure = "" if one.confirmed else ", not confirmed"
    of = f"Of {one.drug}, which is taken, beside {beside}: " if beside else ""
    who = f" ({rests}{converted}{sure}{f'; {whom}' if whom else ''})" if rests else ""
    who += "" if one.confirmed else f" {IF_NOT} {one.by_genotype}"
    if only_beside(one):
        taken = f" Unchanged by itself, but an inhibitor or inducer is taken: {', '.join(one.beside)}."
        return Word(one.source, f"{of}{one.text}{who}{taken}", BESIDE, one.url)
    if only_untested(one):  # the text says which gene
        return Word(one.source, f"{of}{one.text}{who}", BESIDE, one.url)
    level = AGAINST if weight(one) == SPEAKS_AGAINST else CHANGES
    return Word(one.source, f"{of}{one.text}{who}", level, one.url)
