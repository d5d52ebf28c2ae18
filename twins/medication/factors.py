"""What of a patient's genes bears on one drug, and what is to be done in one line: the contract's nested fields."""

from __future__ import annotations

from typing import Any, Final

from novamind.measures import Abstained
from twins.medication.advice import Advice
from twins.medication.context import Known
from twins.rules_in_use import rules_in_use
from twins.science.pgx import told_gene, weight
from twins.science.pgx.reading import untested
from twins.science.pgx.recommending import NONE

NO_GENE: Final = Abstained("indeterminate", what="no guideline asks for a gene of this drug")
NO_ENZYME: Final = Abstained("indeterminate", what="no guideline asks for an enzyme of this drug")
NO_CONSENT: Final = Abstained("consent_withheld")
BARRED: Final = "A rule of this clinic says to avoid it for this patient (site_contraindications)."


def genetic_factors(name: str, known: Known) -> list[dict[str, Any]]:
    """Each gene that a guideline of the drug asks for, as it was reported, read, and is beside the drugs taken.

    Empty where no guideline asks for one, or the patient does not consent.
    """
    if known.genes is None:
        return []
    blocks = rules_in_use().blocks.get(name, ())
    asked = {
        gene: [one.guideline.source for one in blocks if gene in one.genes] for one in blocks for gene in one.genes
    }
    taking = [one for one in known.acting if one != name]
    found = []
    for gene, sources in asked.items():
        about = told_gene(known.readings.get(gene) or untested(gene), taking, known.conversions)
        kept = ("phenotype", "status", "activity_score", "converted", "converted_activity_score")
        inhibitors = [each["drug"] for each in about["inhibitors"]]
        found.append({"gene": gene, "diplotype": about["diplotype"] if gene in known.readings else None}
                     | {key: about[key] for key in kept}
                     | {"conversion_confirmed": about["conversion_confirmed"], "inhibitors": inhibitors,
                        "asked_by": list(dict.fromkeys(sources))})  # fmt: skip
    return found


def metabolizer_status(factors: list[dict[str, Any]]) -> str | None:
    """The enzymes among them in words; ``None`` where a guideline of the drug asks for none."""
    return "; ".join(_status(one) for one in factors if not one["gene"].startswith("HLA")) or None


def _status(one: dict[str, Any]) -> str:
    said = f"{one['gene']} {'not tested' if one['status'] == 'not_tested' else one['phenotype']}"
    if one["converted"] and one["converted"] != one["phenotype"]:
        sure = "" if one["conversion_confirmed"] else ", not confirmed"
        said += f" (beside {' and '.join(one['inhibitors'])}: {one['converted']}{sure})"
    return said


def recommendation(one: Advice) -> dict[str, Any]:
    """The weightiest thing that is said of a drug: ``action``, ``rationale`` with whose it is, ``caution_level``.

    A rule of the clinic that says to avoid the drug comes first; ``no_recommendation`` without a level where nobody
    recommends anything, which is no word for the usual dose.
    """
    most = max(map(weight, one.said))
    leading = [each for each in one.said if weight(each) == most]
    said = [f"{each.source}{f' ({each.rests_on}{_sure(each)})' if each.of else ''}: {each.text}" for each in leading]
    if one.barred:
        said.insert(0, BARRED)
    return {
        "action": "avoid" if one.barred else leading[0].action if most else NONE,
        "rationale": " ".join(dict.fromkeys(said)),
        "caution_level": "high" if one.barred else one.caution,
    }


def _sure(one: Any) -> str:
    return "" if one.confirmed else ", beside the drugs taken, not confirmed"
