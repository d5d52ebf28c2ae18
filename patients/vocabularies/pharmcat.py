"""Genotypes out of PharmCAT's JSON: a report of version 2 (genes by source) or 3 (genes alone), or its phenotypes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from patients.vocabularies.genes import genes

_SOURCES: Final = ("CPIC", "DPWG", "FDA")  # the first one that has a gene is read: all have the same call
_PARTIAL: Final = "?"
_UNKNOWN: Final = {"", "unknown", "n/a", "none"}
NOT_TESTED: Final = "not tested"
INDETERMINATE: Final = "indeterminate"


class NoPharmcatReport(ValueError):
    """The JSON is none of PharmCAT's."""


def read_pharmcat(said: Any, wanted: Collection[str]) -> dict[str, str]:
    """The genotypes of a report, as texts such as a laboratory writes.

    Parameters
    ----------
    said
        The decoded JSON.
    wanted
        Symbols of genes; others are left out, and so are those that the report does not have.

    Returns
    -------
    dict
        Gene to ``*1/*4``; several possible ones with ``or`` between them; ``?`` for an allele without a call; of HLA
        every allele that a rule names, such as ``*15:02 negative; *15:11 positive``;
        ``not tested`` where PharmCAT was given nothing to call from; ``indeterminate`` where it found no call, or was
        told a phenotype without alleles.

    Raises
    ------
    NoPharmcatReport
    """
    content = said.get("genes", said.get("geneReports")) if isinstance(said, Mapping) else None
    if not isinstance(content, Mapping) or not content:
        raise NoPharmcatReport("This is no report of PharmCAT: it has no genes.")
    found: dict[str, str] = {}
    for gene, report in _reports(content):
        if gene in wanted and isinstance(report, Mapping):
            found.setdefault(gene, _genotype(gene, report))
    return found


def _reports(content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    nested = [content[source] for source in _SOURCES if isinstance(content.get(source), Mapping)]
    for reports in nested or [content]:
        yield from reports.items()


def _genotype(gene: str, report: Mapping[str, Any]) -> str:
    diplotypes = report.get("sourceDiplotypes")
    texts = [_text(gene, one) for one in diplotypes if isinstance(one, Mapping)] if isinstance(diplotypes, list) else []
    called = list(dict.fromkeys(text for text in texts if text))
    if called:
        return " or ".join(called)
    return NOT_TESTED if str(report.get("callSource", "NONE")).upper() == "NONE" else INDETERMINATE


def _text(gene: str, diplotype: Mapping[str, Any]) -> str:
    """One diplotype; empty where neither allele has a call."""
    names = [_name(diplotype.get(place)) for place in ("allele1", "allele2")]
    if any(names):
        return "/".join(name or _PARTIAL for name in names)
    phenotypes = diplotype.get("phenotypes")
    known = genes().get(gene)
    if known and known.presence and isinstance(phenotypes, list):
        return "; ".join(dict.fromkeys(str(one) for one in phenotypes if str(one).split(" ")[0] in known.alleles))
    return ""


def _name(allele: Any) -> str:
    name = str(allele.get("name", "")) if isinstance(allele, Mapping) else ""
    return "" if name.strip().casefold() in _UNKNOWN else name.strip()
