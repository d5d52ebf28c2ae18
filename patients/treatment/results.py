"""A file of genotypes, a laboratory's table or a report of PharmCAT, read into lines; knows no database."""

from __future__ import annotations

import json
from typing import Final

from novamind.limits import PHARMCAT_BYTES, RESULTS_BYTES
from patients.treatment.tables import Line, UnreadableTable, read_table
from patients.vocabularies import NoPharmcatReport, genes, read_pharmcat
from patients.vocabularies.genes import LONGEST

#: So much of a file is read before it is known which of the two it is.
MOST_BYTES: Final = max(RESULTS_BYTES, PHARMCAT_BYTES)


def read_results(content: bytes) -> list[Line]:
    """The results of a file: JSON is a report of PharmCAT, anything else a table.

    Of PharmCAT the genes that we have tables of are taken, as it called them; that one was not tested is a result too.

    Raises
    ------
    UnreadableTable
    """
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in {b"{", b"["}:
        return read_table(content)
    if len(content) > PHARMCAT_BYTES:
        raise UnreadableTable(f"A report of PharmCAT has at most {PHARMCAT_BYTES // 1024} kB.")
    try:
        found = read_pharmcat(json.loads(content.decode("utf-8-sig")), genes())
    except NoPharmcatReport as error:
        raise UnreadableTable(str(error)) from None
    except (ValueError, RecursionError):
        raise UnreadableTable("This is no JSON that can be read.") from None
    if not found:
        raise UnreadableTable(f"This report of PharmCAT has none of the genes {', '.join(genes())}.")
    return [_line(gene, text, number) for number, (gene, text) in enumerate(found.items(), 1)]


def _line(gene: str, text: str, number: int) -> Line:
    if len(text) > LONGEST:
        raise UnreadableTable(f"PharmCAT's calls of {gene} have more than {LONGEST} characters.")
    if not text.isprintable():
        raise UnreadableTable(f"PharmCAT's call of {gene} is no text.")
    return Line(gene, text, None, None, None, None, number)
