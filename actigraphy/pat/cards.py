"""What the cards of encoders and cohorts say: what they are, and what nobody has measured of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import actigraphy
from actigraphy.science.devices import DEVICES
from actigraphy.science.pat.architecture import EMBEDDING
from actigraphy.science.pat.reference import ReferenceCohort
from actigraphy.science.pat.weights import WeightsFile
from novamind.registry.cards import ATTRIBUTES, figure, not_available

#: Trained on simulated people, and part of every copy of the program.
SHIPPED: Final = Path(actigraphy.__file__).parent / "shipped"

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


_OWN: Final[dict[str, Any]] = {
    "developer": "Novamind, with manage.py pretrain_pat; architecture and masked autoencoding by F. Ruan, "
    "N. Jacobson and colleagues, Dartmouth.",
    "funding": not_available("Nobody funded it."),
    "fairness_approach": not_available("None: it was pretrained without labels, and on nobody's demography."),
    "bias_approach": not_available("None beside holding people out."),
    "licence": "As Novamind's: Apache-2.0",
    "citation": "After Ruan et al., Foundation Models for Wearable Movement Data in Mental Health Research, "
    "arXiv 2411.15240; this file is not theirs.",
}
_GAINS: Final = {
    "gain_over_cohort_mean": "share of squared error less than the cohort's mean, masked minutes",
    "gain_over_line_between_shown": "share of squared error less than a straight line between shown minutes",
}


def trained_here(weights_sha256: str, folder: Path) -> dict[str, Any] | None:
    """What ``pretrain_pat`` wrote about these weights in ``card.json`` beside them, or about the shipped ones."""
    for place in (folder, SHIPPED):
        try:
            said = json.loads((place / "card.json").read_bytes())
            if said["sha256"]["encoder"] == weights_sha256:
                return dict(said)
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None


def card_of(weights: WeightsFile, trained: dict[str, Any] | None = None) -> dict[str, Any]:
    """The card of an installed file: what its own training said of it, or what the publication says of a file with a
    published checksum, or that nothing is known."""
    if trained is not None:
        return _OF_ANY_FILE | _OWN | _as_trained(trained)
    if weights.published_as is None:
        return _OF_ANY_FILE | dict.fromkeys(_PUBLISHED, _NOT_KNOWN_OF_THIS_FILE)
    return _OF_ANY_FILE | _PUBLISHED | {"known_limits": f"{_OF_ANY_FILE['known_limits']} {_PUBLISHED_LIMITS}"}


def training_of(weights: WeightsFile, trained: dict[str, Any] | None = None) -> str:
    """What it was trained on, as far as that is known."""
    if trained is not None:
        return _people(trained)
    return PUBLISHED_TRAINING if weights.published_as else "not established: no published checksum is known for it"


def _people(trained: dict[str, Any]) -> str:
    data = trained["data"]
    kind = "simulated people (SYNTHETIC)" if data["simulated"] else "people"
    return f"{data['trained_people']} {kind}, {data['device']}; masked autoencoding, {trained['best_epoch']} epochs"


def _as_trained(trained: dict[str, Any]) -> dict[str, Any]:
    """What the training measured and said, in the terms of a card."""
    data, held_out = trained["data"], trained["held_out"]
    simulated = data["simulated"]
    population = (
        f"{data['held_out_people']} {'simulated ' if simulated else ''}people held out, {held_out['weeks']} weeks"
    )
    gains = [
        figure(metric, **held_out[name], n=data["held_out_people"], population=population, how=held_out["how"])
        for name, metric in _GAINS.items()
        if name in held_out
    ]
    return {
        "must_not": " ".join([_OF_ANY_FILE["must_not"], *trained["is_not"]]),
        "training_criteria": f"{_people(trained)}; of {data['people']} people with {data['weeks']} weeks of seven days "
        "worn at least 16 h each, the others were held out.",
        "training_demographics": not_available(
            "Its people are simulated and have no demography." if simulated else "Not kept with the recordings."
        ),
        "training_relevance": "None is claimed for real patients: the simulator's people move as it was told they do."
        if simulated
        else f"Recordings of the same device: {data['device']}.",
        "validity_internal": gains or _NO_PREDICTION,
    }


def cohort_card(cohort: ReferenceCohort) -> dict[str, Any]:
    """The card of a reference cohort: a table of means and spreads, which predicts nothing."""
    nothing = not_available(
        "A table of means and deviations predicts nothing; what is built on it has a card of its own."
    )
    device = DEVICES[cohort.device].label
    kind = "simulated people" if cohort.synthetic else "people"
    smoothed = "; the days taken together and smoothed over an hour" if cohort.smoothed else ""
    return dict.fromkeys(ATTRIBUTES, nothing) | {
        "does": f"Says how active {cohort.people} {kind} are at each minute of the week, by {device}.",
        "must_not": "It is no norm: being far from it is not being ill."
        + (" Nobody in it is real: it stands for simulated patients only." if cohort.synthetic else ""),
        "licence": "The clinic's own",
        "citation": not_available("Built by this clinic."),
        "developer": "Built by this clinic with manage.py build_reference_cohort.",
        "output_value": f"Mean and standard deviation of counts per minute{smoothed}.",
        "output_type": "Other: the scale on which weeks are given to models.",
        "intended_use": "Standardising weeks before an encoder reads them.",
        "intended_population": f"Recordings by {device}, in the same placement and unit.",
        "intended_users": "Models; no clinician reads it.",
        "decision_role": "None.",
        "cautioned_use": "Any other device, placement or unit.",
        "known_limits": f"{cohort.people} people, one week each: {cohort.label}.",
        "training_criteria": "The first week of seven days worn at least 16 h each, of every person.",
    }


#: The metric of false alarms, as it stands on a detector's card.
ALARMS: Final = "alarms per person and quarter, nothing changed"


def anomaly_card(said: dict[str, Any], cohort: ReferenceCohort, device: str) -> dict[str, Any]:
    """The card of an anomaly detector, from what ``calibrate_anomaly`` measured; without figures it is incomplete."""
    no_label = not_available("Nobody has labelled weeks of real patients with this detector in use.")
    measured, nobody = said.get("measured", {}), not_available("Simulated people have no demography.")
    people = f"{measured.get('people')} simulated people who trained nothing, {measured.get('unchanged_weeks')} weeks"
    how = f"{said.get('interval')}; threshold chosen on other simulated people"
    rows = [(ALARMS, measured.get("alarms_per_quarter"), measured.get("people"))]
    rows += [
        (f"share of single weeks told after: {row['change']}", row, row["people"])
        for row in measured.get("detected", {}).values()
    ]
    figures = [
        figure(metric, row["value"], low=row["low"], high=row["high"], n=n, population=people, how=how)
        for metric, row, n in rows
        if row is not None
    ]
    return {
        "does": "Tells parts of the day in which a week of activity is unlike the same person's four to eight earlier "
        "weeks.",
        "must_not": " ".join(said.get("is_not", [])),
        "licence": "As Novamind's: Apache-2.0",
        "citation": not_available("Not published; docs/methods.md describes it."),
        "developer": "Novamind, with manage.py pretrain_pat and calibrate_anomaly.",
        "funding": not_available("Nobody funded it."),
        "output_value": "A score per time of day, in robust standard deviations from the person's own earlier weeks: "
        "above zero more active or restless than usual, below it quieter; and what is beyond the threshold.",
        "output_type": "Other: a comparison of a person with themselves.",
        "intended_use": "Drawing attention to a week that is worth a look at the actogram and a question to "
        "the patient.",
        "intended_population": f"People with at least five weeks of {device}, seven days each worn 16 h.",
        "intended_users": "Clinicians of the patient's team.",
        "decision_role": "Informs; a clinician decides.",
        "cautioned_use": "Journeys, shift changes, illness in bed: they are unlike a person's usual and are told.",
        "known_limits": "Insomnia that leaves the level of activity by time of day as it was is not found. Clinics "
        "with many patients are told of some weeks in which nothing changed: the figure of false alarms says how many.",
        "training_criteria": f"Weeks of seven days worn at least 16 h; scale: {cohort.label}.",
        "demographic_inputs": "None is used: the input is activity per minute.",
        "training_demographics": nobody if cohort.synthetic else not_available("Not kept with the recordings."),
        "training_relevance": "None is claimed for real patients where the people are simulated: neither rate is known "
        "for them.",
        "fairness_approach": not_available("None: a person is compared with themselves alone."),
        "bias_approach": not_available("None beside choosing the threshold on other people than it is judged on."),
        "external_data": no_label,
        "external_party": no_label,
        "external_demographics": no_label,
        "external_process": no_label,
        "validity_internal": figures,
        "fairness_internal": nobody if cohort.synthetic else not_available("Demography is not kept with recordings."),
        "validity_external": no_label,
        "fairness_external": no_label,
        "outcomes": not_available("No study of its use on outcomes is known to us."),
        "validity_monitoring": "Its inputs are compared with those of its cohort (population stability index), on this "
        "page and on /metrics; replaying a record shows that it still computes the same.",
        "validity_local": no_label,
        "fairness_monitoring": not_available("Nothing is known of who is told of more often than others."),
        "fairness_local": no_label,
        "update_process": "Never by itself: an operator installs another one, and a person with the right promotes it.",
        "correction_process": "When it is found at fault; retiring a version takes effect at the next run.",
    }
