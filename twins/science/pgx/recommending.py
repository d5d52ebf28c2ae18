"""What CPIC and DPWG say of a drug for a panel of genes, side by side."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Final

from twins.science.pgx.conversion import Conversions
from twins.science.pgx.phenotypes import HLA, INDETERMINATE, NO_RESULT, UNTESTED, State, is_first_told
from twins.science.pgx.reading import GeneReading, convert, untested
from twins.science.pgx.rules import SOURCES, Block, Rule, Rules

GENOTYPE: Final = "genotype"
CONVERSION: Final = "phenoconversion"
NONE: Final = "no_recommendation"
USUAL: Final = frozenset({"standard_dosing", "no_action"})
#: Populations of the sources, by what they distinguish.
_AGES: Final = {"adults", "pediatrics"}
ADULT_YEARS: Final = 18
_GENERAL: Final = {None, "general"}
#: How CPIC shortens a drug in the name of a population.
_SHORT: Final = {"cbz": "carbamazepine", "pht": "phenytoin", "oxc": "oxcarbazepine"}


class UnknownPopulation(ValueError):
    """A population that no rule speaks of."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One sentence of one guideline, or that it has none.

    ``basis``: the genotype, or what drugs that are taken make of it. ``of``: the phenotypes it is about; where no row
    speaks of them ``text`` says why. ``beside``: drugs taken that change one of its enzymes, or are said to.
    ``confirmed``: false where it follows from multipliers that nobody confirmed; ``by_genotype`` is then what the same
    guideline says by the genotype alone, in words: one of the two holds.
    """

    drug: str
    source: str
    genes: tuple[str, ...]
    population: str | None
    action: str
    actions: tuple[str, ...]
    strength: str
    factor: tuple[float, ...]
    dose_of: str | None
    text: str
    url: str | None
    guideline: str | None
    as_of: str | None
    basis: str
    of: tuple[tuple[str, str], ...]
    beside: tuple[str, ...] = ()
    confirmed: bool = True
    by_genotype: str = ""

    @property
    def rests_on(self) -> str:
        """The genes and phenotypes it is about, in words; empty where no gene was asked."""
        return ", ".join(f"{gene} {'not tested' if what == NO_RESULT else what}" for gene, what in self.of)

    @property
    def untested(self) -> tuple[str, ...]:
        """The genes it is about that were not tested, or whose typing does not tell the allele it asks for."""
        return tuple(
            gene for gene, what in self.of if what == NO_RESULT or (gene in HLA and not is_first_told(gene, what))
        )


def recommend(
    drug: str, readings: Mapping[str, GeneReading], rules: Rules, known: Conversions, *, taking: Collection[str] = (),
    population: str | None = None,
) -> list[Recommendation]:  # fmt: skip
    """What each guideline says of a drug.

    Parameters
    ----------
    drug : str
        Its name, as in the rules; one that they do not speak of gets "no recommendation" of every source.
    readings
        Genes that were reported; the others count as not tested.
    taking
        Drugs that are taken. What the drug does to its own enzyme is in its guideline already and is not counted again.
    population : str, optional
        ``adults``, ``pediatrics``, ``naive``, ``use >3mos``, ``no alternatives``, or as a source writes it
        (``CBZ naive``); without one, the rows of all.

    Returns
    -------
    list of Recommendation
        Of every source at least one. Of an ambiguous genotype one for each thing that may be said. As long as nobody
        confirmed the multipliers, what follows from phenoconversion stands beside what follows from the genotype;
        afterwards in its place.

    Raises
    ------
    UnknownPopulation
    """
    wanted = read_population(population)
    others = {one for one in taking if one != drug}
    found: list[Recommendation] = []
    for block in rules.blocks.get(drug, ()):
        own = tuple(readings[gene].states if gene in readings else (UNTESTED,) for gene in block.genes)
        beside = tuple(
            _converted(readings.get(gene) or untested(gene), others, known) or states
            for gene, states in zip(block.genes, own, strict=True)
        )
        shifts = any(_keys(new) != _keys(old) for new, old in zip(beside, own, strict=True))
        said: list[Recommendation] = []
        if not (shifts and known.confirmed):
            said += _of_block(block, own, wanted, GENOTYPE)
        if shifts:
            converted = _of_block(block, beside, wanted, CONVERSION)
            said += converted if known.confirmed else [_unconfirmed(one, said) for one in converted]
        acting = known.acting_on(block.genes, others)
        found += [replace(one, beside=acting) for one in said] if acting else said
    spoken = {one.source for one in found}
    found += [_silent(drug, source, rules) for source in SOURCES if source not in spoken]
    return sorted(found, key=lambda one: SOURCES.index(one.source))


def _unconfirmed(one: Recommendation, said: Sequence[Recommendation]) -> Recommendation:
    """A recommendation that may hold, with what the guideline says of the same people if it does not."""
    alone = [f"{each.rests_on}: {each.text}" for each in said
             if each.basis == GENOTYPE and each.population == one.population]  # fmt: skip
    return replace(one, confirmed=False, by_genotype=" ".join(alone))


def _converted(reading: GeneReading, taking: Collection[str], known: Conversions) -> tuple[State, ...]:
    shift = convert(reading, taking, known) if taking else None
    return shift.states if shift else ()


def _keys(states: Collection[State]) -> set[tuple[str, object]]:
    return {(state.phenotype, state.score) for state in states}


@lru_cache(maxsize=50_000)
def _of_block(
    block: Block, states: tuple[tuple[State, ...], ...], wanted: str | None, basis: str
) -> tuple[Recommendation, ...]:
    """Of every population that is wanted, the rows that speak of one of the candidates, or that none does."""
    found = []
    for population in _chosen(block, wanted):
        said: dict[Rule | None, list[tuple[State, ...]]] = {}
        rules = [rule for rule in block.rules if rule.population == population]
        for combination in product(*states):
            said.setdefault(_best(rules, dict(zip(block.genes, combination, strict=True))), []).append(combination)
        found += [_told(block, rule, population, of, basis) for rule, of in said.items()]
    return tuple(found)


def _best(rules: Collection[Rule], states: Mapping[str, State]) -> Rule | None:
    matches = [(place, rule) for rule in rules if (place := rule.speaks_of(states)) is not None]
    best = min(matches, key=lambda one: one[0])[1] if matches else None
    return None if best and _clears_unread(best, states) else best


def _clears_unread(rule: Rule, states: Mapping[str, State]) -> bool:
    """Whether it is the usual dose for want of a result, of people whose HLA was typed and could not be read."""
    return rule.actions[0] in USUAL and any(
        NO_RESULT in rule.when[gene] and NO_RESULT in states[gene].marks and states[gene] != UNTESTED
        for gene in rule.genes
    )


def _told(
    block: Block, rule: Rule | None, population: str | None, of: list[tuple[State, ...]], basis: str
) -> Recommendation:
    phenotypes = tuple(
        (gene, " or ".join(dict.fromkeys(one[place].phenotype for one in of))) for place, gene in enumerate(block.genes)
    )
    return Recommendation(
        drug=block.drug,
        source=block.guideline.source,
        genes=block.genes,
        population=population,
        action=rule.actions[0] if rule else NONE,
        actions=rule.actions if rule else (NONE,),
        strength=rule.strength if rule else "No recommendation",
        factor=rule.factor if rule else (),
        dose_of=rule.dose_of if rule else None,
        text=f"{rule.text}{_open(block, rule, of)}" if rule else _why_not(block, of),
        url=block.guideline.url,
        guideline=block.guideline.title,
        as_of=rule.as_of if rule else max(one.as_of for one in block.rules),
        basis=basis,
        of=phenotypes,
    )


def _open(block: Block, rule: Rule, of: list[tuple[State, ...]]) -> str:
    """What a usual dose leaves open: an untested gene that its guideline answers without; HLA has its own notes."""
    if rule.actions[0] not in USUAL:
        return ""
    untested = (gene for place, gene in enumerate(block.genes) if of[0][place].phenotype == NO_RESULT)
    return "".join(f" Not cleared: {gene} was not tested." for gene in untested if gene not in HLA)


def _why_not(block: Block, of: list[tuple[State, ...]]) -> str:
    """Why no row speaks: what was not tested, what is not known, or what the guideline leaves out."""
    sentences = []
    for place, gene in enumerate(block.genes):
        phenotypes = {one[place].phenotype for one in of}
        if phenotypes == {NO_RESULT}:
            sentences.append(f"{gene} was not tested.")
        elif phenotypes == {INDETERMINATE}:
            sentences.append(f"What the {gene} genotype means is not known.")
    if not sentences:
        sentences.append("The guideline has no row for this genotype.")
    return " ".join(sentences) + " No recommendation."


def _silent(drug: str, source: str, rules: Rules) -> Recommendation:
    known = rules.without.get(drug, {})
    if known.get("source") != source:  # the body's own list of its guidelines is where that can be seen
        known = {
            "text": f"{source} has no rule for {drug} among these ({rules.version}).",
            "url": rules.sources.get(source, {}).get("url"), "title": f"{source}, list of its guidelines",
        }  # fmt: skip
    return Recommendation(
        drug=drug, source=source, genes=(), population=None, action=NONE, actions=(NONE,), strength="No recommendation",
        factor=(), dose_of=None, text=known["text"], url=known["url"],
        guideline=known["title"], as_of=None, basis=GENOTYPE, of=(),
    )  # fmt: skip


def read_population(text: str | None) -> str | None:
    """A population in one spelling: ``CBZ use >3mos`` and ``use > 3 months`` are both ``use >3mos``.

    Raises
    ------
    UnknownPopulation
    """
    if text is None or not text.strip() or text.strip().casefold() == "general":
        return None
    plain = _plain(text)
    if plain not in {*_AGES, "naive", "use >3mos", "no alternatives"}:
        raise UnknownPopulation(
            f"{text} is no population of the rules: adults, pediatrics, naive, use >3mos, no alternatives."
        )
    return plain


def population_words(population: str | None) -> str:
    """A population of a source in words: ``CBZ use >3mos`` is "carbamazepine taken for over 3 months"; "" of all."""
    if population in _GENERAL:
        return ""
    drug = _SHORT.get((population or "")[:3].casefold(), "the drug")
    words = {
        "naive": f"{drug} not taken before",
        "use >3mos": f"{drug} taken for over 3 months",
        "no alternatives": f"no alternative to {drug}",
        "pediatrics": "children",
    }
    return words.get(_plain(population or ""), population or "")


def of_age(said: Sequence[Recommendation], years: int) -> list[Recommendation]:
    """Without what a guideline says of children to adults, or the other way round, where it speaks of both.

    A row of the other age stays where the guideline has none of this one: it names its population. Adult is from 18
    on: the sources name the two without saying from when.
    """
    mine = "adults" if years >= ADULT_YEARS else "pediatrics"
    distinguished = {(one.drug, one.guideline) for one in said if _plain(one.population or "") == mine}
    return [
        one for one in said
        if _plain(one.population or "") not in _AGES - {mine} or (one.drug, one.guideline) not in distinguished
    ]  # fmt: skip


def names_age(one: Recommendation) -> bool:
    """Whether what it says, or of whom, depends on the person's age."""
    return _plain(one.population or "") in _AGES or " years" in one.text


def _plain(text: str) -> str:
    bare = re.sub(r"^(?:cbz|pht|oxc)[\s-]+", "", " ".join(text.casefold().replace("ï", "i").split()))
    bare = re.sub(r"[_-]", " ", bare)
    bare = {"adult": "adults", "pediatric": "pediatrics", "paediatrics": "pediatrics", "children": "pediatrics"}.get(
        bare, bare
    )
    return "use >3mos" if re.fullmatch(r"use ?> ?3 ?mo(?:nth)?s", bare) else bare


def _chosen(block: Block, wanted: str | None) -> list[str | None]:
    """The populations of a guideline that are wanted; all, where it does not distinguish what was said."""
    fitting = [one for one in block.populations if one in _GENERAL or wanted is None or _plain(one or "") == wanted]
    return fitting or list(block.populations)
