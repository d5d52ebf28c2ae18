"""Precision medication as the API tells it, under the contract's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from novamind import clock
from patients.models import Patient
from twins.medication.advice import (
    NO_EFFICACY,
    NO_LEAVERS,
    NO_PREDICTION,
    NO_RATES,
    NO_SHARE,
    NOT_COMPARED,
    Advice,
    advice_for,
    assessed,
)
from twins.medication.context import Known
from twins.medication.entering import NOT_ASKED
from twins.medication.factors import (
    NO_CONSENT,
    NO_ENZYME,
    NO_GENE,
    genetic_factors,
    metabolizer_status,
    recommendation,
)
from twins.medication.own_rules import rules_of
from twins.medication.tried import Tried, tried_of
from twins.rules_in_use import rules_in_use, table_url
from twins.science.evidence import Best, Response, Source, best, shipped_evidence
from twins.science.pgx import told, told_gene

History = Mapping[str, list[Tried]]
DISCLAIMER: Final = (
    "Guidelines for a genotype and results of trials in populations; no prediction for one person, and no prescription."
)


def recommendations_as_told(
    patient: Patient, user: Any, known: Known, condition: str, *, min_efficacy: float, max_risk: float
) -> dict[str, Any]:
    """Every drug in one of three lists, each with what is known of it; nothing is dropped in silence."""
    own = rules_of(patient, user, known)
    advised = advice_for(known, condition, own)
    tried = tried_of(patient, known)
    compared = best([one.compared for one in advised if one.candidate])
    found = [(one, assessed(one, min_efficacy=min_efficacy, max_risk=max_risk)) for one in advised]
    rules, evidence = rules_in_use(), shipped_evidence()
    conversions = known.conversions
    return {
        "patient_id": patient.pk, "condition_type": condition, "model_version": "",
        "rules_version": rules.version, "evidence_version": evidence.version,
        "recommendations": [_drug(one, state, known, tried) for one, state in found if state["state"] == "passed"],
        "not_assessed": [_drug(one, state, known, tried) for one, state in found if state["state"] == "not_assessed"],
        "excluded": [_drug(one, state, known, tried) for one, state in found if state["state"] == "excluded"],
        "comparative_analysis": {
            name: _best(name, one, evidence.version) for name, one in compared.items()
        },
        "genetic_data": {
            gene: told_gene(one, known.acting, conversions) | {"table_url": table_url(gene)}
            for gene, one in known.readings.items()
        },
        "genetic_data_quality": {
            "genes_of_the_rules": len(rules.symbols),
            "genes_known": sum(one.status in {"called", "ambiguous"} for one in known.readings.values()),
            "genotype_consent": known.genes is not None, "medication_consent": known.courses is not None,
            "takes_what_is_not_coded": known.uncoded,
        },
        "site_contraindications": [
            {"medication": name, "severity": each.rule.severity, "sure": each.sure, "text": each.rule.text,
             "against": each.rule.value, "source": each.rule.source, "rule": each.rule.rule,
             "version": each.rule.version}
            for name, several in sorted(own.items()) for each in several
        ],
        "warnings": known.warnings(), "notice": known.notice or "",
        "disclaimer": f"{DISCLAIMER} {NOT_ASKED}", "generated_at": clock.now(),
        "abstentions": {"model_version": NO_PREDICTION.as_json()},
    }  # fmt: skip


#: How each of the comparisons is derived, and from what.
DERIVED: Final = {
    "highest_efficacy": "largest share of responders in trials of the condition",
    "lowest_side_effects": "smallest of the largest shares with a side effect; not said while the rates of half of the "
    "drugs or more are not known",
    "optimal_balance": "share of responders times (1 minus the largest share with a side effect), where both are known",
}  # fmt: skip
NOT_AGAINST: Final = "; among the drugs that no guideline and no rule of the clinic speaks against for this patient"


def _best(name: str, one: Best, evidence: str) -> dict[str, Any]:
    """The first by one comparison, or nothing, with how that was derived and which drugs were passed over."""
    first = one.first
    return {
        "medication": first and first.drug,
        "efficacy": first and first.efficacy,
        "risk": first and first.burden,
        "balance": first and first.balance,
        "passed_over": list(one.passed_over),
        "derivation": f"{DERIVED[name]}{NOT_AGAINST}",
        "source": f"evidence {evidence}: population_efficacy and side_effect_risks of each drug name theirs",
        "abstention": None if first else NOT_COMPARED[name].as_json(),
    }


def _drug(one: Advice, state: dict[str, Any], known: Known, tried: History) -> dict[str, Any]:
    """One drug; a share of responders is the population's, and ``predicted_efficacy`` stays empty."""
    silent = {name: NO_PREDICTION.as_json() for name in ("predicted_efficacy", "efficacy.confidence")}
    if one.difference:
        silent["population_difference.absolute"] = NO_SHARE.as_json()
    if one.acceptability:
        silent["acceptability.absolute"] = NO_LEAVERS.as_json()
    if one.response is None:
        silent |= {
            name: (NO_SHARE if one.difference else NO_EFFICACY).as_json()
            for name in ("population_efficacy", "efficacy")
        }
    if not one.rates:
        silent |= {name: NO_RATES.as_json() for name in ("side_effect_risks", "side_effects")}
    factors = genetic_factors(one.drug, known)
    status = metabolizer_status(factors)
    if not factors:
        silent["genetic_factors"] = (NO_GENE if known.genes is not None else NO_CONSENT).as_json()
    if status is None:
        silent["metabolizer_status"] = (NO_ENZYME if known.genes is not None else NO_CONSENT).as_json()
    if one.compared.balance is None:
        silent["net_benefit"] = (NO_RATES if one.response else NO_EFFICACY).as_json()
    difference, left = one.difference, one.acceptability
    return {
        "medication": one.drug, "medication_class": one.drug_class, "predicted_efficacy": None,
        "population_efficacy": _response(one.response),
        "population_difference": difference and {
            "measure": difference.measure, "points": difference.points, "low": difference.low, "high": difference.high,
            "absolute": None, **_source(difference.source),
        },
        "acceptability": left and {
            "odds_ratio": left.odds_ratio, "low": left.low, "high": left.high, "absolute": None,
            **_source(left.source),
        },
        "side_effect_risks": [
            {"effect_type": rate.effect, "risk_level": rate.share, **_source(rate.source)} for rate in one.rates
        ],
        "average_changes": [
            {"effect_type": each.effect, "change": each.change, "unit": each.unit, "against": each.against,
             "to": each.to, **_source(each.source)}
            for each in one.changes
        ],
        "efficacy": {
            "score": one.response and one.response.share, "confidence": None, "percentile": one.percentile
        },
        "side_effects": [{"effect": rate.effect, "risk": rate.share} for rate in one.rates],
        "genetic_factors": factors, "metabolizer_status": status, "recommendation": recommendation(one),
        "net_benefit": one.compared.balance, "caution_level": one.caution,
        "guidelines": [told(said, rules_in_use()) for said in one.said],
        "current": one.current,
        "history": [each.json for each in tried.get(one.drug, ())],
        "assessment": state, "abstentions": silent,
    }  # fmt: skip


def _response(one: Response | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "share": one.share, "low": one.low, "high": one.high, "placebo_share": one.placebo, **_source(one.source)
    }  # fmt: skip


def _source(one: Source) -> dict[str, str]:
    return {"source": one.title, "url": one.url, "status": one.status}
