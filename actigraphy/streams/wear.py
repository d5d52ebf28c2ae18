"""When a device was worn, as the analysis of its movement found: only then does what it feels stand for the person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

import numpy as np
from django.db.models import F, OuterRef, Q, Subquery
from numpy.typing import NDArray

from actigraphy.models import Analysis
from patients.models import Patient

Bools = NDArray[np.bool_]

#: Of the gaps of an analysis, those in which there are samples that are not the wearer's.
NOT_THE_WEARERS: Final = frozenset({"non_wear", "filled"})


def analyses_of(
    patient: Patient, sources: Collection[UUID], start: datetime, end: datetime
) -> dict[UUID, list[Analysis]]:
    """The newest analysis of each recording, and of each stretch of a stream, that reaches into [start, end), under
    the source that keeps the samples. One query."""
    newest = Analysis.objects.filter(source=OuterRef("source")).order_by("-created_at", "-pk").values("pk")[:1]
    rows = (
        Analysis.objects.filter(Q(source__in=sources) | Q(source__stream__in=sources), patient=patient)
        .filter(window_start__lt=end, window_end__gt=start, pk=Subquery(newest))
        .annotate(kept_by=F("source__stream"))
        .order_by("window_start")
    )
    found: dict[UUID, list[Analysis]] = defaultdict(list)
    for row in rows:
        found[row.kept_by or row.source_id].append(row)
    return found


def worn(at_s: NDArray[np.int64], analyses: Collection[Analysis], *, until_known: bool) -> Bools:
    """Whether the device was worn at each of these moments.

    Parameters
    ----------
    at_s : ndarray of int64, shape (n,)
        UTC seconds, increasing.
    analyses : collection of Analysis
        Of the source that measured then.
    until_known : bool
        What is said of moments that no analysis covers.
    """
    found = np.full(len(at_s), until_known)
    for analysis in analyses:
        found[_between(at_s, analysis.window_start, analysis.window_end)] = True
        for gap in analysis.results["quality"]["gaps"]:
            if gap["reason"] in NOT_THE_WEARERS:
                found[_between(at_s, *(datetime.fromisoformat(gap[end]) for end in ("start", "end")))] = False
    return found


def _between(at_s: NDArray[np.int64], start: datetime, end: datetime) -> slice:
    return slice(*np.searchsorted(at_s, [start.timestamp(), end.timestamp()]))
