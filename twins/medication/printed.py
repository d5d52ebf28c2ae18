"""The pharmacogenomic summary as rows: genes and what they become, and every recommendation with its source."""

from __future__ import annotations

from typing import Any, Final

from twins.medication.context import Known
from twins.medication.pages import drugs_asked
from twins.rules_in_use import rules_in_use
from twins.science.pgx import recommend, told, told_gene

HEAD: Final = [
    "part", "gene_or_drug", "reported", "phenotype", "activity_score", "converted", "converted_activity_score",
    "conversion_confirmed", "inhibitors", "source", "population", "for", "action", "strength", "dose_factor", "text",
    "guideline", "url", "date", "rules_version",
]  # fmt: skip


def summary_rows(known: Known) -> list[list[Any]]:
    """What the summary says, a line a gene and a line a recommendation; nothing of genes without consent."""
    if known.genes is None:
        return []
    notice = [["notice", *[None] * 14, known.notice, *[None] * 4]] if known.notice else []
    return [*_genes(known), *_recommendations(known), *notice]


def _genes(known: Known) -> list[list[Any]]:
    version, conversions = rules_in_use().version, known.conversions
    rows: list[list[Any]] = []
    for symbol, held in (known.genes or {}).items():
        if held.reading is None:
            rows.append(["gene", symbol, held.result.diplotype, None, *[None] * 11, held.why, *[None] * 3, version])
            continue
        one = told_gene(held.reading, known.acting, conversions)
        beside = "; ".join(f"{each['drug']} ({each['class']})" for each in one["inhibitors"])
        rows.append([
            "gene", symbol, one["diplotype"], one["phenotype"], one["activity_score"], one["converted"],
            one["converted_activity_score"], one["conversion_confirmed"], beside, *[None] * 6, held.why, *[None] * 3,
            version,
        ])  # fmt: skip
    return rows


def _recommendations(known: Known) -> list[list[Any]]:
    rules, conversions = rules_in_use(), known.conversions
    rows: list[list[Any]] = []
    for name in drugs_asked(known):
        for said in recommend(name, known.readings, rules, conversions, taking=known.acting):
            one = told(said, rules)
            asked = "; ".join(f"{gene} {what}" for gene, what in one["for"].items())
            rows.append([
                "recommendation", one["drug"], *[None] * 5, None if one["confirmed"] else False, None, one["source"],
                one["population"], asked, one["action"],
                one["strength"], one["dose_factor"], one["text"], one["guideline"], one["url"], one["date"],
                one["version"],
            ])  # fmt: skip
    return rows
