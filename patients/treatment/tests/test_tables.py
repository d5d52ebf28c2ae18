"""Tables of results: read as they stand, or a sentence with the line that is wrong; never anything else."""

from __future__ import annotations

import csv
import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients.treatment.tables import MOST_BYTES, MOST_LINES, Line, UnreadableTable, read_table


def read(content: bytes) -> tuple[list[Line], UnreadableTable | None]:
    try:
        return read_table(content), None
    except UnreadableTable as wrong:
        return [], wrong


HEAD = b"gene,diplotype\n"


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        (b"", None, "empty"),
        (b"\n\n", None, "empty"),
        (b"gene,phenotype\nCYP2D6,x\n", 1, "diplotype"),
        (b"gene,diplotype,genotype\n", 1, "Two columns"),
        (HEAD, None, "no result"),
        (HEAD + b"CYP2D6,\n", 2, "not tested"),
        (HEAD + b"the liver,*1/*1\n", 2, "symbol"),
        (HEAD + b'CYP2D6,"*1/*1\n', 2, "quotation"),
        (HEAD + b"CYP2D6,*1/*1\nCYP2C9,\xff\n", 3, "UTF-8"),
        (HEAD + b"CYP2D6,*1\x00/*1\n", 2, "table of text"),
        (HEAD + b"CYP2D6,*1/*1\ncyp2d6,*1/*2\n", 3, "line 2 already"),
        (HEAD + b"CYP2D6," + b"*" * 150 + b"\n", 2, "120"),
        (HEAD + b"CYP2D6," + b"*" * 300 + b"\n", 2, "200"),
        (b"gene,diplotype,copy number\nCYP2D6,*1/*1,many\n", 2, "copy number"),
        (b"gene,diplotype,date\nCYP2D6,*1/*1,3.2.2026\n", 2, "date"),
        (HEAD + b"," * 50 + b"x\n", 2, "40 columns"),
        (HEAD + b"CYP2D6,*1/*1\n" * 3, 3, "already"),
        (b"x" * (MOST_BYTES + 1), None, "kB"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(content, line, says):
    with pytest.raises(UnreadableTable) as wrong:
        read_table(content)
    assert wrong.value.line == line
    assert says in wrong.value.detail


def test_more_lines_than_may_be_are_refused():
    many = b"".join(b"A%d,*1/*1\n" % (1000 + number) for number in range(MOST_LINES + 1))
    with pytest.raises(UnreadableTable, match=f"{MOST_LINES} lines"):
        read_table(HEAD + many)
    assert len(read_table(HEAD + b"".join(many.splitlines(keepends=True)[:MOST_LINES]))) == MOST_LINES


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_comma_semicolon_and_tab_are_one_table(delimiter):
    table = delimiter.join(("\ufeffGENE", "Genotype", "ignored", "copy_number")) + "\r\n"
    table += (
        delimiter.join(("HLA-B", "*15:02 negative", "x", ""))
        + "\r\n\r\n"
        + delimiter.join(("CYP2D6", "*1/*4", "", "2"))
    )
    found = read_table(table.encode())
    assert [(one.gene, one.diplotype, one.copy_number, one.number) for one in found] == [
        ("HLA-B", "*15:02 negative", None, 2), ("CYP2D6", "*1/*4", 2, 4),
    ]  # fmt: skip


@given(content=st.binary(max_size=400) | st.text(max_size=400).map(lambda text: HEAD + text.encode("utf-8", "replace")))
def test_any_bytes_are_lines_or_a_sentence(content):
    lines, said = read(content)
    if said is not None:
        assert said.detail.endswith(".")
        assert said.line is None or 1 <= said.line <= content.count(b"\n") + content.count(b"\r") + 1
    else:
        assert len({line.gene for line in lines}) == len(lines) > 0


CELL = st.text(alphabet="ab*/1,;\"' \t\n", max_size=12)


@given(rows=st.lists(st.tuples(CELL, CELL, CELL), max_size=6))
def test_any_cells_are_lines_or_a_sentence(rows):
    out = io.StringIO()
    csv.writer(out).writerows([("gene", "diplotype", "copy number"), *rows])
    with suppress(UnreadableTable):
        read_table(out.getvalue().encode())
