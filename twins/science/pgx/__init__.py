"""Pharmacogenomics: genotype to phenotype, phenoconversion, and what CPIC and DPWG say of a drug; no Django."""

from twins.science.pgx.answers import Question, UnknownDrug, answer, concerned, drug_named, told, told_gene
from twins.science.pgx.building import as_text, build
from twins.science.pgx.conversion import Conversions, load_conversions, shipped_conversions
from twins.science.pgx.copies import ContradictingCopies, with_copies
from twins.science.pgx.diplotypes import WrongDiplotype, read_genotype
from twins.science.pgx.reading import GeneReading, UnknownGene, convert, phenotypes_of, read_gene, read_panel
from twins.science.pgx.recommending import (
    Recommendation,
    UnknownPopulation,
    names_age,
    of_age,
    population_words,
    recommend,
)
from twins.science.pgx.rules import Rules, RulesError, load_rules, shipped_rules
from twins.science.pgx.warning import warnings
from twins.science.pgx.weighing import caution, only_beside, only_untested, weight

__all__ = [
    "ContradictingCopies",
    "Conversions",
    "GeneReading",
    "Question",
    "Recommendation",
    "Rules",
    "RulesError",
    "UnknownDrug",
    "UnknownGene",
    "UnknownPopulation",
    "WrongDiplotype",
    "answer",
    "as_text",
    "build",
    "caution",
    "concerned",
    "convert",
    "drug_named",
    "load_conversions",
    "load_rules",
    "names_age",
    "of_age",
    "only_beside",
    "only_untested",
    "phenotypes_of",
    "population_words",
    "read_gene",
    "read_genotype",
    "read_panel",
    "recommend",
    "shipped_conversions",
    "shipped_rules",
    "told",
    "told_gene",
    "warnings",
    "weight",
    "with_copies",
]
