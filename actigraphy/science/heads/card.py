"""What the card of a trained head says, as far as training can know it; a person answers the rest before promoting it.

Keys are the registry's: those of 45 CFR 170.315(b)(11)(iv)(B) by our names, and a few in plain words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from .features import FeatureSet

#: A head's figures that stand on its card: those without a denominator that may be empty come first.
ON_CARD: Final = ("auc", "mcc", "f1", "accuracy", "sensitivity", "specificity", "ppv", "alerts_per_100", "brier",
                  "calibration_slope", "calibration_intercept")  # fmt: skip

_READS: Final[dict[FeatureSet, str]] = {
    "circadian": "rhythm, sleep and activity of a wrist or hip recording",
    "pat": "the PAT embedding of a recording's weeks",
    "both": "rhythm, sleep and activity of a recording, and the PAT embedding of its weeks",
}


def card(
    *,
    outcome: str,
    kind: FeatureSet,
    population: str,
    alert_load: float,
    figures: Sequence[dict[str, Any]],
    refused: int,
    tuned: bool = False,
) -> dict[str, Any]:
    """The card of a head.

    Parameters
    ----------
    outcome, kind
        As in the head.
    population : str
        Who it was trained on, in a few words.
    alert_load : float
        Alerts per 100 recordings.
    figures : sequence of dict
        From :func:`actigraphy.science.heads.metrics.figures`, of people left out; those not defined are left off.
    refused : int
        Recordings that could not be used.
    tuned : bool
        Whether the encoder was fine-tuned for this outcome.
    """
    known = [each for name in ON_CARD for each in figures if each["metric"] == name and _whole(each)]
    return {
        "does": f"Says how likely “{outcome}” is, from {_READS[kind]}.",
        "must_not": "It makes no diagnosis and must not be the only ground of a decision about a patient.",
        "output_value": f"Calibrated probability of “{outcome}”, and an alert at {alert_load:.3g} of 100 recordings.",
        "output_type": "Prediction",
        "decision_role": "Informs; a clinician decides.",
        "cautioned_use": "Other devices, placements, ages or settings than those it was trained in.",
        "known_limits": "Answers only for recordings of seven days with five valid ones, of the same device, encoder "
        "and reference cohort. Trained at one frequency of the outcome; where it is rarer, probabilities are too high.",
        "training_criteria": f"{population}; {refused} recordings were refused or left out as too short or unreadable."
        + (" The encoder was fine-tuned on other people of the same source." if tuned else ""),
        "demographic_inputs": "None is an input.",
        "validity_internal": known,
        "validity_external": {"not_available": "It has been judged on people of the training source only."},
        "validity_local": {"not_available": "It has not been used here yet."},
    }


def _whole(figure: dict[str, Any]) -> bool:
    low, value, high = figure["low"], figure["value"], figure["high"]
    return None not in (low, value, high) and low <= value <= high
