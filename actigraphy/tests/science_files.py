"""Recordings and gold files read with the least code that can, independently of ``actigraphy.readers``."""

import csv
import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from novamind.clock import LocalTimes, local_times, localize

OSLO = ZoneInfo("Europe/Oslo")
UTC_ZONE = ZoneInfo("UTC")

#: The controls whose files hold Oslo's change to summer time, 2003-03-30 02:00.
OVER_THE_CHANGE = ("control_1", "control_6", "control_7", "control_31", "control_32")


def wall_seconds(stamps: list[str]) -> np.ndarray:
    return np.array([stamp.replace(" ", "T") for stamp in stamps], dtype="datetime64[s]").astype(np.int64)


def depresjon_days(data: Path) -> dict[str, int]:
    with open(data / "depresjon/scores.csv", newline="") as file:
        return {row["number"]: int(row["days"]) for row in csv.DictReader(file)}


def depresjon_rows(data: Path, name: str) -> tuple[list[str], np.ndarray]:
    """Timestamps as written and counts of a whole file."""
    with open(data / f"depresjon/{name.split('_')[0]}/{name}.csv", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [row[0] for row in rows], np.array([float(row[2]) for row in rows])


def depresjon(data: Path, name: str, days: int | None = None) -> tuple[np.ndarray, LocalTimes]:
    """Counts and clock of the first days (those worn, by scores.csv, unless told otherwise)."""
    stamps, counts = depresjon_rows(data, name)
    n = min(len(counts), (days or depresjon_days(data)[name]) * 1440)
    utc_s = localize(wall_seconds(stamps[:n]), OSLO)
    assert (np.diff(utc_s) == 60).all()
    return counts[:n], local_times(int(utc_s[0]), 60, n, OSLO)


def actiwatch(data: Path, name: str) -> tuple[np.ndarray, LocalTimes]:
    """An .AWD of one-minute epochs, its clock taken for UTC."""
    lines = (data / f"actiwatch/{name}").read_text().splitlines()
    start = datetime.strptime(f"{lines[1].strip()} {lines[2].strip()}", "%d-%b-%Y %H:%M").replace(tzinfo=UTC)
    counts = np.array([float(line.split()[0].rstrip("M")) for line in lines[7:] if line.strip()])
    return counts, local_times(int(start.timestamp()), 60, len(counts), UTC_ZONE)


def diary(data: Path) -> list[tuple[str, int, int]]:
    """(TYPE, start, end) of example_01's diary, wall-clock seconds."""
    with zipfile.ZipFile(data / "actiwatch/example_01_sleepdiary.ods") as ods:
        xml = ods.read("content.xml").decode()
    entries = []
    for row in re.findall(r"<table:table-row.*?</table:table-row>", xml, re.S):
        cells = re.findall(r"<table:table-cell.*?(?:/>|</table:table-cell>)", row, re.S)
        text = [re.sub("<[^>]+>", "", cell) for cell in cells]
        if text[0] in ("NIGHT", "NAP", "NOWEAR"):
            entries.append((text[0], *(int(second) for second in wall_seconds(text[1:3]))))
    return entries


def gold(data: Path, name: str) -> list[dict[str, str]]:
    """A table of ActiLife's own output."""
    with open(data / f"actigraph/actilife_gold/GT3XPlus-RawData-Day01-{name}.csv", newline="") as file:
        return list(csv.DictReader(file))
