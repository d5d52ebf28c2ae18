"""A batch that was read, into the database: the same batch twice, or from many at once, leaves the same rows.

Rows are inserted where they are absent and then locked, everything in one order (sources, signals, readings, sessions),
so that batches that meet wait for each other and never in a circle.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

import numpy as np
from django.db import transaction
from django.utils.crypto import salted_hmac

from actigraphy.catalogue import TYPE_OF_CHANNEL, TYPES, Form
from actigraphy.days import EMPTY, Samples, joined, opened, put
from actigraphy.models import Export, PointReading, Signal, SleepSession, Source, Sync
from actigraphy.streams.sent import Batch, Sender
from novamind.accounts.models import User
from novamind.audit.models import EventType
from novamind.audit.recording import note_details, note_object
from novamind.clock import DAY_S, date_from_ordinal_day, from_epoch
from novamind.jobs.services import publish
from patients import consent
from patients.models import ConsentPurpose, Patient

SYNCED = "biometrics.synced"
#: (source, channel, UTC day): the key of a row of signals.
DayKey = tuple[UUID, str, date]


@dataclass
class _Kept:
    """What came of a batch so far."""

    stored: int = 0
    conflicts: int = 0
    days: dict[str, dict[str, set[date]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(set)))

    def samples(self, key: DayKey, added: int, conflicts: int) -> None:
        self.stored, self.conflicts = self.stored + added, self.conflicts + conflicts
        if added:
            self.changed(key[0], TYPE_OF_CHANNEL[key[1]].name, key[2])

    def changed(self, source_id: UUID, data_type: str, day: date) -> None:
        self.days[str(source_id)][data_type].add(day)


def store_batch(*, patient: Patient, batch: Batch, by: User, export: Export | None = None) -> Sync:
    """Keep what a batch says, and publish ``biometrics.synced`` if any day has changed by it.

    ``export`` is the file that the batch is a part of: then its devices are the same whoever uploads it.

    Raises
    ------
    ConsentWithheld
        The patient does not allow one of the types; nothing is kept.
    """
    consent.require_streams(patient, ConsentPurpose.TREATMENT, {TYPES[name].stream for name in batch.data_types})
    kept = _Kept()
    with transaction.atomic(savepoint=False):
        sources = _sources(patient, batch, _who(by, export))
        _store_signals(patient, batch, sources, kept)
        _store_points(patient, batch, sources, kept)
        _store_sessions(patient, batch, sources, kept)
        sync = Sync.objects.create(
            patient=patient,
            sent_by=by.pk,
            export=export,
            accepted=batch.accepted,
            stored=kept.stored,
            conflicts=kept.conflicts,
            refused=len(batch.refused),
            measured_until=_until(batch),
            sources=sorted(str(source.pk) for source in sources.values()),
            days={
                source: {kind: sorted(day.isoformat() for day in days) for kind, days in sorted(kinds.items())}
                for source, kinds in sorted(kept.days.items())
            },
        )
        if kept.days:
            publish(SYNCED, actor=by.pk, patient_id=patient.pk, sync_id=sync.pk)
    note_object(EventType.DATA_COLLECTION, "actigraphy.Sync", sync.pk)
    note_details(lines=batch.lines, accepted=batch.accepted, stored=kept.stored, refused=len(batch.refused))
    return sync


def _until(batch: Batch) -> datetime | None:
    """The newest moment that the batch knows something of."""
    moments = [from_epoch(int(at_s.max())) for _, at_s, _ in batch.samples() if len(at_s)]
    moments += [one.end for one in batch.sessions]
    moments += [one.at for one in batch.points if TYPES[one.data_type].form is not Form.STATUS]
    return max(moments, default=None)


def _who(by: User, export: Export | None) -> str:
    """Who vouches for a sender's id. Of a file that is the clinic, whoever it was; a device speaks for its own."""
    return f"export {export.format}" if export and by.may("see_patients") else f"sent by {by.pk}"


def _sources(patient: Patient, batch: Batch, who: str) -> dict[Sender, Source]:
    """The source of each sender, made where this is its first batch."""
    senders = {sender for (sender, _) in batch.seconds.keys() | batch.columns.keys()}
    senders |= {row.sender for row in (*batch.points, *batch.sessions)}
    keys = {_stream_key(sender, who): sender for sender in senders}
    known = _known(patient, keys)
    if missing := sorted(keys.keys() - known.keys()):
        Source.objects.bulk_create(
            [
                Source(
                    patient=patient,
                    kind=Source.Kind.STREAM,
                    device_type=keys[key].source or "device",
                    device_serial=keys[key].device_id or None,
                    stream_key=key,
                )
                for key in missing
            ],
            ignore_conflicts=True,
        )
        known = _known(patient, keys)
    return {sender: known[key] for key, sender in keys.items()}


def _known(patient: Patient, keys: dict[str, Sender]) -> dict[str | None, Source]:
    return {row.stream_key: row for row in Source.objects.filter(patient=patient, stream_key__in=keys).only(
        "patient_id", "stream_key", "kind", "device_type")}  # fmt: skip


def _stream_key(sender: Sender, who: str) -> str:
    """Who measured: whoever vouches for it, and of their devices the one of that id. A digest: an id may tell a person.

    An id alone names no source: another sender who knew it could store first, and what was measured would not count.
    """
    device = "\0".join(filter(None, (who, sender.device_id)))
    return salted_hmac("actigraphy.stream", f"{sender.source}\0{device}", algorithm="sha256").hexdigest()


def _store_signals(patient: Patient, batch: Batch, sources: dict[Sender, Source], kept: _Kept) -> None:
    """Most days of a long batch are new, so all are inserted whole, in the order of their keys, and what that leaves
    out is locked and joined. Who waits for another's insertion then holds no row that the other could want."""
    new: dict[DayKey, Samples] = {}
    for (sender, channel), at_s, values in batch.samples():
        for day, piece in _by_day(at_s, values):
            new[sources[sender].pk, channel, day] = piece
    if not new:
        return
    alone = {key: joined(EMPTY, new[key]) for key in sorted(new)}
    inserted = Signal.objects.insert_absent(
        [_packed(patient, key, samples) for key, (samples, _, _) in alone.items()], ("source_id", "channel", "day")
    )
    for key in inserted:
        kept.samples(key, *alone[key][1:])
    held, changed = new.keys() - inserted, []
    rows = _locked(held)
    for key in sorted(held):
        row = rows[key]
        samples, added, conflicts = joined(opened(row), new[key])
        kept.samples(key, added, conflicts)
        if added:
            put(row, samples, _second_of(key[2]))
            changed.append(row)
    _write(changed)


def _by_day(at_s: Any, values: Any) -> list[tuple[date, Samples]]:
    """Cut by UTC days; in a day the order in which they were sent stays."""
    days = at_s // DAY_S
    if len(days) and days[0] == days[-1] and (days == days[0]).all():
        return [(date_from_ordinal_day(int(days[0])), Samples(at_s, values))]
    return [
        (date_from_ordinal_day(int(day)), Samples(at_s[days == day], values[days == day]))
        for day in np.unique(days).tolist()
    ]


def _locked(keys: set[DayKey]) -> dict[DayKey, Signal]:
    """The row of each of these days, locked in the order of the keys."""
    if not keys:
        return {}
    sources, channels, days = map(set, zip(*keys, strict=True))
    rows = Signal.objects.filter(source__in=sources, channel__in=channels, day__in=days)
    ordered = rows.order_by("source_id", "channel", "day").select_for_update()
    return {(row.source_id, row.channel, row.day): row for row in ordered}


def _packed(patient: Patient, key: DayKey, samples: Samples) -> Signal:
    source_id, channel, day = key
    row = Signal(patient=patient, source_id=source_id, channel=channel, day=day)
    put(row, samples, _second_of(day))
    return row


def _write(rows: list[Signal]) -> None:
    """One day is written by a statement of its own, which is quicker than one that chooses among rows."""
    columns = ["start", "epoch_s", "samples", "valid"]
    if len(rows) == 1:
        rows[0].save(update_fields=columns)
    elif rows:
        Signal.objects.bulk_update(rows, columns, batch_size=100)


def _store_points(patient: Patient, batch: Batch, sources: dict[Sender, Source], kept: _Kept) -> None:
    found: dict[tuple[UUID, str, Any], PointReading] = {}
    repeated = 0
    for point in batch.points:
        key = (sources[point.sender].pk, point.data_type, point.at)
        row = PointReading(
            patient=patient, source_id=key[0], data_type=point.data_type, at=point.at, values=point.values
        )
        repeated += found.setdefault(key, row).values != point.values
    for row in _inserted(PointReading, found, kept):
        kept.changed(row.source_id, row.data_type, row.at.date())
    kept.conflicts += repeated + _differing(PointReading, found, lambda row: (row.source_id, row.data_type, row.at),
                                            lambda row: row.values, at="at")  # fmt: skip


def _store_sessions(patient: Patient, batch: Batch, sources: dict[Sender, Source], kept: _Kept) -> None:
    found: dict[tuple[UUID, str, Any], SleepSession] = {}
    repeated = 0
    for one in batch.sessions:
        key = (sources[one.sender].pk, one.kind, one.start)
        row = SleepSession(
            patient=patient, source_id=key[0], kind=one.kind, start=one.start, end=one.end, stages=one.stages
        )
        first = found.setdefault(key, row)
        repeated += (first.end, first.stages) != (one.end, one.stages)
    for row in _inserted(SleepSession, found, kept):
        for day in {row.start.date(), row.end.date()}:
            kept.changed(row.source_id, row.kind, day)
    kept.conflicts += repeated + _differing(SleepSession, found, lambda row: (row.source_id, row.kind, row.start),
                                            lambda row: (row.end, row.stages), at="start")  # fmt: skip


def _inserted(model: Any, found: dict[Any, Any], kept: _Kept) -> list[Any]:
    """Insert what is absent, in the order of its keys; the rows that are new."""
    if not found:
        return []
    rows = [found[key] for key in sorted(found)]
    new = model.objects.insert_absent(rows, ("id",))
    kept.stored += len(new)
    return [row for row in rows if (row.pk,) in new]


def _differing(model: Any, found: dict[Any, Any], key: Any, content: Any, *, at: str) -> int:
    """How many stand there with another content, which stays."""
    if not found:
        return 0
    own = {row.pk for row in found.values()}
    there = model.objects.filter(source__in={one[0] for one in found}, **{f"{at}__in": {one[2] for one in found}})
    return sum(key(row) in found and content(row) != content(found[key(row)]) for row in there if row.pk not in own)


def _second_of(day: date) -> int:
    return (day.toordinal() - date(1970, 1, 1).toordinal()) * DAY_S
