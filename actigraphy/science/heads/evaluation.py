"""Judging heads: every person is asked about by a head that never saw them, with all that is learned learned anew.

The folds' reference cohorts, imputation, scaling, penalty, calibration and threshold come from the training people.
Without ``folds`` one person is left out at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actigraphy.science.pat import Encoder, ReferenceCohort, build_cohort

from .features import FEATURE_SETS, FeatureSet, Material, embed_person
from .metrics import Answers, auc, figures, reliability
from .training import TrainingError, assert_apart, fit, grouped_splits

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Progress = Callable[[int, int], None]

DUMMIES: Final = ("majority", "stratified")
HOW: Final = "each answer from a head trained without that person; 95 % bootstrap over people"


@dataclass(frozen=True, eq=False)
class Recordings:
    """Recordings with a known outcome, all of one device, and what heads read of them.

    Attributes
    ----------
    device : str
        Key of the DeviceProfile.
    label : ndarray of bool, shape (n,)
    person : ndarray of int, shape (n,)
        0 to the number of people - 1; several recordings may be one person's.
    circadian : ndarray, shape (n, len(CIRCADIAN))
    weeks : sequence of ndarray of float32, (w, 10080) each
    """

    device: str
    label: Bools
    person: Ints
    circadian: Floats
    weeks: Sequence[NDArray[np.float32]]

    @property
    def people(self) -> int:
        """How many people they are of."""
        return len(np.unique(self.person))

    def cohort_of(self, people: Ints, label: str = "training people") -> ReferenceCohort:
        """The reference cohort of some of the people: the first week of each one's first recording.

        Raises
        ------
        CohortError
            They are too few.
        """
        first = [int(np.flatnonzero(self.person == who)[0]) for who in np.unique(people)]
        return build_cohort(np.stack([self.weeks[at][0] for at in first]), device=self.device, label=label)


def gather(materials: Sequence[Material], label: Sequence[bool], person: Sequence[str]) -> Recordings:
    """Recordings of one device with their labels and whose they are."""
    devices = {material.device for material in materials}
    if len(devices) != 1:
        raise TrainingError(f"recordings of one device are needed; got {', '.join(sorted(devices)) or 'none'}")
    _, numbered = np.unique(np.asarray(person), return_inverse=True)
    circadian, weeks = np.stack([each.circadian for each in materials]), [each.weeks for each in materials]
    return Recordings(devices.pop(), np.asarray(label, dtype=bool), numbered.astype(np.int64), circadian, weeks)


@dataclass(frozen=True, eq=False)
class Fold:
    """One split, and what the heads read in it: (n, k) for all recordings, made from nobody but the training people."""

    train: Ints
    test: Ints
    features: dict[FeatureSet, Floats]


def make_folds(
    recordings: Recordings,
    *,
    encoder: Encoder | None = None,
    cohort: ReferenceCohort | None = None,
    folds: int | None = None,
    seed: int = 0,
    progress: Progress = lambda done, total: None,
) -> list[Fold]:
    """The splits, with PAT's embeddings under the cohort of each one's training people.

    Parameters
    ----------
    recordings : Recordings
    encoder : Encoder, optional
        Without it there are circadian features only.
    cohort : ReferenceCohort, optional
        One that holds none of these people: used in every fold instead of the training people's own.
    folds : int, optional
        Stratified folds; without it as many as there are people.
    seed : int
        Of the folds.
    progress : callable
        Told the folds done and their number.

    Raises
    ------
    CohortError
        Too few people for a reference cohort.
    """
    splits, made = list(_splits(recordings, folds, seed)), []
    fixed = None if encoder is not None and cohort is None else embed(recordings, encoder, cohort)
    for train, test in splits:
        features = fixed
        if features is None:
            features = embed(recordings, encoder, recordings.cohort_of(recordings.person[train]))
        made.append(Fold(train, test, features))
        progress(len(made), len(splits))
    return made


def embed(recordings: Recordings, encoder: Encoder | None, cohort: ReferenceCohort | None) -> dict[FeatureSet, Floats]:
    """What each kind of head reads of the recordings (n, k); without encoder and cohort, circadian features only."""
    features: dict[FeatureSet, Floats] = {"circadian": recordings.circadian}
    if encoder is not None and cohort is not None:
        pat = np.stack([embed_person(encoder, cohort, weeks) for weeks in recordings.weeks])
        features |= {"pat": pat, "both": np.hstack((recordings.circadian, pat))}
    return features


def _splits(recordings: Recordings, folds: int | None, seed: int) -> Iterator[tuple[Ints, Ints]]:
    if folds is not None:
        yield from grouped_splits(recordings.label, recordings.person, folds, seed)
        return
    for who in range(recordings.people):
        train, test = np.flatnonzero(recordings.person != who), np.flatnonzero(recordings.person == who)
        assert_apart(recordings.person, train, test)
        yield train, test


def answers(
    recordings: Recordings, folds: Sequence[Fold], kind: FeatureSet, *, alert_load: float | None = None, seed: int = 0
) -> Answers:
    """What heads that never saw the person say of each recording.

    AUC ranks the scores before calibration. Calibrated ones hold the share of positives among the training people,
    which is lower exactly where the one left out is positive: knowing nothing would rank everybody the wrong way round.

    References
    ----------
    Airola et al. (2011) Comput Stat Data Anal 55:1828-1844 (pooled AUC of leave-one-out).
    """
    score, probability = (np.full(len(recordings.label), np.nan) for _ in range(2))
    alert = np.zeros(len(recordings.label), dtype=bool)
    for fold in folds:
        x, train, test = fold.features[kind], fold.train, fold.test
        head = fit(x[train], recordings.label[train], recordings.person[train], alert_load=alert_load, seed=seed)
        score[test], probability[test] = head.score(x[test]), head.probability(x[test])
        alert[test] = probability[test] >= head.threshold
    return Answers(recordings.label, recordings.person, score, probability, alert)


def dummy_answers(recordings: Recordings, folds: Sequence[Fold], strategy: str, *, seed: int = 0) -> Answers:
    """What somebody says who looks at no recording: always the more frequent label, or at random in its proportions."""
    said = np.zeros(len(recordings.label), dtype=bool)
    base = np.zeros(len(recordings.label))
    rng = np.random.default_rng(seed)
    for fold in folds:
        rate = float(recordings.label[fold.train].mean())
        base[fold.test] = rate
        said[fold.test] = rate > 0.5 if strategy == "majority" else rng.random(len(fold.test)) < rate
    # The base rate as probability; ranked by what was said, for the reason given at ``answers``.
    return Answers(recordings.label, recordings.person, said.astype(np.float64), base, said)


def evaluate(
    recordings: Recordings,
    folds: Sequence[Fold],
    *,
    population: str,
    alert_load: float | None = None,
    permutations: int = 0,
    seed: int = 0,
    progress: Progress = lambda done, total: None,
) -> dict[str, Any]:
    """Figures, reliability and answers of every feature set the folds hold, and the figures of the dummies.

    With ``permutations``, also how the AUC would be distributed if labels had nothing to do with recordings.
    """
    kinds = [kind for kind in FEATURE_SETS if kind in folds[0].features]
    said: dict[str, Any] = {}
    for done, kind in enumerate(kinds, start=1):
        found = answers(recordings, folds, kind, alert_load=alert_load, seed=seed)
        entry: dict[str, Any] = {
            "figures": figures(found, population=population, how=HOW, seed=seed),
            "reliability": reliability(found),
            "probabilities": found.probability.tolist(),
            "alerts": found.alert.tolist(),
        }
        if permutations:
            null = permuted_aucs(recordings, folds, kind, permutations=permutations, seed=seed)
            entry["permutation"] = _against(null, entry["figures"][0]["value"])
        said[kind] = entry
        progress(done, len(kinds))
    for strategy in DUMMIES:
        found = dummy_answers(recordings, folds, strategy, seed=seed)
        said[f"dummy_{strategy}"] = {"figures": figures(found, population=population, how=HOW, seed=seed)}
    return said


def permuted_aucs(
    recordings: Recordings, folds: Sequence[Fold], kind: FeatureSet, *, permutations: int, seed: int = 0
) -> list[float]:
    """The AUC of the whole procedure on labels dealt anew among people: about 0.5, unless something leaks.

    A little under, in truth: who is left out takes their label away from its side of the training people.
    """
    first = np.unique(recordings.person, return_index=True)[1]
    if (recordings.label != recordings.label[first][recordings.person]).any():
        raise TrainingError("labels of people with more than one label cannot be dealt anew")
    rng, ones = np.random.default_rng(seed), np.ones((1, len(recordings.label)))
    found = []
    for _ in range(permutations):
        dealt = replace(recordings, label=rng.permutation(recordings.label[first])[recordings.person])
        found.append(float(auc(answers(dealt, folds, kind, seed=seed), ones)[0]))
    return found


def _against(null: Sequence[float], observed: float) -> dict[str, Any]:
    low, middle, high = (float(value) for value in np.percentile(null, [2.5, 50, 97.5]))
    reached = (1 + sum(value >= observed for value in null)) / (1 + len(null))
    return {"auc_if_unrelated": middle, "low": low, "high": high, "permutations": len(null), "p": reached}
