"""A laboratory's table of results (comma, semicolon or tab) read into lines, or a sentence with the line that is wrong.

Knows no database. Nothing is guessed: an empty cell is no result, and a gene may stand there once.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date
from typing import Final

from novamind.limits import RESULTS_BYTES
from patients.vocabularies.genes import LONGEST, SYMBOL

MOST_BYTES: Final = RESULTS_BYTES
MOST_LINES: Final = 500
MOST_COLUMNS: Final = 40
MOST_COPIES: Final = 20
LONGEST_CELL: Final = 200
#: name of a column, underscores and case aside -> what it holds.
COLUMNS: Final = {
    "gene": "gene",
    "diplotype": "diplotype",
    "genotype": "diplotype",
    "phenotype": "phenotype",
    "copy number": "copy_number",
    "lab": "lab",
    "laboratory": "lab",
    "date": "date",
}


class UnreadableTable(ValueError):
    """What is wrong, in a sentence fit for a page, and in which line (from 1; ``None`` where it is the file)."""

    def __init__(self, detail: str, line: int | None = None) -> None:
        super().__init__(detail)
        self.detail, self.line = detail, line


@dataclass(frozen=True, slots=True)
class Line:
    """One result as it stands in the table."""

    gene: str
    diplotype: str
    phenotype: str | None
    copy_number: int | None
    lab: str | None
    reported_on: date | None
    number: int


def read_table(content: bytes) -> list[Line]:
    """The lines of a table.

    Parameters
    ----------
    content : bytes
        UTF-8, with or without a mark; the first line names the columns, of which ``gene`` and ``diplotype`` must be.

    Raises
    ------
    UnreadableTable
    """
    if len(content) > MOST_BYTES:
        raise UnreadableTable(f"A table of results has at most {MOST_BYTES // 1024} kB.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableTable("This is not UTF-8 text.", content[: error.start].count(b"\n") + 1) from None
    if "\x00" in text:
        raise UnreadableTable("This is not a table of text.", text[: text.index("\x00")].count("\n") + 1)
    rows = _rows(text)
    if not rows:
        raise UnreadableTable("The file is empty.")
    places = _places(*rows[0])
    lines: dict[str, Line] = {}
    for number, cells in rows[1:]:
        line = _line(number, cells, places)
        if line.gene in lines:
            raise UnreadableTable(f"{line.gene} stands in line {lines[line.gene].number} already.", number)
        lines[line.gene] = line
    if not lines:
        raise UnreadableTable("There is no result beneath the names of the columns.")
    return list(lines.values())


def _rows(text: str) -> list[tuple[int, list[str]]]:
    """Lines that are not empty, each with its number in the file."""
    first = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max("\t;,", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(rows) > MOST_LINES:
                raise UnreadableTable(f"A table of results has at most {MOST_LINES} lines.", reader.line_num)
            if len(cells) > MOST_COLUMNS:
                raise UnreadableTable(f"A table of results has at most {MOST_COLUMNS} columns.", reader.line_num)
            rows.append((reader.line_num, [" ".join(cell.split()) for cell in cells]))
    except csv.Error:
        said = "The quotation marks of this line do not match, or a cell of it is far too long."
        raise UnreadableTable(said, max(1, reader.line_num)) from None
    return rows


def _places(number: int, cells: list[str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for place, cell in enumerate(cells):
        what = COLUMNS.get(cell.replace("_", " ").casefold())
        if what is None:
            continue
        if what in places:
            raise UnreadableTable(f"Two columns hold the {what.replace('_', ' ')}.", number)
        places[what] = place
    if missing := [name for name in ("gene", "diplotype") if name not in places]:
        raise UnreadableTable(f"The first line names no column “{missing[0]}”.", number)
    return places


def _line(number: int, cells: list[str], places: dict[str, int]) -> Line:
    said = {name: cells[place] if place < len(cells) else "" for name, place in places.items()}
    if any(len(cell) > LONGEST_CELL for cell in said.values()):
        raise UnreadableTable(f"A cell has more than {LONGEST_CELL} characters.", number)
    gene = said["gene"].upper()
    if not SYMBOL.fullmatch(gene):
        raise UnreadableTable("The gene is no symbol such as CYP2D6.", number)
    if not said["diplotype"]:
        raise UnreadableTable(f"{gene} has no diplotype; write “not tested” or “indeterminate”.", number)
    if len(said["diplotype"]) > LONGEST:
        raise UnreadableTable(f"The diplotype of {gene} has more than {LONGEST} characters.", number)
    return Line(
        gene=gene,
        diplotype=said["diplotype"],
        phenotype=said.get("phenotype") or None,
        copy_number=_copies(said.get("copy_number", ""), number),
        lab=said.get("lab") or None,
        reported_on=_date(said.get("date", ""), number),
        number=number,
    )


def _copies(text: str, number: int) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 4 and int(text) <= MOST_COPIES):
        raise UnreadableTable(f"The copy number is no whole number up to {MOST_COPIES}.", number)
    return int(text)


def _date(text: str, number: int) -> date | None:
    if not text:
        return None
    try:
        on = date.fromisoformat(text)
    except ValueError:
        raise UnreadableTable("The date is not written as 2027-03-05.", number) from None
    return on
