"""Genotypes and recommendations as FHIR R4 resources after HL7's Genomics Reporting (STU2 and STU3), as plain dicts.

Pure: values in, dicts out, the same ids for the same patient and contents. Nothing is served from here.

References
----------
http://hl7.org/fhir/uv/genomics-reporting/: profiles genotype, therapeutic-implication, medication-recommendation.
Codes of LOINC: 84413-4, 48018-6, 51963-7 and LA26421-0, no other; genes and drugs stand as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID, uuid5

from twins.science.pgx import Recommendation, weight
from twins.science.pgx.recommending import CONVERSION
from twins.science.pgx.weighing import AGAINST, CHANGES, SILENT

GUIDE: Final = "http://hl7.org/fhir/uv/genomics-reporting"
LOINC: Final = "http://loinc.org"
TO_BE_DETERMINED: Final = f"{GUIDE}/CodeSystem/tbd-codes-cs"
ARTIFACT: Final = "http://hl7.org/fhir/StructureDefinition/workflow-relatedArtifact"
#: Of our ids: the URL of the guide, named by version 5 of RFC 9562.
NAMESPACE: Final = uuid5(UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8"), GUIDE)

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Called:
    """A gene's result that was called: the row's id, the gene, the diplotype as reported, and on which day."""

    row: UUID
    gene: str
    diplotype: str
    on: date | None = None


def bundle(patient: UUID, genotypes: Iterable[Called], said: Iterable[Recommendation], version: str) -> Resource:
    """A collection of the genotypes, what follows from them, and what a guideline asks to be done otherwise.

    Parameters
    ----------
    patient
        The id under which the resources name their subject; the patient's own resource is not among them.
    genotypes
        Called results alone: one that was not tested or has no call is no genotype.
    said
        Recommendations. Left out are those of no word, and those that rest on no genotype given here.
    version
        Of the rules.
    """
    found = {one.gene: genotype(patient, one) for one in genotypes}
    resources = list(found.values())
    for one in said:
        rests = [found[gene] for gene, _ in one.of if gene in found]
        if weight(one) == SILENT or not rests:
            continue
        implication = therapeutic_implication(patient, one, rests, version)
        resources.append(implication)
        if weight(one) >= CHANGES:
            resources.append(medication_recommendation(patient, one, implication))
    entries = {one["id"]: {"fullUrl": _urn(one), "resource": one} for one in resources}
    return {"resourceType": "Bundle", "type": "collection", "entry": list(entries.values())}


def genotype(patient: UUID, one: Called) -> Resource:
    """Observation, profile genotype."""
    made = _observation("genotype", patient, str(one.row)) | {
        "code": _coded(LOINC, "84413-4", "Genotype display name"),
        "valueCodeableConcept": {"text": f"{one.gene} {one.diplotype}"},
        "component": [_component(_coded(LOINC, "48018-6", "Gene studied [ID]"), one.gene)],
    }
    return made | ({"effectiveDateTime": one.on.isoformat()} if one.on else {})


def therapeutic_implication(
    patient: UUID, one: Recommendation, rests: Iterable[Mapping[str, Any]], version: str
) -> Resource:
    """Observation, profile therapeutic-implication: what the phenotypes mean for a drug, and which source says so."""
    code = _coded(TO_BE_DETERMINED, "therapeutic-implication", "Therapeutic Implication")
    converted = " Beside the drugs taken (phenoconversion)." if one.basis == CONVERSION else ""
    made_sure = "" if one.confirmed else f" {_unsure(one)}"
    whom = f" Population: {one.population}." if one.population else ""
    said = f"{one.text}{converted}{made_sure}{whom}"
    made = _observation("therapeutic-implication", patient, *_key(one)) | {
        "code": code,
        "derivedFrom": [{"reference": _urn(each)} for each in rests],
        "component": [
            _component(_coded(LOINC, "51963-7", "Medication assessed [ID]"), one.drug),
            *(_component(code, f"{gene} {phenotype}") for gene, phenotype in one.of),
        ],
        "status": "final" if one.confirmed else "preliminary",
        "note": [{"text": f"{said} Strength: {one.strength}. Rules {version}, of {one.as_of}."}],
    }
    if one.url:
        source = {"type": "citation", "display": f"{one.source}: {one.guideline}", "url": one.url}
        made["extension"] = [{"url": ARTIFACT, "valueRelatedArtifact": source}]
    return made


def medication_recommendation(patient: UUID, one: Recommendation, implication: Mapping[str, Any]) -> Resource:
    """Task, profile medication-recommendation: a proposal, never an order; coded where the drug is spoken against.

    A draft as long as it follows from multipliers that nobody confirmed: somebody has to judge first whether it holds.
    """
    code: Resource = {"text": ", ".join(action.replace("_", " ") for action in one.actions)}
    if weight(one) == AGAINST:
        code |= _coded(LOINC, "LA26421-0", "Consider alternative medication")
    return {
        "resourceType": "Task",
        "id": str(_id("medication-recommendation", patient, *_key(one))),
        "meta": {"profile": [f"{GUIDE}/StructureDefinition/medication-recommendation"]},
        "status": "requested" if one.confirmed else "draft",
        "intent": "proposal",
        "code": code,
        "description": one.text if one.confirmed else f"{one.text} {_unsure(one)}",
        "for": {"reference": f"Patient/{patient}"},
        "reasonReference": {"reference": _urn(implication)},
    }


def _unsure(one: Recommendation) -> str:
    """Both possibilities of what nobody confirmed."""
    return f"Not confirmed: how much of the enzyme is left. By the genotype alone: {one.by_genotype}"


def _observation(profile: str, patient: UUID, *key: str) -> Resource:
    return {
        "resourceType": "Observation",
        "id": str(_id(profile, patient, *key)),
        "meta": {"profile": [f"{GUIDE}/StructureDefinition/{profile}"]},
        "status": "final",
        "category": [
            _coded("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory", "Laboratory"),
            _coded("http://terminology.hl7.org/CodeSystem/v2-0074", "GE", "Genetics"),
        ],
        "subject": {"reference": f"Patient/{patient}"},
    }


def _key(one: Recommendation) -> tuple[str, ...]:
    """What tells one recommendation from another of the same patient."""
    rests = ";".join(f"{gene}={phenotype}" for gene, phenotype in one.of)
    return one.drug, one.source, one.guideline or "", one.population or "", one.basis, rests, one.text


def _id(*parts: object) -> UUID:
    return uuid5(NAMESPACE, "\x1f".join(map(str, parts)))


def _urn(resource: Mapping[str, Any]) -> str:
    return f"urn:uuid:{resource['id']}"


def _coded(system: str, code: str, display: str) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def _component(code: Resource, text: str) -> Resource:
    return {"code": code, "valueCodeableConcept": {"text": text}}
