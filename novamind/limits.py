"""How much at once: every limit on what is sent here, as one table of plain numbers.

Readers, parsers and settings use them. What each is for, and what is answered beyond it, ``docs/limits.md`` says too,
and a test compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

MB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limit:
    """One row: the number, of what, and the code of the answer beyond it (empty: not in force, ``what`` says why)."""

    value: int
    unit: str
    what: str
    code: str


LIMITS: Final = MappingProxyType(
    {
        "file": Limit(50, "MB", "an uploaded file; the setting `UPLOAD_LIMIT_MB`", "file_too_large"),
        "form_room": Limit(64, "kB", "what a form adds around its file; beyond it nothing is read", "too_large"),
        "stranger": Limit(64, "kB", "a body of whoever has not signed in, second factor included", "too_large"),
        "form_fields": Limit(1000, "fields", "a form, or the parameters of an address", "parse_error"),
        "line": Limit(64, "kB", "a line of a recording with its end", "line_too_long"),
        "columns": Limit(256, "columns", "a table", "too_many_columns"),
        "recording_days": Limit(400, "days", "a recording, from its first to its last epoch", "too_long"),
        "recording_epochs": Limit(6_000_000, "epochs", "a recording", "too_long"),
        "recording_gap": Limit(30, "days", "between two lines of a recording", "gap_too_long"),
        "future": Limit(10, "min", "after now, for what was measured", "in_the_future"),
        "past": Limit(3653, "days", "before now, for what a device's token sends", "too_long_ago"),
        "batch_days": Limit(56, "local days", "a batch of biometric events", "too_many_days"),
        "json": Limit(5, "MB", "a JSON body, and a form without its files", "too_large"),
        "json_depth": Limit(32, "levels", "lists and objects of a JSON body within each other", "too_deep"),
        "json_entries": Limit(10_000, "entries", "a list in a JSON body: the samples of a batch", "too_many_entries"),
        "readings": Limit(250_000, "readings", "one request to analyze", "too_many_entries"),
        "metadata": Limit(10_000, "characters", "what a device says beside its file", "invalid"),
        "note": Limit(100_000, "characters", "a note", "invalid"),
        "attachment": Limit(10, "MB", "a file attached to a note", "file_too_large"),
        "attachments": Limit(10, "files", "attached to a note", "invalid"),
        "own_charts": Limit(30, "charts", "kept by one person", "invalid"),
        "results": Limit(256, "kB", "a laboratory's table of genotypes; at most 500 lines", "unreadable"),
        "pharmcat": Limit(4096, "kB", "a report of PharmCAT as JSON", "unreadable"),
        "page": Limit(500, "rows", "a page of a list; more is cut to this", "cut"),
        "archive_expanded": Limit(
            2048,
            "MB",
            "a .gt3x, or the export in a ZIP, unpacked; other archives are refused whole",
            "archive_too_large",
        ),
        "archive_ratio": Limit(
            100, "times", "a .gt3x, or the export in a ZIP, unpacked to packed", "archive_too_large"
        ),
        "archive_entries": Limit(1000, "entries", "a .gt3x", "archive_too_large"),
        "export_directory": Limit(4, "MB", "what the ZIP of an export says of its content", "archive_too_large"),
        "export_entries": Limit(20_000, "entries", "the ZIP of an export: a file per workout", "archive_too_large"),
        "export_piece": Limit(
            1024, "kB", "an element of an export, and all that is before the first", "piece_too_long"
        ),
        "export_item": Limit(8192, "kB", "an item of a JSON document of an export", "item_too_long"),
        "export_depth": Limit(32, "levels", "elements of an export within each other", "too_deep"),
        "export_names": Limit(
            1000, "names", "kinds of elements and attributes of an export; devices", "too_many_names"
        ),
        "export_samples": Limit(10_000_000, "samples", "an export", "too_many_entries"),
        "export_rows": Limit(200_000, "rows", "an export: point readings and stages of sleep", "too_many_entries"),
        "file_most": Limit(500, "MB", "what `UPLOAD_LIMIT_MB` may be in production", "not_started"),
    }
)

FILE_MB: Final = LIMITS["file"].value
FORM_ROOM_BYTES: Final = LIMITS["form_room"].value * 1024
STRANGER_BYTES: Final = LIMITS["stranger"].value * 1024
LINE_BYTES: Final = LIMITS["line"].value * 1024
JSON_BYTES: Final = LIMITS["json"].value * MB
JSON_DEPTH: Final = LIMITS["json_depth"].value
JSON_ENTRIES: Final = LIMITS["json_entries"].value
RESULTS_BYTES: Final = LIMITS["results"].value * 1024
PHARMCAT_BYTES: Final = LIMITS["pharmcat"].value * 1024
NOTE_CHARACTERS: Final = LIMITS["note"].value
ATTACHMENT_BYTES: Final = LIMITS["attachment"].value * MB
ATTACHMENTS: Final = LIMITS["attachments"].value
OWN_CHARTS: Final = LIMITS["own_charts"].value
