"""Data sets: gates against fences worked out by hand, windows and parts that keep people and time apart, the hash."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from twins.science.datasets import (
    Dataset,
    DatasetError,
    Gates,
    Person,
    Spec,
    build,
    dataset_bytes,
    gated,
    parsed_dataset,
)

GATES = Gates({"sleep": (0, 1440), "mood": (0, 10)}, fenced=("sleep",), least_days=20, most_failed=0.2)
SPEC = Spec("test", ("sleep", "mood"), ("mood",), history=10, horizon=4, every=1, least_known=5, gates=GATES)


def days(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.column_stack([420 + 30 * rng.standard_normal(count), rng.integers(0, 11, count)])


def person(name: str = "a", part: str = "train", *, count: int = 60, cut: int | None = None, seed: int = 0) -> Person:
    return Person(name, part, days(count, seed), count if cut is None else cut)


def test_a_day_beyond_the_outer_fences_is_left_out_whole_and_counted():
    """1..39 have quartiles 10.5 and 29.5 (linear, Hyndman & Fan type 7): fences at -46.5 and 86.5."""
    values = np.column_stack([np.arange(1.0, 42.0), np.full(41, 5.0)])
    values[39, 0], values[40, 0] = np.nan, 500.0
    low, high = np.quantile(values[np.isfinite(values[:, 0]), 0], [0.25, 0.75])
    assert (low, high) == (10.75, 30.25)
    kept, failed = gated(values, SPEC.features, GATES)
    assert failed == {"implausible": 0, "inconsistent": 0, "outlier": 1}
    assert np.isnan(kept[40]).all()
    assert not np.isnan(kept[:39]).any()
    values[40, 0] = high + 3 * (high - low)  # on the fence is not beyond it (the quartiles move by less)
    assert gated(values, SPEC.features, GATES)[1]["outlier"] == 0


def test_an_extreme_answer_is_an_answer():
    values = np.column_stack([np.full(60, np.nan), np.where(np.arange(60) == 50, 0.0, 8.0 + np.arange(60) % 2)])
    assert gated(values, SPEC.features, GATES)[1] == {"implausible": 0, "inconsistent": 0, "outlier": 0}


def test_nights_that_do_not_fit_are_left_out():
    """Asleep 400 of 500 minutes scored is 0.8; with 120 minutes awake after onset there are more than were scored."""
    names = ("sleep_duration", "wake_after_sleep_onset", "sleep_efficiency")
    wide = Gates(dict.fromkeys(names, (0.0, 1440.0)), (), 1, 1.0)
    nights = np.array([[400, 90, 0.8], [400, 120, 0.8], [400, np.nan, 0.8], [400, 10, 0.2], [np.nan, 10, 0.5]])
    kept, failed = gated(nights, names, wide)
    assert failed["inconsistent"] == 2
    assert np.isnan(kept).all(axis=1).tolist() == [False, True, False, True, False]


def test_what_cannot_be_true_is_left_out():
    values = days(60)
    values[7, 1], values[8, 0] = 11.0, -1.0
    kept, failed = gated(values, SPEC.features, GATES)
    assert failed["implausible"] == 2
    assert np.isnan(kept[[7, 8]]).all()


def test_a_person_with_too_many_failed_days_or_too_few_is_left_out_and_counted():
    broken, short = person("b"), person("c", count=19)
    broken.values[:13, 1] = 99.0  # 13 of 60 is more than a fifth
    made = build(SPEC, [person(), broken, short])
    assert made.pseudonyms == ("a",)
    assert made.left_out["people"] == {"too_few_days": 1, "too_many_failed_days": 1}
    assert made.left_out["days"]["implausible"] == 13


def test_days_are_counted_from_the_persons_own_first_and_missing_ones_stay_missing():
    late = person()
    late.values[:25], late.values[30, 0] = np.nan, np.nan
    made = build(SPEC, [replace(late, cut=50)])
    assert made.values.shape == (1, 35, 2)
    assert np.isnan(made.values[0, 5]).tolist() == [True, False]
    assert made.cut.tolist() == [25]


def test_no_window_before_the_cut_tells_a_day_after_it_nor_the_other_way_round():
    made = build(SPEC, [person(cut=40), person("b", "test", cut=40, seed=1)])
    before, later = made.chosen("train", later=False), made.chosen("train", later=True)
    assert (before[:, 1] + SPEC.history + SPEC.horizon).max() == 40
    assert (later[:, 1] + SPEC.history).min() == 40
    assert made.left_out["windows"]["straddle_the_cut"] == 2 * (SPEC.horizon - 1)
    assert set(before[:, 0]) == {made.pseudonyms.index("a")}
    assert not len(made.chosen("validation", later=False))
    history, told = made.cut_out(before[:1])
    assert (history.shape, told.shape) == ((1, 10, 2), (1, 4, 1))
    row, first = before[0]
    np.testing.assert_array_equal(told[0, :, 0], made.values[row, first + 10 : first + 14, 1])
    of_train, series = made.series("mood", ("train", "validation"))
    assert of_train == ("a",)
    assert np.isnan(series[0, 40:]).all()
    assert np.isfinite(made.series("mood", ("test",))[1][0, 40:]).all()


def test_without_a_horizon_the_history_itself_stays_on_one_side():
    made = build(replace(SPEC, horizon=0, every=5), [person(cut=30)])
    assert (made.chosen("train", later=False)[:, 1] + 10).max() == 30
    assert made.chosen("train", later=True)[:, 1].min() == 30


def test_the_same_people_in_any_order_have_the_same_hash_and_any_change_another():
    people = [person("a"), person("b", "test", seed=1)]
    made = build(SPEC, people)
    assert build(SPEC, people[::-1]).sha256 == made.sha256
    changed = person("a")
    changed.values[3, 0] += 1e-2
    for other in (
        [changed, people[1]], [replace(people[0], part="test"), people[1]], [replace(people[0], cut=30), people[1]],
        [replace(people[0], pseudonym="c"), people[1]],
    ):  # fmt: skip
        assert build(SPEC, other).sha256 != made.sha256
    assert build(replace(SPEC, least_known=6), people).sha256 != made.sha256


def test_the_hash_is_that_of_the_bytes_written_down():
    """By hand, from the description alone: JSON of the specification, then each array's header and bytes."""
    import json

    made = build(replace(SPEC, gates=Gates({"sleep": (0, 9), "mood": (0, 9)}, (), 99, 1.0)), [])
    gates = '{"fenced":[],"least_days":99,"most_failed":1.0,"plausible":{"mood":[0,9],"sleep":[0,9]}}'
    said = (
        '{"format":"novamind dataset 1","people":[],"spec":{"every":1,"features":["sleep","mood"],"gates":'
        + gates
        + ',"history":10,"horizon":4,"least_known":5,"purpose":"test","targets":["mood"]}}'
    )
    json.loads(said)
    heads = ('["values","<f4",[0,0,2]]', '["part","|u1",[0]]', '["cut","<i4",[0]]', '["windows","<i4",[0,2]]')
    assert made.sha256 == hashlib.sha256((said + "".join(heads)).encode()).hexdigest()


def test_every_nan_is_the_same():
    made = build(SPEC, [person()])
    made.values[0, 3, 0] = np.nan
    plain = made.sha256
    made.values.view(np.uint32)[0, 3, 0] = 0xFFC00001
    assert np.isnan(made.values[0, 3, 0])
    assert made.sha256 == plain


def read_back(made: Dataset, content: bytes) -> Dataset:
    return parsed_dataset(content, sha256=made.sha256)


def test_a_file_comes_back_and_an_altered_one_is_refused():
    made = build(SPEC, [person(), person("b", "test", seed=1)])
    back = read_back(made, dataset_bytes(made))
    assert back.spec == made.spec
    assert back.sha256 == made.sha256
    np.testing.assert_array_equal(back.values, made.values)
    with np.load(io.BytesIO(dataset_bytes(made))) as file:
        arrays = dict(file)
    arrays["values"][0, 0, 0] += 1
    altered = io.BytesIO()
    np.savez_compressed(altered, **arrays)
    with pytest.raises(DatasetError, match="its manifest says"):
        read_back(made, altered.getvalue())
    for content in (b"nothing", b"", dataset_bytes(made)[:100]):
        with pytest.raises(DatasetError, match="not a data set"):
            read_back(made, content)


def test_a_file_that_unpacks_to_more_than_any_data_set_is_refused_unread(monkeypatch):
    made = build(SPEC, [person(), person("b", "test", seed=1)])
    content = dataset_bytes(made)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    assert unpacked > len(content)
    monkeypatch.setattr("twins.science.datasets.dataset._LARGEST_FILE", unpacked)
    assert read_back(made, content).sha256 == made.sha256
    monkeypatch.setattr("twins.science.datasets.dataset._LARGEST_FILE", unpacked - 1)
    with pytest.raises(DatasetError, match="unpacks to more"):
        read_back(made, content)
