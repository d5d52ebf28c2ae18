"""Actiware export (RPX), English, French or German: properties of the watch, statistics, then a line per epoch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import BinaryIO, Final

from .delimited import DELIMITERS, TableRows
from .grid import check_epoch
from .reading import ColumnMapping, ReadRecording, Request, UnreadableRecording
from .text import Block, split_cells, take_lines, text_blocks

MOST_LINES_BEFORE: Final = 20_000  # a year of nights has two thousand lines of statistics and markers
# Actiware's own words, English, French, German; "off the wrist" comes in sentences and is known by one word.
COLUMNS: Final = {
    "date": ("date", "datum"),
    "time": ("time", "heure", "zeit"),
    "activity": ("activity", "activité", "aktivität"),
    "marker": ("marker", "marqueur", "markierung"),
    "light": ("white light", "lumière blanche", "weißes licht"),
    "red_light": ("red light", "lumière rouge", "rotes licht"),
    "green_light": ("green light", "lumière verte", "grünes licht"),
    "blue_light": ("blue light", "lumière bleue", "blaues licht"),
}
OFF_WRIST: Final = ("off-wrist", "poignet", "handgelenk")
EPOCH: Final = ("epoch length", "longueur de la période", "epochenlänge")
TYPE: Final = ("actiwatch type", "type d'actiwatch", "actiwatch-typ")
SERIAL: Final = ("actiwatch serial number", "numéro de série de l'actiwatch", "actiwatch-seriennummer")
_NAMES: Final = {word.casefold(): name for name, words in COLUMNS.items() for word in words}
_TITLE: Final = re.compile(r"actiware.{0,3}export|exportation actiware", re.IGNORECASE)
# Not from the middle of a run of delimiters: that would look at each of them again from each of them.
_LAST_COMMA: Final = re.compile(rb"(?<![ ,;\t])[ ,;\t]+(?=\n)")


def is_actiware(line: str) -> bool:
    """Whether a first line is that of an Actiware export."""
    return _TITLE.search(line) is not None


def read_actiware(file: BinaryIO, request: Request) -> ReadRecording:
    """Read an Actiware export; the watch counted, Actiware's own scores of sleep and intervals are left out.

    Channels: ``marker``, ``light`` (lux), ``red_light green_light blue_light`` (µW/cm²), ``off_wrist`` (1 where the
    watch felt no skin), as far as the model has them.
    """
    blocks = map(_without_last_comma, text_blocks(file, request.limits))
    properties, names, delimiter, first = _find_table(blocks)
    epoch_s = _whole(properties, EPOCH)
    check_epoch(epoch_s)
    columns = {_name_of(cell): at for at, cell in reversed(list(enumerate(names))) if _name_of(cell)}
    channels = {name: at for name, at in columns.items() if name not in {"date", "time", "activity"}}
    mapping = ColumnMapping(
        time=columns["time"],
        date=columns["date"],
        activity=columns["activity"],
        channels=channels,
        delimiter=delimiter,
        # An English watch may be American; "heure" and "zeit" put the day first.
        day_first=None if names[columns["time"]].casefold() == "time" else True,
    )
    table = TableRows(mapping, request.limits)
    table.set_columns(delimiter, names)
    for block in (first, *blocks):
        table.add(block)
    return replace(
        table.finish(request, epoch_s=epoch_s),
        format="actiware_csv",
        device_family="actiwatch",
        device_model=_said(properties, TYPE),
        device_serial=_said(properties, SERIAL),
    )


def _find_table(blocks: Iterator[Block]) -> tuple[dict[str, str], list[str], str, Block]:
    """What stands before the line that names the epochs' columns, that line, its delimiter, and what follows it.

    The list of markers before it has a line of names too, but none of activity.
    """
    properties: dict[str, str] = {}
    n = 0
    for block in blocks:
        while block.data:
            (line,), block = take_lines(block, 1)
            delimiter = max(DELIMITERS, key=line.count)
            cells = split_cells(line, delimiter)
            if {"date", "time", "activity"} <= {_name_of(cell) for cell in cells}:
                return properties, cells, delimiter, block
            if len(cells) > 1:
                properties.setdefault(cells[0].rstrip(" :\u00a0").replace("\u2019", "'").casefold(), cells[1])
            n += 1
            if n > MOST_LINES_BEFORE:
                raise UnreadableRecording("wrong_columns")
    raise UnreadableRecording("truncated")


def _name_of(cell: str) -> str:
    word = cell.casefold()
    if any(part in word for part in OFF_WRIST):
        return "off_wrist"
    return _NAMES.get(word, "")


def _said(properties: dict[str, str], names: Iterable[str]) -> str | None:
    return next((properties[name.casefold()][:64] for name in names if properties.get(name.casefold())), None)


def _whole(properties: dict[str, str], names: Iterable[str]) -> int:
    said = _said(properties, names) or ""
    if not (said.isascii() and said.isdecimal()):
        raise UnreadableRecording("damaged_header")
    return int(said)


def _without_last_comma(block: Block) -> Block:
    """Every line but the last ends with a delimiter that opens no cell."""
    return replace(block, data=_LAST_COMMA.sub(b"", block.data))
