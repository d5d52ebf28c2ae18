"""One patient's drugs, each with what guidelines say for the genotype, what trials say, and what was tried before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from novamind.audit.models import EventType
from novamind.audit.recording import note_object
from novamind.measures import Abstained
from patients.vocabularies import drugs
from twins.medication.context import Known
from twins.medication.own_rules import SPEAKS_AGAINST, Found
from twins.rules_in_use import rules_in_use
from twins.science.evidence import Acceptability, Change, Compared, Difference, Rate, Response, shipped_evidence
from twins.science.pgx import Recommendation, caution, recommend

#: The drugs that are answered for whatever the condition.
DEFAULT_DRUGS: Final = (
    "sertraline", "escitalopram", "fluoxetine", "paroxetine", "bupropion", "venlafaxine", "duloxetine", "quetiapine",
    "aripiprazole", "risperidone", "lamotrigine", "lithium", "valproate",
)  # fmt: skip
CONDITIONS: Final = {
    "depression": "Depression", "bipolar_depression": "Bipolar depression", "anxiety": "Generalized anxiety",
}  # fmt: skip
#: Nothing here predicts one person's response: that is a model's work, and none is in production.
NO_PREDICTION: Final = Abstained("not_promoted")
NO_EFFICACY: Final = Abstained("indeterminate", what="no share of responders with a source that was read")
#: Why points of a scale, or an odds ratio, are no number of people.
NO_SHARE: Final = Abstained(
    "indeterminate", what="points of a scale; no share of responders on placebo was verified to make people of them"
)
NO_LEAVERS: Final = Abstained(
    "indeterminate", what="an odds ratio; no share of people who leave on placebo was verified to make people of it"
)
NO_RATES: Final = Abstained("indeterminate", what="no rate of side effects with a source that was read")
#: Why a comparison names no drug.
NOT_COMPARED: Final = {
    "highest_efficacy": NO_EFFICACY,
    "lowest_side_effects": Abstained("indeterminate", what="for most of these drugs no rates with a source were read"),
    "optimal_balance": Abstained("indeterminate", what="of no drug that is open to this patient both are known"),
}


@dataclass(frozen=True, slots=True)
class Advice:
    """One drug for one patient; what is not known is ``None`` or empty.

    ``barred``: whether a rule of the clinic says to avoid it. ``shares``: those of all drugs that respond, 0 to 1.
    ``candidate``: whether it is compared with others; it is not where only its side effects are known.
    """

    drug: str
    drug_class: str
    said: tuple[Recommendation, ...]
    response: Response | None
    difference: Difference | None
    acceptability: Acceptability | None
    rates: tuple[Rate, ...]
    changes: tuple[Change, ...]
    current: bool
    barred: bool = False
    candidate: bool = True
    shares: tuple[float, ...] = ()

    @property
    def caution(self) -> str | None:
        """The most cautious thing a guideline says: ``high`` speaks against the drug, ``medium`` changes its dose or
        asks for watching, ``low`` changes nothing; ``None`` where none recommends anything."""
        return caution(self.said)

    @property
    def percentile(self) -> float | None:
        """Of the drugs with a known share of responders for the condition, how many of 100 respond less than it."""
        if self.response is None:
            return None
        return 100 * sum(each < self.response.share for each in self.shares) / len(self.shares)

    @property
    def compared(self) -> Compared:
        """What it is compared by."""
        return Compared(
            self.drug,
            self.response.share if self.response else None,
            self.rates[0].share if self.rates else None,
            against=self.barred or self.caution == "high",
        )


def advice_for(known: Known, condition: str, own: Mapping[str, Iterable[Found]]) -> list[Advice]:
    """Every drug that is answered for: those of the contract, those with a known efficacy for the condition, those
    that are taken, and those of which side effects are known.

    ``own``: what the clinic's rules find, by drug.
    """
    evidence = shipped_evidence()
    candidates = dict.fromkeys((*DEFAULT_DRUGS, *evidence.drugs(condition), *known.taking))
    names = dict.fromkeys((*candidates, *evidence.with_facts))
    barred = {name for name, found in own.items() if any(one.rule.severity in SPEAKS_AGAINST for one in found)}
    return [
        _advice(name, known, condition, barred=name in barred, candidate=name in candidates)
        for name in names
        if name in drugs()
    ]


def _advice(name: str, known: Known, condition: str, *, barred: bool, candidate: bool) -> Advice:
    evidence = shipped_evidence()
    said = recommend(name, known.readings, rules_in_use(), known.conversions, taking=known.acting)
    return Advice(
        drug=name,
        drug_class=drugs()[name].drug_class,
        said=tuple(said),
        response=evidence.responses.get(condition, {}).get(name),
        difference=evidence.differences.get(condition, {}).get(name),
        acceptability=evidence.acceptability.get(condition, {}).get(name),
        rates=evidence.rates_of(name),
        changes=evidence.changes_of(name),
        current=name in known.taking,
        barred=barred,
        candidate=candidate,
        shares=tuple(each.share for each in evidence.responses.get(condition, {}).values()),
    )


def note_rules() -> None:
    """Say in the trail that a decision was supported, and by which version of the rules."""
    rules = rules_in_use()
    note_object(EventType.CLINICAL_DECISION_SUPPORT, "twins.PgxRules", f"{rules.version}@{rules.sha256[:16]}")


def assessed(one: Advice, *, min_efficacy: float, max_risk: float) -> dict[str, Any]:
    """Whether a drug passes both limits: ``passed``, ``excluded`` with by which, or ``not_assessed`` with why.

    A drug that fails a limit that is known of is excluded, whatever else is not known of it.
    """
    compared = one.compared
    failed = []
    if compared.efficacy is not None and compared.efficacy < min_efficacy:
        failed.append("min_efficacy")
    if compared.burden is not None and compared.burden > max_risk:
        failed.append("max_side_effect_risk")
    if failed:
        return {"state": "excluded", "by": failed}
    silent = {}
    if compared.efficacy is None:
        silent["min_efficacy"] = (NO_SHARE if one.difference else NO_EFFICACY).as_json()
    if compared.burden is None:
        silent["max_side_effect_risk"] = NO_RATES.as_json()
    return {"state": "not_assessed", "why": silent} if silent else {"state": "passed"}
