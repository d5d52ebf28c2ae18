"""Signals: a slot keeps its first value, days are UTC, and writers who meet neither lose nor invent a sample."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actigraphy import signals
from actigraphy.models import Signal, Source

MIDNIGHT = datetime(2027, 3, 27, tzinfo=UTC)
START_S = int(MIDNIGHT.timestamp())
NAN = np.nan


@pytest.fixture
def source(patient):
    return Source.objects.create(patient=patient, kind="stream", device_type="actiwatch")


def merge(source, values, *, at=0, epoch_s=60):
    return signals.merge(
        source, "activity", start_s=START_S + at, epoch_s=epoch_s, values=np.array(values, dtype=np.float32)
    )


def held(source, minutes, *, at=0, epoch_s=60):
    start = MIDNIGHT + timedelta(seconds=at)
    found = signals.read(source, "activity", start=start, end=start + timedelta(seconds=minutes * epoch_s))
    return None if found is None else found[2].tolist()


def test_packing_is_undone_by_unpacking():
    values = np.array([0, 1.5, np.nan, 1e6], dtype=np.float32)
    assert np.array_equal(signals.unpack(signals.pack(values)), values, equal_nan=True)


def test_what_is_merged_is_read_back(source):
    assert merge(source, [1, 2, 3]) == 0
    assert signals.read(source, "activity", start=MIDNIGHT, end=MIDNIGHT + timedelta(minutes=3))[:2] == (START_S, 60)
    assert held(source, 3) == [1, 2, 3]


def test_a_slot_keeps_its_first_value_and_a_different_second_one_is_counted(source):
    merge(source, [1, 2, 3])
    assert merge(source, [1, 9, NAN, 4]) == 1
    assert held(source, 4) == [1, 2, 3, 4]


def test_a_missing_slot_is_filled_later_and_never_emptied(source):
    merge(source, [1, NAN, 3])
    assert merge(source, [NAN, 2, NAN]) == 0
    assert held(source, 3) == [1, 2, 3]
    assert Signal.objects.get().valid == 3


def test_a_stretch_over_midnight_becomes_one_block_a_utc_day(source):
    merge(source, np.arange(1440 + 20), at=-600)
    blocks = list(Signal.objects.order_by("day"))
    assert [block.day for block in blocks] == [date(2027, 3, 26), date(2027, 3, 27), date(2027, 3, 28)]
    assert [block.valid for block in blocks] == [10, 1440, 10]
    assert all(len(signals.unpack(block.samples)) == 1440 for block in blocks)
    assert held(source, 1460, at=-600) == list(range(1460))


@pytest.mark.parametrize(("epoch_s", "phase"), [(60, 17), (30, 7), (15, 0), (1, 0), (3600, 900), (7, 3)])
def test_any_grid_keeps_its_phase_across_days(source, epoch_s, phase):
    n = 2 * 86_400 // epoch_s
    merge(source, np.arange(n) % 1000, at=phase, epoch_s=epoch_s)
    assert held(source, n, at=phase, epoch_s=epoch_s) == [k % 1000 for k in range(n)]


@pytest.mark.parametrize("change", [{"at": 30}, {"epoch_s": 30}, {"at": 1}])
def test_samples_off_the_grid_are_refused_and_change_nothing(source, change):
    merge(source, [1, 2])
    with pytest.raises(signals.OffGrid):
        merge(source, [5, 6], **change)
    assert held(source, 2) == [1, 2]


def test_nothing_is_read_where_nothing_is_kept(source):
    assert held(source, 10) is None
    merge(source, [1])
    assert held(source, 3) == [1, pytest.approx(NAN, nan_ok=True), pytest.approx(NAN, nan_ok=True)]


def test_a_day_without_a_block_is_missing_values(source):
    merge(source, [1])
    merge(source, [2], at=2 * 86_400)
    found = held(source, 2 * 1440 + 1)
    assert found[0] == 1
    assert found[-1] == 2
    assert np.isnan(found[1:-1]).all()


def test_sources_and_channels_are_kept_apart(source, patient):
    other = Source.objects.create(patient=patient, kind="stream", device_type="actiwatch")
    merge(source, [1])
    merge(other, [2])
    signals.merge(source, "light", start_s=START_S, epoch_s=60, values=np.array([3], dtype=np.float32))
    assert (held(source, 1), held(other, 1)) == ([1], [2])


def test_nothing_to_merge_is_no_row(source):
    assert merge(source, []) == 0
    assert not Signal.objects.exists()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 200)), min_size=1, max_size=6))
def test_pieces_in_any_order_give_the_whole(source, pieces):
    Signal.objects.all().delete()
    truth = np.full(3200, np.nan)
    for at, n in pieces:
        assert merge(source, np.arange(at, at + n), at=60 * at) == 0
        truth[at : at + n] = np.arange(at, at + n)
    start, _, values = signals.read(source, "activity", start=MIDNIGHT, end=MIDNIGHT + timedelta(minutes=3200))
    offset = (start - START_S) // 60
    kept = np.full(3200, np.nan)
    kept[offset : offset + len(values)] = values
    assert np.array_equal(kept, truth, equal_nan=True)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL: SQLite has one writer")
def test_three_writers_who_meet_in_any_order_store_every_sample_once(source):
    whole = np.arange(10 * 1440, dtype=np.float32)
    errors: list[BaseException] = []
    conflicts: list[int] = []

    def write(seed: int) -> None:
        try:
            cuts = np.random.default_rng(seed).permutation(len(whole) // 720)
            for piece in cuts.tolist():
                first = max(0, piece * 720 - 300)
                conflicts.append(merge(source, whole[first : piece * 720 + 720], at=60 * first))
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=(seed,)) for seed in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert errors == []
    assert sum(conflicts) == 0
    assert Signal.objects.count() == 10
    assert held(source, len(whole)) == whole.tolist()
