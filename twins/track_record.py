"""Earlier forecasts of a patient against what the patient then said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from novamind.measures import Abstained
from novamind.registry.models import InferenceRecord
from patients.models import CheckIn
from twins.forecasts import LEVELS
from twins.models import Component, Twin

#: Pairs of a forecast and what was said, below which nothing is claimed of them.
LEAST_PAIRS: Final = 30
#: The newest of the stored forecasts that are looked at.
MOST_FORECASTS: Final = 90


@dataclass(frozen=True, slots=True)
class Pair:
    """What was forecast for a day, how many days before (1 to 14), and what was said on it."""

    on: date
    ahead: int
    point: float
    held: dict[str, bool]
    said: float


@dataclass(frozen=True)
class TrackRecord:
    """How earlier forecasts of one symptom have fared.

    Attributes
    ----------
    pairs : list of Pair
        Each stored forecast, made before the day, with what was said on it.
    """

    pairs: list[Pair]

    @property
    def n(self) -> int:
        return len(self.pairs)

    def mean_error(self) -> float:
        """Mean absolute error, in points of the scale.

        Raises
        ------
        Abstained
            too_few_pairs.
        """
        self._require()
        return sum(abs(pair.point - pair.said) for pair in self.pairs) / self.n

    def held(self, level: str) -> float:
        """Share of the days on which what was said lay within the interval, 0 to 1; raises as :meth:`mean_error`."""
        self._require()
        return sum(pair.held[level] for pair in self.pairs) / self.n

    def _require(self) -> None:
        if self.n < LEAST_PAIRS:
            raise Abstained("too_few_pairs", needed=LEAST_PAIRS, got=self.n)


def first_day(record: InferenceRecord, tz: Any) -> date:
    """The first day a forecast is for: the one on which its window ends."""
    found: date = record.window_end.astimezone(tz).date()
    return found


def track_record(twin: Twin, symptom: str) -> TrackRecord:
    """Of the newest stored forecasts, each of another day: the last one made of a day counts. Two queries."""
    tz = twin.patient.tz
    rows = Component.objects.filter(twin=twin, kind=Component.Kind.FORECAST, record__isnull=False)
    newest: dict[date, InferenceRecord] = {}
    for component in rows.select_related("record").order_by("-since_version")[:MOST_FORECASTS]:
        assert component.record is not None
        newest.setdefault(first_day(component.record, tz), component.record)
    if not newest:
        return TrackRecord([])
    said = _said(twin, symptom, min(newest))
    pairs = []
    for first, record in sorted(newest.items()):
        answer = record.output.get(symptom, {})
        for ahead, point in enumerate(answer.get("points", ()), 1):
            on = first + timedelta(days=ahead - 1)
            if on in said:
                held = {
                    level: answer["low"][level][ahead - 1] <= said[on] <= answer["high"][level][ahead - 1]
                    for level in LEVELS
                }
                pairs.append(Pair(on, ahead, point, held, said[on]))
    return TrackRecord(pairs)


def _said(twin: Twin, symptom: str, first: date) -> dict[date, float]:
    """The last check-in of each day from ``first`` on."""
    rows = CheckIn.objects.current().filter(patient_id=twin.patient_id, day__gte=first).order_by("at")
    return {one.day: float(getattr(one, symptom)) for one in rows if getattr(one, symptom) is not None}
