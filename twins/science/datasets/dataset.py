"""A data set: people's days as one array, windows on it, parts; canonical bytes and their hash; a file."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twins.science.datasets.gates import REASONS, Floats, Gates, gated

FORMAT: Final = "novamind dataset 1"
#: By person: who is learnt from, who ends training and chooses, who judges.
PARTS: Final = ("train", "validation", "test")
_ARRAYS: Final = ("values", "part", "cut", "windows")
_LARGEST_FILE: Final = 2**30


class DatasetError(Exception):
    """Not a data set, or not the one it says it is."""


@dataclass(frozen=True)
class Spec:
    """What a data set is for.

    Attributes
    ----------
    purpose : str
    features, targets : tuple of str
        Columns, and which of them are to be told.
    history, horizon : int
        Days of a window that are known, and days after it that are to be told; 0 where the history itself is.
    every : int
        Days from one window of a person to the next.
    least_known : int
        Days with a target within the history.
    gates : Gates
    """

    purpose: str
    features: tuple[str, ...]
    targets: tuple[str, ...]
    history: int
    horizon: int
    every: int
    least_known: int
    gates: Gates


@dataclass(frozen=True, eq=False)
class Person:
    """One person's days before the gates.

    Attributes
    ----------
    pseudonym : str
        Of this data set alone.
    part : str
        One of :data:`PARTS`.
    values : (days, features) float64
        NaN where missing.
    cut : int
        Day from which on windows are ``later``; the number of days where there is none.
    """

    pseudonym: str
    part: str
    values: Floats
    cut: int


@dataclass(frozen=True, eq=False)
class Dataset:
    """People by pseudonym, their days counted from each one's own first, and windows on them.

    Attributes
    ----------
    pseudonyms : tuple of str
        Rising.
    values : (people, days, features) float32
        NaN where missing, left out by a gate, or after the last day.
    part : (people,) uint8
        Place in :data:`PARTS`.
    cut : (people,) int32
        Day number from which on what is to be told is later than the cut.
    windows : (windows, 2) int32
        Row of the person, and the first day of the history.
    left_out : dict
        What the gates took: ``days`` and ``people`` by reason, and ``windows`` that straddle the cut.
    """

    spec: Spec
    pseudonyms: tuple[str, ...]
    values: NDArray[np.float32]
    part: NDArray[np.uint8]
    cut: NDArray[np.int32]
    windows: NDArray[np.int32]
    left_out: dict[str, Any]

    @property
    def sha256(self) -> str:
        """Of what it holds: the specification and every array, whatever the file's compression."""
        digest = hashlib.sha256(_canonical({"format": FORMAT, "spec": asdict(self.spec), "people": self.pseudonyms}))
        for name in _ARRAYS:
            array = getattr(self, name)
            digest.update(_canonical([name, array.dtype.newbyteorder("<").str, list(array.shape)]) + _bytes(array))
        return digest.hexdigest()

    @property
    def later(self) -> NDArray[np.bool_]:
        """(windows,): what is to be told lies after the cut."""
        return np.asarray(self._told_from() >= self.cut[self.windows[:, 0]])

    def chosen(self, part: str, *, later: bool) -> NDArray[np.int32]:
        """The windows (m, 2) of a part's people whose days to be told lie before or after the cut."""
        of_part = self.part[self.windows[:, 0]] == PARTS.index(part)
        return self.windows[of_part & (self.later == later)]

    def cut_out(self, windows: NDArray[np.int32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """History (m, history, features) and the days to be told (m, horizon, targets) of some windows."""
        spec = self.spec
        days = windows[:, 1, None] + np.arange(spec.history + spec.horizon)
        whole = self.values[windows[:, 0, None], days]
        told = [spec.features.index(name) for name in spec.targets]
        return whole[:, : spec.history], whole[:, spec.history :, told]

    def series(self, target: str, parts: tuple[str, ...]) -> tuple[tuple[str, ...], Floats]:
        """Whole series (m, days) of the people of some parts, for models that cut by themselves; those who are learnt
        from end at the cut."""
        rows = np.flatnonzero(np.isin(self.part, [PARTS.index(part) for part in parts]))
        found = self.values[rows][:, :, self.spec.features.index(target)].astype(np.float64)
        if "test" not in parts:
            found[np.arange(found.shape[1]) >= self.cut[rows, None]] = np.nan
        return tuple(self.pseudonyms[row] for row in rows), found

    def counts(self) -> dict[str, Any]:
        """How much of what it holds."""
        windows = {
            f"{part}{', later' if later else ''}": len(self.chosen(part, later=later))
            for part in PARTS
            for later in (False, True)
        }
        known = np.isfinite(self.values)
        return {
            "people": {part: int(np.count_nonzero(self.part == at)) for at, part in enumerate(PARTS)},
            "windows": windows,
            "days_with_anything": int(known.any(axis=2).sum()),
            "days_with": {name: int(known[:, :, at].sum()) for at, name in enumerate(self.spec.features)},
            "left_out": self.left_out,
        }

    def _told_from(self) -> NDArray[np.int32]:
        return self.windows[:, 1] + (self.spec.history if self.spec.horizon else 0)


def build(spec: Spec, people: Iterable[Person]) -> Dataset:
    """Gate, cut and put together, in the order of the pseudonyms, so that the same people give the same bytes."""
    kept: list[tuple[Person, Floats]] = []
    days: Counter[str] = Counter(dict.fromkeys(REASONS, 0))
    out: Counter[str] = Counter({"too_few_days": 0, "too_many_failed_days": 0})
    for person in people:
        trimmed = _from_first_known(person)
        values, failed = gated(trimmed.values, spec.features, spec.gates)
        days.update(failed)
        if why := _why_out(spec, trimmed.values, values, sum(failed.values())):
            out[why] += 1
        else:
            kept.append((trimmed, values))
    kept.sort(key=lambda one: one[0].pseudonym)
    longest = max((len(values) for _, values in kept), default=0)
    table = np.full((len(kept), longest, len(spec.features)), np.nan, dtype=np.float32)
    for row, (_, values) in enumerate(kept):
        table[row, : len(values)] = values
    cuts = np.array([person.cut for person, _ in kept], dtype=np.int32)
    windows, straddling = _windows(spec, table, cuts)
    parts = np.array([PARTS.index(person.part) for person, _ in kept], dtype=np.uint8)
    left_out = {"days": dict(days), "people": dict(out), "windows": {"straddle_the_cut": straddling}}
    return Dataset(spec, tuple(one.pseudonym for one, _ in kept), table, parts, cuts, windows, left_out)


def _from_first_known(person: Person) -> Person:
    """Day 0 is the first on which anything is known: a day's number says nothing of the calendar."""
    known = np.flatnonzero(np.isfinite(person.values).any(axis=1))
    first = int(known[0]) if len(known) else len(person.values)
    return Person(person.pseudonym, person.part, person.values[first:], max(person.cut - first, 0))


def _why_out(spec: Spec, before: Floats, after: Floats, failed: int) -> str:
    """Why a person is left out; empty where not."""
    known = int(np.isfinite(before).any(axis=1).sum())
    if known and failed / known > spec.gates.most_failed:
        return "too_many_failed_days"
    told = [spec.features.index(name) for name in spec.targets]
    if int(np.isfinite(after[:, told]).any(axis=1).sum()) < spec.gates.least_days:
        return "too_few_days"
    return ""


def _windows(spec: Spec, values: NDArray[np.float32], cut: NDArray[np.int32]) -> tuple[NDArray[np.int32], int]:
    """Row and first day of each window with enough known and something to tell; and how many the cut goes through."""
    columns = [spec.features.index(name) for name in spec.targets]
    told = np.asarray(np.isfinite(values[:, :, columns]).any(axis=2))
    found, straddling = [], 0
    for row, days in enumerate(told):
        for first in range(0, told.shape[1] - spec.history - spec.horizon + 1, spec.every):
            begin, end = first + spec.history, first + spec.history + spec.horizon
            if days[first:begin].sum() < spec.least_known or (spec.horizon and not days[begin:end].any()):
                continue
            if (begin if spec.horizon else first) < cut[row] < end:
                straddling += 1
            else:
                found.append((row, first))
    return np.array(found, dtype=np.int32).reshape(-1, 2), straddling


def dataset_bytes(dataset: Dataset) -> bytes:
    """The data set as a file of numbers and text."""
    said = {"format": FORMAT, "spec": asdict(dataset.spec), "people": dataset.pseudonyms, "left_out": dataset.left_out}
    file = io.BytesIO()
    arrays = {name: getattr(dataset, name) for name in _ARRAYS}
    np.savez_compressed(file, said=np.frombuffer(_canonical(said), np.uint8), **arrays)
    return file.getvalue()


def parsed_dataset(content: bytes, *, sha256: str) -> Dataset:
    """Read a data set; nothing in the file runs.

    Raises
    ------
    DatasetError
        It is none, or does not hold what the hash says.
    """
    if len(content) > _LARGEST_FILE:
        raise DatasetError("larger than any data set")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _LARGEST_FILE:
                raise DatasetError("unpacks to more than any data set")
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            said = json.loads(file["said"].tobytes())
            arrays = {name: file[name] for name in _ARRAYS}
        if said["format"] != FORMAT:
            raise DatasetError("of another format")
        dataset = Dataset(_spec(said["spec"]), tuple(said["people"]), **arrays, left_out=said["left_out"])
        found = dataset.sha256
    except (ValueError, TypeError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError(f"not a data set ({type(error).__name__})") from None
    if found != sha256:
        raise DatasetError(f"it holds {found}, its manifest says {sha256}")
    return dataset


def _spec(said: dict[str, Any]) -> Spec:
    gates = Gates(**said["gates"])
    plausible = {name: (low, high) for name, (low, high) in gates.plausible.items()}
    gates = replace(gates, plausible=plausible, fenced=tuple(gates.fenced))
    return Spec(**said | {name: tuple(said[name]) for name in ("features", "targets")} | {"gates": gates})


def _canonical(said: Any) -> bytes:
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _bytes(array: NDArray[Any]) -> bytes:
    """Little-endian, every NaN the same."""
    if array.dtype.kind == "f":
        array = np.where(np.isnan(array), np.array(np.nan, array.dtype), array)
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
