"""What was measured, whichever source it came from: in each minute the preferred source counts, and the rest is shown
as left out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from actigraphy.catalogue import DataType, Form
from actigraphy.channels import CHANNELS, COUNTS, Channel
from actigraphy.days import EMPTY, Samples, together
from actigraphy.models import PointReading, Signal, SleepSession, Source, SourceOrder
from actigraphy.science import streams
from actigraphy.streams.ordering import in_order, order_of
from actigraphy.streams.stretches import sent_by
from actigraphy.streams.wear import analyses_of, worn
from novamind import clock
from novamind.clock import from_epoch
from novamind.measures import Abstained
from patients import consent
from patients.models import ConsentPurpose, Patient

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Contribution:
    """One source's samples of a channel, which of them count, and at which the device is known to have been worn."""

    source: Source
    samples: Samples
    kept: Any  # (n,) bool
    worn: Any  # (n,) bool; all of them where the channel does not ask

    @property
    def label(self) -> str:
        """What measured, in words."""
        return sent_by(self.source)


@dataclass(frozen=True)
class Series:
    """A channel of a patient in a window, by source in the order of preference."""

    channel: str
    start: datetime
    end: datetime
    parts: list[Contribution] = field(default_factory=list)
    order: SourceOrder | None = None  # this patient's own, if one was ever set

    @property
    def spec(self) -> Channel:
        """Unit, range and how a day is summarized."""
        return CHANNELS[self.channel]

    def last_before(self, moment: datetime) -> datetime | None:
        """When any source last measured before a moment, within the window."""
        place = [int(np.searchsorted(part.samples.at_s, moment.timestamp())) for part in self.parts]
        found = [part.samples.at_s[at - 1] for part, at in zip(self.parts, place, strict=True) if at]
        return from_epoch(int(max(found))) if found else None

    def counted(self) -> tuple[Samples, Any]:
        """What counts, in the order of time, and for each sample the number of its source in :attr:`parts`."""
        if not self.parts:
            return EMPTY, np.empty(0, dtype=np.int64)
        at_s = np.concatenate([part.samples.at_s[part.kept] for part in self.parts])
        values = np.concatenate([part.samples.values[part.kept] for part in self.parts])
        whose = np.repeat(np.arange(len(self.parts)), [int(np.count_nonzero(part.kept)) for part in self.parts])
        order = np.argsort(at_s, kind="stable")
        return Samples(at_s[order], values[order]), whose[order]

    def of_wearer(self) -> Series:
        """The same without what was measured while the device was not worn, as far as that is known."""
        parts = [replace(part, kept=part.kept & part.worn) for part in self.parts]
        return replace(self, parts=parts)


def require_type(patient: Patient, kind: DataType) -> None:
    """``ConsentWithheld`` unless the patient allows this type to be used in treatment."""
    consent.require(patient, ConsentPurpose.TREATMENT, kind.stream)


def read_series(patient: Patient, channel: str, *, start: datetime, end: datetime) -> Series:
    """A channel in [start, end), every source's. Two queries, and one where wear matters; the caller has asked for
    consent."""
    rows = Signal.objects.filter(
        patient=patient, channel=channel, day__gte=start.astimezone(UTC).date(),
        day__lte=(end - timedelta(microseconds=1)).astimezone(UTC).date(), valid__gt=0,
    )  # fmt: skip
    found: list[tuple[Source, Samples]] = []
    for _, days in groupby(rows.select_related("source").order_by("source_id", "day"), lambda row: row.source_id):
        of_source = list(days)
        samples = together(of_source).cut(int(start.timestamp()), int(np.ceil(end.timestamp())))
        if len(samples):
            found.append((of_source[0].source, _per_minute(channel, of_source[0], samples)))
    order = order_of(patient, channel)
    samples_of = {source.pk: samples for source, samples in found}
    sources = in_order(channel, [source for source, _ in found], order)
    held = [samples_of[source.pk] for source in sources]
    while_worn = _worn(patient, channel, sources, held, start, end)
    kept = _kept([samples.at_s for samples in held], while_worn)
    parts = [Contribution(*part) for part in zip(sources, held, kept, while_worn, strict=True)]
    return Series(channel, start, end, parts, order)


def _worn(
    patient: Patient, channel: str, sources: list[Source], held: list[Samples], start: datetime, end: datetime
) -> list[Bools]:
    """Movement of which no analysis has said anything yet is nobody's; a phone's steps need none."""
    if not CHANNELS[channel].wearers or not sources:
        return [np.ones(len(samples), dtype=bool) for samples in held]
    analyses = analyses_of(patient, [source.pk for source in sources], start, end)
    until_known = CHANNELS[channel].unit != COUNTS
    return [
        worn(samples.at_s, analyses.get(source.pk, ()), until_known=until_known)
        for source, samples in zip(sources, held, strict=True)
    ]


def _kept(at_s: list[Any], while_worn: list[Bools]) -> list[Bools]:
    """In each minute the first source that was worn, or else the first of all."""
    pairs = list(zip(at_s, while_worn, strict=True))
    chosen = streams.chosen([one[mask] for one, mask in pairs] + [one[~mask] for one, mask in pairs])
    found = [np.zeros(len(one), dtype=bool) for one in at_s]
    for place, (_, mask) in enumerate(pairs):
        found[place][mask], found[place][~mask] = chosen[place], chosen[len(pairs) + place]
    return found


def _per_minute(channel: str, row: Signal, samples: Samples) -> Samples:
    """Counts of an uploaded recording are of its own epoch; what streams is sent by the minute."""
    if CHANNELS[channel].unit != COUNTS or row.source.kind != Source.Kind.RECORDING:
        return samples
    return Samples(samples.at_s, samples.values * np.float32(60 / row.epoch_s))


@dataclass(frozen=True)
class Share:
    """What one source gave to a day: samples that count, samples left out, those of an unworn device among these, and
    the day by this source alone."""

    source_id: UUID
    label: str
    kept: int
    dropped: int
    unworn: int
    alone: float | Abstained


@dataclass(frozen=True)
class Day:
    """A local day of a channel: ``value`` is its mean or sum, ``n`` samples behind it; ``Abstained`` where nothing was
    measured, or nothing while the device was known to be worn.

    ``coverage`` is the share of the expected intervals with a sample, ``worn`` with one that counts; 0 to 1.
    """

    date: date
    value: float | Abstained
    low: float | None
    high: float | None
    n: int
    coverage: float
    worn: float
    shares: list[Share]


def days_of(series: Series, zone: str, first: date, last: date) -> list[Day]:
    """Every local day from ``first`` to ``last``; a day of 23 or 25 hours is as long as it is."""
    tz = clock.zone(zone)
    dates = [first + timedelta(days=k) for k in range((last - first).days + 1)]
    bounds = [int(clock.midnight(one, tz).timestamp()) for one in (*dates, last + timedelta(days=1))]
    (sent, _), (counted, _), spec = series.counted(), series.of_wearer().counted(), series.spec
    cuts, received = streams.by_bounds(counted.at_s, bounds), streams.by_bounds(sent.at_s, bounds)
    of_sources = [streams.by_bounds(part.samples.at_s, bounds) for part in series.parts]
    now_s = int(clock.now().timestamp())
    found = []
    for place, one in enumerate(dates):
        values = counted.values[cuts[place]].astype(np.float64)
        start_s, end_s = bounds[place], max(min(bounds[place + 1], now_s), bounds[place])
        found.append(
            Day(
                date=one,
                value=_summed(spec, values, received[place]),
                low=_plain(spec, values.min()) if len(values) else None,
                high=_plain(spec, values.max()) if len(values) else None,
                n=len(values),
                coverage=_coverage(sent.at_s[received[place]], start_s, end_s, spec.expected_s),
                worn=_coverage(counted.at_s[cuts[place]], start_s, end_s, spec.expected_s),
                shares=[
                    _share(spec, part, pieces[place])
                    for part, pieces in zip(series.parts, of_sources, strict=True)
                    if pieces[place].stop > pieces[place].start
                ],
            )
        )
    return found


def _share(spec: Channel, part: Contribution, piece: slice) -> Share:
    mask = part.worn[piece]
    kept, values = int(np.count_nonzero(part.kept[piece] & mask)), part.samples.values[piece][mask].astype(np.float64)
    return Share(
        source_id=part.source.pk, label=part.label, kept=kept, dropped=len(mask) - kept,
        unworn=int(np.count_nonzero(~mask)), alone=_summed(spec, values, piece),
    )  # fmt: skip


def _summed(spec: Channel, values: Any, received: slice) -> float | Abstained:
    if not len(values):
        sent = received.stop > received.start
        return Abstained("not_known_worn") if sent else Abstained("too_few_inputs", needed=1, got=0)
    return _plain(spec, values.sum() if spec.daily == "sum" else values.mean())


def _plain(spec: Channel, value: float) -> float:
    return round(float(value), spec.decimals)


def _coverage(at_s: Any, start_s: int, end_s: int, expected_s: int) -> float:
    try:
        return streams.completeness(at_s, start_s=start_s, end_s=end_s, expected_s=expected_s)
    except Abstained:  # the day has just begun
        return 0.0


def rows_of(
    patient: Patient, kind: DataType, *, start: datetime, end: datetime, most: int
) -> tuple[list[dict[str, Any]], datetime | None]:
    """Point readings or sleep sessions that begin in [start, end), the first one first, as the API says them.

    At most ``most`` of them, and the moment from which to ask for the others; ``None`` where these are all.
    """
    rows = _rows_of(patient, kind, start, end, most + 1)
    if len(rows) <= most:
        return rows, None
    onward = rows[most]["at"]
    whole = [row for row in rows[:most] if row["at"] < onward]  # several sources may have measured at once
    return whole or rows[:most], onward


def _rows_of(patient: Patient, kind: DataType, start: datetime, end: datetime, most: int) -> list[dict[str, Any]]:
    if kind.form is Form.SLEEP:
        sessions = SleepSession.objects.filter(patient=patient, kind=kind.name, start__gte=start, start__lt=end)
        return [
            {"at": one.start, "end": one.end, "stages": _stages(one), "source": _source(one.source)}
            for one in sessions.select_related("source").order_by("start", "pk")[:most]
        ]
    points = PointReading.objects.filter(patient=patient, data_type=kind.name, at__gte=start, at__lt=end)
    return [
        {"at": one.at, "values": one.values, "source": _source(one.source)}
        for one in points.select_related("source").order_by("at", "pk")[:most]
    ]


def _stages(session: SleepSession) -> list[dict[str, Any]]:
    return [
        {
            "stage": name,
            "start": session.start + timedelta(seconds=first),
            "end": session.start + timedelta(seconds=last),
        }
        for name, first, last in session.stages
    ]


def _source(source: Source) -> dict[str, Any]:
    return {"id": source.pk, "source": source.device_type, "source_device_id": source.device_serial}


def sources_of(series: Series) -> list[dict[str, Any]]:
    """Who measured, in the order of preference."""
    return [_source(part.source) for part in series.parts]
