"""Making a head: judged on people left out, then trained once more on everybody."""

from __future__ import annotations

from dataclasses import dataclass

from actigraphy.science.pat import Encoder, ReferenceCohort, cohort_bytes, load_cohort

from .card import card
from .evaluation import HOW, Progress, Recordings, answers, embed, make_folds
from .features import FeatureSet
from .head import Head
from .metrics import figures
from .training import fit


@dataclass(frozen=True, eq=False)
class Trained:
    """A head, and what it needs that is new: a cohort, where none was given; an encoder's file, where it was tuned."""

    head: Head
    cohort: ReferenceCohort | None
    encoder: bytes | None = None


def train(
    recordings: Recordings,
    *,
    outcome: str,
    kind: FeatureSet,
    population: str,
    encoder: Encoder | None = None,
    cohort: ReferenceCohort | None = None,
    alert_load: float | None = None,
    folds: int | None = None,
    refused: int = 0,
    tuned: bool = False,
    seed: int = 0,
    progress: Progress = lambda done, total: None,
) -> Trained:
    """A head for an outcome, with the figures of heads trained alike on people left out.

    Parameters
    ----------
    recordings, encoder, cohort, folds, seed, progress
        As for :func:`make_folds`.
    outcome, kind, population, refused, tuned
        As for :func:`actigraphy.science.heads.card.card`.
    alert_load : float, optional
        As for :func:`fit`.

    Raises
    ------
    TrainingError, CohortError
        Too few people.
    """
    with_pat = kind != "circadian"
    encoder, cohort = (encoder, cohort) if with_pat else (None, None)
    made = make_folds(recordings, encoder=encoder, cohort=cohort, folds=folds, seed=seed, progress=progress)
    judged = figures(
        answers(recordings, made, kind, alert_load=alert_load, seed=seed), population=population, how=HOW, seed=seed
    )
    own = None
    if with_pat and cohort is None:
        # Through its file's bytes, so that the checksum in the head is that of the file.
        own = cohort = load_cohort(
            cohort_bytes(recordings.cohort_of(recordings.person, f"training people: {population}"))
        )
    x = embed(recordings, encoder, cohort)[kind]
    linear = fit(x, recordings.label, recordings.person, alert_load=alert_load, seed=seed)
    load = 100 * float(recordings.label.mean()) if alert_load is None else alert_load
    said = card(
        outcome=outcome, kind=kind, population=population, alert_load=load, figures=judged, refused=refused, tuned=tuned
    )
    head = Head(
        outcome=outcome, kind=kind, device=recordings.device,
        encoder_sha256=encoder.weights_sha256 if encoder else "", cohort_sha256=cohort.sha256 if cohort else "",
        alert_load=load, linear=linear, card=said,
    )  # fmt: skip
    return Trained(head, own)
