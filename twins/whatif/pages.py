"""What the Twin page shows of what-if: the last questions, each with its answer or why there is none."""

from __future__ import annotations

from typing import Any

from novamind.measures import Abstained
from patients.models import Patient
from twins import charts
from twins.whatif.asking import Answered, newest
from twins.whatif.overlap import ENOUGH
from twins.whatif.told import LABEL, overlap, points, question, sentence


def what_if_context(patient: Patient) -> dict[str, Any]:
    """The last questions, the newest first."""
    return {"label": LABEL, "answers": [_answer(one) for one in newest(patient)], "enough": ENOUGH}


def _answer(one: Answered) -> dict[str, Any]:
    about = {"asked": one.asked, "question": question(one.asked), "why": one.why, "waiting": one.is_waiting}
    if not one.found:
        return about
    uncounted = one.similar if isinstance(one.similar, Abstained) else None
    return about | {
        "found": one.found, "words": sentence(one.found), "overlap": overlap(one), "uncounted": uncounted,
        "similar": one.similar, "chart": charts.what_if(points(one)),
    }  # fmt: skip
