"""Taking something out as CSV: streamed, safe to open in a spreadsheet, and on record with its rows and its hash."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse

from novamind.audit.models import EventType, Outcome
from novamind.audit.recording import Ledger, note_object, write_event
from novamind.throttle.callers import count_export

#: What a spreadsheet takes for a formula at the beginning of a cell.
_FORMULA = (*"=+-@", *"＝＋－＠", "\t", "\r", "\n")  # noqa: RUF001  (wide ones count where keyboards have them)


def csv_answer(
    request: HttpRequest,
    *,
    head: list[str],
    rows: Iterable[list[Any]],
    name: str,
    label: str,
    object_id: object,
    patients: int,
) -> StreamingHttpResponse:
    """The rows as a file. The request's event says that it began; one of its own, with rows and sha256, how it ended.

    Counts as one export of so many patients; ``TooMany`` beyond the caller's hourly share. The ledger closes when the
    view returns, so ``rows`` must read no chart while they stream. For a view with ``@own_transaction``.
    """
    count_export(request.user.pk, patients=patients)  # type: ignore[union-attr, arg-type]
    note_object(EventType.EXPORT, label, object_id)
    request.ledger.identify()  # type: ignore[attr-defined]
    ending = Ending(request.ledger, label, str(object_id))  # type: ignore[attr-defined]
    answer = StreamingHttpResponse(_lines(head, rows, ending), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


class Ending:
    """Counts and hashes what leaves, and writes once how that ended."""

    def __init__(self, ledger: Ledger, label: str, object_id: str) -> None:
        self.ledger = replace(ledger, patients=set(), unexplained=[])
        self.label, self.object_id = label, object_id
        self.rows, self.hash, self.started = 0, sha256(), time.monotonic()

    def write(self, outcome: str) -> None:
        """The event; its file is the one whose SHA-256 it names."""
        write_event(
            self.ledger,
            event_type=EventType.EXPORT,
            action="export",
            outcome=outcome,
            object_label=self.label,
            object_id=self.object_id,
            duration_ms=round((time.monotonic() - self.started) * 1000),
            details={"rows": self.rows, "sha256": self.hash.hexdigest()},
        )


def _lines(head: list[str], rows: Iterable[list[Any]], ending: Ending) -> Iterator[bytes]:
    """Each line is sent after the next one is known: the last leaves only once the record of the whole is written."""
    held = csv_line(head)
    ending.hash.update(held)
    try:
        for row in rows:
            yield held
            held = csv_line(row)
            ending.hash.update(held)
            ending.rows += 1
    except BaseException:  # GeneratorExit too: whoever downloads went away
        ending.write(Outcome.FAILED)
        raise
    ending.write(Outcome.SUCCESS)
    yield held


def csv_line(cells: Iterable[Any]) -> bytes:
    """One line; a cell that a spreadsheet would compute is made text by an apostrophe."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow([text_cell(cell) for cell in cells])
    return line.getvalue().encode()


def text_cell(value: Any) -> str:
    """What stands in a cell: never a formula; a number stays one, below zero too."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not isinstance(value, int | float) else text
