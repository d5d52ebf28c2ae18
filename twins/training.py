"""Series to train a forecaster on, of a file or of simulated people; and the card of what was trained on them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from novamind.registry.cards import figure, not_available
from novamind.simulator import simulate_daily
from twins.datasets import Built
from twins.forecasts import CODE, PER_POINT, read_as_trained
from twins.science.forecasting import HORIZON, LEAST_POINTS, Forecaster, Panel, PanelError, Preset, Scale, fit, judge

SYNTHETIC_ONLY: Final = "It was trained on simulated people only: no real person's scores were ever shown to it."
#: Ratings of low mood, as the check-in's mood is read.
SLIDER: Final = Scale(0.0, 100.0, 1.0)
_GROUPS: Final = 5
#: Beside those trained on, people who neither ended training nor chose anything: their figures stand on the card.
_HELD_OUT: Final = 0.2


@dataclass(frozen=True)
class Material:
    """Series, the instrument's scale where it is known, and where they come from.

    ``held_out`` are the people who judge, where whoever gave the series has chosen them.
    """

    panel: Panel
    scale: Scale | None
    simulated: bool
    source: dict[str, Any]
    held_out: Panel | None = None


def recorded(panel: Panel, path: Path, scale: Scale | None) -> Material:
    """Series of a file; the card knows it by its checksum, not by its name."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Material(panel, scale, simulated=False, source={"file_sha256": digest})


def of_dataset(built: Built) -> Material:
    """Moods of a data set's people as ratings of low mood: those of ``test`` judge, the others are learnt from.

    Raises
    ------
    PanelError
        It is a data set for something else.
    """
    if built.dataset.spec.purpose != "symptom-forecast":
        raise PanelError(f"a data set for {built.dataset.spec.purpose} holds no series to forecast")
    source = {"dataset_sha256": built.dataset.sha256, "who": "patients of this clinic who allow models, by pseudonym"}
    scale = Scale(SLIDER.low, SLIDER.high, PER_POINT)
    learnt, judging = _moods(built, ("train", "validation")), _moods(built, ("test",))
    return Material(learnt, scale, simulated=False, source=source, held_out=judging)


def _moods(built: Built, parts: tuple[str, ...]) -> Panel:
    people, moods = built.dataset.series("mood", parts)
    enough = np.flatnonzero(np.isfinite(moods).sum(axis=1) > LEAST_POINTS)
    if not len(enough):
        raise PanelError(f"nobody of {' and '.join(parts)} has more than {LEAST_POINTS} scores")
    return Panel(people, read_as_trained("mood", moods)).of(enough)


def simulated(people: int, *, days: int, first_seed: int) -> Material:
    """Daily ratings of low mood of simulated people, 0-100 in whole numbers."""
    if people < 1 or days < LEAST_POINTS + HORIZON:
        raise PanelError(f"simulate somebody for {LEAST_POINTS + HORIZON} days at least")
    cohort = simulate_daily(people, days, seed=first_seed)
    panel = Panel(tuple(f"SYNTHETIC {at}" for at in range(people)), cohort.ratings.low_mood)
    source = {"who": "SYNTHETIC people, daily rating of low mood, 0-100", "seed": first_seed, "days_each": days}
    return Material(panel, SLIDER, simulated=True, source=source)


def train(
    material: Material,
    *,
    preset: Preset,
    seed: int,
    threads: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Forecaster:
    """A forecaster of one member, with its card, judged by people kept back: a fifth, unless they were chosen before.

    Raises
    ------
    PanelError
        Too few people, or too short series.
    """
    taken, held_out = _dealt(material, seed)
    fitted = fit(
        taken, preset=preset, seed=seed, scale=material.scale, groups=_GROUPS, members=1, threads=threads,
        progress=progress,
    )  # fmt: skip
    found = judge(fitted, held_out).table(seed=seed)["models"]
    return replace(fitted, card=card(material, fitted, preset, seed, (len(taken), len(held_out)), found))


def _dealt(material: Material, seed: int) -> tuple[Panel, Panel]:
    """Who is learnt from, and who judges."""
    panel = material.panel
    if material.held_out is not None:
        return panel, material.held_out
    order = np.random.default_rng([seed, 11]).permutation(len(panel))
    back = max(round(_HELD_OUT * len(panel)), 1)
    return panel.of(np.sort(order[back:])), panel.of(np.sort(order[:back]))


def card(
    material: Material, fitted: Forecaster, preset: Preset, seed: int, people: tuple[int, int], found: dict[str, Any]
) -> dict[str, Any]:
    """What was trained, on whom, how, how well, and what it is not."""
    kind = "simulated people (SYNTHETIC)" if material.simulated else "people"
    population = f"{people[1]} {kind} held out, every day with at least {LEAST_POINTS} scores"
    figures = [_figure(name, found, people[1], population) for name in found if name != "own-mean"]
    said = {
        "model": f"Symptom forecaster: XGBoost and SymptomTransformer ({preset.name})",
        "is_not": [SYNTHETIC_ONLY] if material.simulated else [],
        "data": {
            "simulated": material.simulated,
            "trained_people": people[0],
            "held_out_people": people[1],
            "reported_days": _reported(material),
            **material.source,
        },
        "scale": asdict(fitted.norm.scale),
        "preset": asdict(preset),
        "transformer_share": fitted.weight,
        "seed": seed,
        "held_out": {"population": population, "models": found, "figures": figures},
        "code_version": CODE.version,
    }
    # People of the clinic itself judged it: which of its models serves there follows from them.
    return said | {"serves": serves(found)} if material.held_out is not None else said


def _reported(material: Material) -> int:
    panels = (material.panel, *([material.held_out] if material.held_out else []))
    return sum(int(np.isfinite(panel.scores).sum()) for panel in panels)


def serves(found: dict[str, Any]) -> str:
    """The ensemble where the interval of own-mean minus ensemble lies above zero; else the own mean."""
    low, _ = found["ensemble"]["own_mean_minus_model_interval"]
    return "ensemble" if low > 0 else "own-mean"


def _figure(name: str, found: dict[str, Any], people: int, population: str) -> dict[str, Any]:
    low, high = found[name]["own_mean_minus_model_interval"]
    value = found[name]["own_mean_minus_model"]
    return figure(
        f"points of absolute error less than the own mean: {name}", value, low=min(low, value), high=max(high, value),
        n=people, population=population, how="95 %, drawing people again",
    )  # fmt: skip


def judged_elsewhere(said: dict[str, Any], found: dict[str, Any], *, people: int, data: str) -> dict[str, Any]:
    """The card with figures on people of another source, and which model they let serve (:func:`serves`).

    Parameters
    ----------
    said : dict
        As training wrote it.
    found : dict
        ``models`` of an evaluation of this very file.
    people : int
    data : str
        Who they are, in words for the card.
    """
    figures = [_figure(name, found, people, data) for name in found if name != "own-mean"]
    low, high = found["ensemble"]["own_mean_minus_model_interval"]
    external = {"data": data, "people": people, "models": found, "figures": figures}
    return said | {
        "external": external | {"own_mean_minus_ensemble_interval": [low, high]},
        "serves": serves(found),
    }


def training_of(said: dict[str, Any]) -> str:
    """Who trained it, for the registry: the hash of the data set or of the file, or the simulator."""
    data = said["data"]
    hashes = {"data set": data.get("dataset_sha256"), "file": data.get("file_sha256")}
    named = [f"{what} {sha256}" for what, sha256 in hashes.items() if sha256]
    return "; ".join([*filter(None, [data.get("who")]), *named, f"{data['trained_people']} trained on"])


def registry_card(said: dict[str, Any]) -> dict[str, Any]:
    """The card as the registry asks for it, from what training wrote beside the weights."""
    data = said["data"]
    nobody = not_available("Simulated people have no demography." if data["simulated"] else "Not kept with the series.")
    not_yet = not_available("It has not been judged on people of another source, nor used here yet.")
    external = said.get("external")
    return {
        "does": f"Says what a person's daily score may be on each of the next {HORIZON} days, with intervals.",
        "must_not": " ".join(
            ["It must not raise or silence a safety alert, and is no ground of a decision by itself.", *said["is_not"]]
        ),
        "licence": "As Novamind's: Apache-2.0",
        "citation": not_available("Nothing is published about it; docs/forecasting.md describes it."),
        "developer": "Novamind, with manage.py train_forecaster.",
        "funding": not_available("Nobody funded it."),
        "output_value": "A score per day within the instrument's range and on its grid; intervals at 80 and 95 %.",
        "output_type": "Prediction",
        "intended_use": "Seeing what is likely if things go on as they did, and how unsure that is.",
        "intended_population": "People who report the same daily score on at least seven days.",
        "intended_users": "Clinicians.",
        "decision_role": "Informs; a clinician decides.",
        "cautioned_use": "Weekly questionnaires, other scales than it was trained on, starts and stops of treatment.",
        "known_limits": "It knows the past of one score and nothing else: no event, no drug, no sleep. Intervals hold "
        "on average over people, not for every person, until they have adapted to that person.",
        "training_criteria": f"{data['trained_people']} {'simulated ' if data['simulated'] else ''}people with "
        f"{LEAST_POINTS} scores or more.",
        "demographic_inputs": "None is an input.",
        "training_demographics": nobody,
        "training_relevance": "None is claimed for real patients: the simulator's people feel as it was told they do."
        if data["simulated"]
        else "Series of the same instrument.",
        "fairness_approach": not_available("None: no demography is known of the people it was trained on."),
        "bias_approach": not_available("None beside holding people out."),
        "external_data": external["data"] if external else not_yet,
        "external_party": "Novamind, with manage.py evaluate_forecaster --forecaster." if external else not_yet,
        "external_demographics": not_available("Not part of the data.") if external else not_yet,
        "external_process": "Frozen weights on every day of people who trained nothing." if external else not_yet,
        "validity_internal": said["held_out"]["figures"],
        "fairness_internal": nobody,
        "validity_external": external["figures"] if external else not_yet,
        "fairness_external": nobody,
        "outcomes": not_available("No study of its use on outcomes is known to us."),
        "validity_monitoring": "Past forecasts are kept beside what happened.",
        "validity_local": not_available("It has not been used here yet."),
        "fairness_monitoring": not_available("Not monitored yet."),
        "fairness_local": not_available("It has not been used here yet."),
        "update_process": "Never by itself: an operator trains another file, and a person with the right promotes it.",
        "correction_process": "Retiring a version takes effect at the next run; the own mean serves then.",
    }
