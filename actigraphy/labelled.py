"""A folder of recordings and a table of what is known of them: what heads are trained and judged on. No database.

The table is ``file,label[,days][,patient]``: a path inside the folder, 0 or 1, how many first days to use, and whose
recording it is. Without ``patient`` every file is a person of its own.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from actigraphy.analysis import EmptyWindow, WrongDevice, analyze, cut
from actigraphy.readers import ColumnMapping, UnreadableRecording, read_recording
from actigraphy.science.heads import Material, material_of
from novamind import clock
from novamind.measures import Abstained

_COLUMNS = ("file", "label", "days", "patient")
_LABELS = {"0": False, "1": True}


class LabelsError(ValueError):
    """A table of labels that is not used, with the line."""


@dataclass(frozen=True)
class Labelled:
    """One line of the table."""

    file: str
    label: bool
    days: int | None
    patient: str


@dataclass(frozen=True)
class Refusal:
    """A recording that is not used: ``unreadable`` where its file is at fault, not the time it was worn."""

    file: str
    code: str
    detail: str
    unreadable: bool = True


@dataclass(frozen=True)
class Folder:
    """What could be used of a folder, in the order of the table, and what could not."""

    rows: list[Labelled]
    materials: list[Material]
    refused: list[Refusal]


def read_labels(path: Path) -> list[Labelled]:
    """The table of labels; ``LabelsError`` names the line that is wrong."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            names = tuple(reader.fieldnames or ())
            if not {"file", "label"} <= set(names) <= set(_COLUMNS) or len(set(names)) < len(names):
                raise LabelsError("the header is file,label and perhaps days and patient")
            rows = [_labelled(row, reader.line_num) for row in reader]
    except OSError as error:
        raise LabelsError(f"cannot be opened: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise LabelsError(f"not a CSV table in UTF-8 ({error})") from None
    if twice := [file for file, times in Counter(row.file for row in rows).items() if times > 1]:
        raise LabelsError(f"{twice[0]} is named more than once")
    return rows


def _labelled(row: dict[str | None, str | None], line: int) -> Labelled:
    file, label, days, patient = ((row.get(name) or "").strip() for name in _COLUMNS)
    if None in row or not file:
        raise LabelsError(f"line {line}: not one value per column")
    if Path(file).is_absolute() or ".." in Path(file).parts:
        raise LabelsError(f"line {line}: {file} is not inside the folder")
    if label not in _LABELS:
        raise LabelsError(f"line {line}: a label is 0 or 1, not {label!r}")
    if days and not (days.isascii() and days.isdigit() and 0 < int(days[:6]) < 10_000):
        raise LabelsError(f"line {line}: days are a whole number above 0, not {days!r}")
    return Labelled(file, _LABELS[label], int(days) if days else None, patient or file)


def read_folder(
    folder: Path,
    rows: Sequence[Labelled],
    *,
    zone: ZoneInfo,
    device: str | None = None,
    columns: ColumnMapping | None = None,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Folder:
    """Every recording of the table analyzed; one that cannot be used is reported and does not stop the others.

    Of several devices the most frequent is kept: counts of different devices are different units.
    """
    used: list[tuple[Labelled, Material]] = []
    refused = []
    for done, row in enumerate(rows, start=1):
        outcome = _material(folder / row.file, row, zone, device, columns)
        if isinstance(outcome, Material):
            used.append((row, outcome))
        else:
            refused.append(outcome)
        progress(done, len(rows))
    usual = Counter(material.device for _, material in used).most_common(1)
    for row, material in [each for each in used if each[1].device != usual[0][0]]:
        refused.append(Refusal(row.file, "other_device", f"It is of {material.device}; most are of {usual[0][0]}."))
        used.remove((row, material))
    return Folder([row for row, _ in used], [material for _, material in used], refused)


def _material(
    path: Path, row: Labelled, zone: ZoneInfo, device: str | None, columns: ColumnMapping | None
) -> Material | Refusal:
    try:
        read = read_recording(path, tz=zone, columns=columns)
        if row.days is not None:
            read = cut(read, None, clock.from_epoch(read.start_s) + timedelta(days=row.days))
        return material_of(analyze(read, device_type=device).rest)
    except Abstained as why:
        return Refusal(row.file, why.code, why.reason, unreadable=False)
    except UnreadableRecording as error:
        return Refusal(row.file, error.code, error.detail)
    except WrongDevice as error:
        return Refusal(row.file, "wrong_device", str(error))
    except EmptyWindow as error:
        return Refusal(row.file, "empty_window", str(error))
    except OSError as error:
        return Refusal(row.file, "cannot_open", f"The file cannot be opened: {error.strerror}.")
