"""A recording's weeks against the same person's earlier ones, also those of earlier recordings by the same device."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actigraphy.analysis import OF_PAT, code_version
from actigraphy.minutes import Minutes
from actigraphy.models import Analysis
from actigraphy.pat.anomalies import Detector, detector_of
from actigraphy.pat.runs import Runs, answered
from actigraphy.pat.weeks import Week, weeks_of
from actigraphy.science.pat.anomaly import FEWEST_WEEKS, JudgedWeek, earlier_weeks, judge_week
from actigraphy.science.pat.reference import summarize
from actigraphy.science.pat.weeks import WEEK_DAYS, weeks_apart_from_last
from novamind.measures import Abstained
from novamind.registry.inference import runs_in_shadow
from novamind.registry.models import ModelVersion

Floats = NDArray[np.float32]


def judge(analysis: Analysis, earlier: Iterable[Analysis], version: ModelVersion) -> Runs:
    """Every week of an analysis that shares no minute with the next, counted back from the last, against those before.

    That is how often the false alarms on the card were counted: once a week. ``earlier`` are the patient's other
    analyses by the same device. An input is the earlier weeks, oldest first, and the judged one last.

    Raises
    ------
    Abstained
        unsupported_device, too_few_days (of this recording, or before it: 35 are needed), indeterminate;
        no_weights or weights_mismatch; not_promoted.
    """
    shadow, detector = runs_in_shadow(version), detector_of(version)
    own = _weeks(analysis, detector)
    pool = own + [week for other in earlier for week in _readable(other, detector)]
    starts = np.array([int(week.window.start.timestamp()) for week in pool], dtype=np.int64)
    answers, most = [], 0
    for at in weeks_apart_from_last(starts[: len(own)]).tolist():
        history = earlier_weeks(starts, int(starts[at]))
        most = max(most, len(history) + 1)
        if len(history) >= FEWEST_WEEKS:
            array = np.stack([pool[place].minutes for place in (*history.tolist(), at)])
            summary = tuple(summarize(pool[at].minutes))
            run = answered(version, analysis.patient_id, array, pool[at].window, lambda x: said(detector, x), summary)
            answers.append(run)
    if not answers:
        raise Abstained("too_few_days", needed=WEEK_DAYS * (FEWEST_WEEKS + 1), got=WEEK_DAYS * most)
    return Runs(version, analysis.patient_id, shadow, code_version(OF_PAT), answers)


def said(detector: Detector, weeks: Floats) -> dict[str, Any]:
    """What is kept of a judged week: weeks (h + 1, 10080), the judged one last. Raises as :func:`judge_week`."""
    judged = judge_week(detector.model, detector.rule, weeks[:-1], weeks[-1])
    return as_json(judged, detector.rule.threshold, len(weeks) - 1)


def as_json(judged: JudgedWeek, threshold: float, earlier: int) -> dict[str, Any]:
    """The farthest score, the score around the clock (null where not known), and what is beyond the threshold."""
    return {
        "highest": judged.highest,
        "threshold": threshold,
        "earlier_weeks": earlier,
        "day": [None if np.isnan(score) else float(score) for score in judged.day],
        "spans": [{"start_min": span.start_min, "end_min": span.end_min, "score": span.score} for span in judged.spans],
    }


def _weeks(analysis: Analysis, detector: Detector) -> list[Week]:
    return weeks_of(Minutes.of(analysis), analysis.zone, analysis.results["epoch_s"], detector.cohort)


def _readable(analysis: Analysis, detector: Detector) -> list[Week]:
    try:
        return _weeks(analysis, detector)
    except Abstained:  # an earlier recording without a whole week says nothing about what is usual
        return []
