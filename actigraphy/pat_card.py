"""What the card of a PAT encoder says: what the published weights are, and what nobody has measured of them."""

from __future__ import annotations

from typing import Any, Final

from actigraphy.science.pat.architecture import EMBEDDING
from actigraphy.science.pat.weights import WeightsFile
from novamind.registry.cards import not_available

_NO_PREDICTION = not_available(
    "An embedding is no prediction, so it has no validity or fairness of its own. What the authors report is of heads "
    "they trained on it, once each and without intervals; each head of ours has a card with its own figures."
)
_NOT_KNOWN_OF_THIS_FILE = not_available(
    "No published checksum is known for this file, so what it was trained on, by whom and under which licence is not "
    "established. The operator who installed it answers for it."
)

_OF_ANY_FILE: Final[dict[str, Any]] = {
    "does": f"Turns one week of wrist activity, minute by minute, into {EMBEDDING} numbers that other models build on.",
    "must_not": "It says nothing about a patient by itself: no diagnosis, no risk, no score may be read from it.",
    "output_value": f"{EMBEDDING} numbers without unit (the mean of the encoder's tokens); none means anything alone.",
    "output_type": "Other: a representation of the input, for other models.",
    "intended_use": "Input of heads and of comparisons between weeks, each registered and judged by itself.",
    "intended_population": "People whose device, placement and unit have a reference cohort.",
    "intended_users": "Other models of this clinic; no clinician reads its output.",
    "decision_role": "None by itself; whatever is built on it informs a clinician, who decides.",
    "cautioned_use": "People in bed or in hospital; recordings of less than seven days worn 16 h each; steps or other "
    "units than counts; devices without a reference cohort.",
    "known_limits": "Its input must be standardised by a cohort of the same device, placement and unit; standardised "
    "by anything else it gives numbers that look right and are wrong. How it behaves on psychiatric patients is "
    "not known.",
    "demographic_inputs": "None is used: the input is activity per minute.",
    "external_data": _NO_PREDICTION,
    "external_party": _NO_PREDICTION,
    "external_demographics": _NO_PREDICTION,
    "external_process": _NO_PREDICTION,
    "validity_internal": _NO_PREDICTION,
    "fairness_internal": _NO_PREDICTION,
    "validity_external": _NO_PREDICTION,
    "fairness_external": _NO_PREDICTION,
    "outcomes": not_available("No study of its use on outcomes is known to us."),
    "validity_monitoring": "Its inputs are compared with what the version declares, where it declares any; replaying a "
    "record shows that it still computes the same. Validity is monitored for each head.",
    "validity_local": _NO_PREDICTION,
    "fairness_monitoring": not_available("Nothing to monitor without a prediction; it is monitored for each head."),
    "fairness_local": _NO_PREDICTION,
    "update_process": "Never by itself: an operator installs another file, and a person with the right promotes it.",
    "correction_process": "When a head built on it is found at fault; retiring a version takes effect at the next run.",
}
_PUBLISHED: Final[dict[str, Any]] = {
    "developer": "F. Ruan, N. Jacobson and colleagues, Dartmouth; github.com/njacobsonlab/"
    "Pretrained-Actigraphy-Transformer. Reimplemented and served by Novamind.",
    "funding": not_available("Not stated with the weights."),
    "training_criteria": "29,307 participants of NHANES 2003-04, 2005-06 (hip), 2011-12 and 2013-14 (wrist) with a "
    "week of minutes. No rule on wear time or gaps is stated.",
    "training_demographics": not_available(
        "NHANES samples the non-institutionalised population of the United States; of the participants used, no "
        "breakdown by these variables is published."
    ),
    "training_relevance": "The general population, not psychiatric patients; two placements and two units, "
    "standardised within each survey cycle. It must not be tested on NHANES 2013-14, which it has seen.",
    "fairness_approach": not_available("None is stated for the pretraining."),
    "bias_approach": not_available("None is stated for the pretraining."),
    "licence": "CC BY 4.0, the licence of the authors' repository; the weights are linked there without one",
    "citation": "Ruan et al., Foundation Models for Wearable Movement Data in Mental Health Research, arXiv 2411.15240",
}
_PUBLISHED_LIMITS: Final = (
    "The 10,080 means and standard deviations of training were not published, so a cohort of ours must stand in. "
    "In training, time without the watch was zero activity, and what it learned to reconstruct was limited to two "
    "standard deviations."
)
PUBLISHED_TRAINING: Final = "NHANES minute activity (2003-2006 hip, 2011-2014 wrist), masked autoencoding; as published"


def card_of(weights: WeightsFile) -> dict[str, Any]:
    """The card of an installed file. Only one with a published checksum may say what the publication says."""
    if weights.published_as is None:
        return _OF_ANY_FILE | dict.fromkeys(_PUBLISHED, _NOT_KNOWN_OF_THIS_FILE)
    return _OF_ANY_FILE | _PUBLISHED | {"known_limits": f"{_OF_ANY_FILE['known_limits']} {_PUBLISHED_LIMITS}"}


def training_of(weights: WeightsFile) -> str:
    """What it was trained on, as far as that is known."""
    return PUBLISHED_TRAINING if weights.published_as else "not established: no published checksum is known for it"
