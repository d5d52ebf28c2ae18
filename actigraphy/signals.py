"""Signals in and out: one packed block per (patient, source, channel, UTC day), written by one function."""

from __future__ import annotations

import zlib
from datetime import date, datetime, timedelta

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from actigraphy.models import Signal, Source
from novamind.clock import DAY_S, date_from_ordinal_day, from_epoch


class OffGrid(ValueError):
    """Samples do not fall on the grid their source already has."""


def pack(values: NDArray[np.float32]) -> bytes:
    """Little-endian float32, compressed; measured 1.5 bytes per sample of activity."""
    return zlib.compress(np.ascontiguousarray(values, dtype="<f4").tobytes(), 1)


def unpack(samples: bytes) -> NDArray[np.float32]:
    """The inverse of :func:`pack`; a fresh, writable array."""
    return np.frombuffer(zlib.decompress(bytes(samples)), dtype="<f4").copy()


def merge(source: Source, channel: str, *, start_s: int, epoch_s: int, values: NDArray[np.floating]) -> int:
    """Add samples to a source's channel; a slot keeps its first value.

    Parameters
    ----------
    start_s : int
        UTC second of the first sample.
    values : ndarray, shape (n,)
        NaN where nothing was measured.

    Returns
    -------
    int
        How many slots already held a different value (the old one is kept).

    Raises
    ------
    OffGrid
        The source has this channel on another grid.
    """
    blocks = _blocks(start_s, epoch_s, np.asarray(values, dtype=np.float32))
    with transaction.atomic():
        # Insert what is absent, then lock in key order: writers of the same days queue instead of deadlocking.
        new = Signal.objects.insert_absent(
            [_row(source, channel, day, start, epoch_s, block) for day, start, block in blocks], ("day",)
        )
        held = [block for block in blocks if (block[0],) not in new]
        rows = Signal.objects.filter(source=source, channel=channel, day__in=[day for day, _, _ in held])
        stored = {row.day: row for row in rows.order_by("day").select_for_update()} if held else {}
        conflicts, changed = 0, []
        for day, start, block in held:
            row = stored[day]
            if (row.start, row.epoch_s) != (start, epoch_s):
                raise OffGrid(f"{channel} of {source} is kept every {row.epoch_s} s from {row.start:%H:%M:%S}")
            conflicts += _fill(row, block)
            changed.append(row)
        Signal.objects.bulk_update(changed, ["samples", "valid"])
    return conflicts


def _blocks(
    start_s: int, epoch_s: int, values: NDArray[np.float32]
) -> list[tuple[date, datetime, NDArray[np.float32]]]:
    """Cut into whole UTC days: (day, start of its first slot, all its slots)."""
    phase = start_s % epoch_s
    found = []
    at = 0
    while at < len(values):
        day_number = (start_s + at * epoch_s) // DAY_S
        first_slot = day_number * DAY_S + (phase - day_number * DAY_S) % epoch_s
        slots = -(-((day_number + 1) * DAY_S - first_slot) // epoch_s)
        offset = (start_s + at * epoch_s - first_slot) // epoch_s
        taken = min(slots - offset, len(values) - at)
        block = np.full(slots, np.nan, dtype=np.float32)
        block[offset : offset + taken] = values[at : at + taken]
        found.append((date_from_ordinal_day(day_number), from_epoch(first_slot), block))
        at += taken
    return found


def _row(source: Source, channel: str, day: date, start: datetime, epoch_s: int, block: NDArray[np.float32]) -> Signal:
    return Signal(
        patient_id=source.patient_id,
        source=source,
        channel=channel,
        day=day,
        start=start,
        epoch_s=epoch_s,
        samples=pack(block),
        valid=int(np.count_nonzero(~np.isnan(block))),
    )


def _fill(row: Signal, block: NDArray[np.float32]) -> int:
    held = unpack(row.samples)
    new, old = ~np.isnan(block), ~np.isnan(held)
    conflicts = int(np.count_nonzero(new & old & (block != held)))
    held[new & ~old] = block[new & ~old]
    row.samples, row.valid = pack(held), int(np.count_nonzero(~np.isnan(held)))
    return conflicts


def read(
    source: Source, channel: str, *, start: datetime, end: datetime
) -> tuple[int, int, NDArray[np.float32]] | None:
    """A stretch of one channel: ``(UTC second of the first slot, epoch in seconds, values)``; ``None`` without data.

    Days without a block are NaN.
    """
    rows = list(
        Signal.objects.filter(
            source=source, channel=channel, day__gte=start.date(), day__lte=(end - timedelta(microseconds=1)).date()
        ).order_by("day")
    )
    if not rows:
        return None
    epoch_s = rows[0].epoch_s
    origin = int(rows[0].start.timestamp())
    last = rows[-1]
    total = (int(last.start.timestamp()) - origin) // epoch_s + len(unpack(last.samples))
    values = np.full(total, np.nan, dtype=np.float32)
    for row in rows:
        at = (int(row.start.timestamp()) - origin) // epoch_s
        block = unpack(row.samples)
        values[at : at + len(block)] = block
    first = max(0, -(-(int(start.timestamp()) - origin) // epoch_s))
    stop = min(total, -(-(int(end.timestamp()) - origin) // epoch_s))
    return origin + first * epoch_s, epoch_s, values[first:stop]
