"""What every reader of an export takes and gives: a request, events, or a sentence why not. No database."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from actigraphy.readers import UnreadableRecording

# None of these quotes the file: what stands in a wrong place may be a name.
SENTENCES: Final = {
    "archive_too_large": "The archive unpacks to far more than an export does.",
    "archive_refused": "The archive is damaged or locked with a password. Export it again, and send it as it comes.",
    "damaged_export": "The export is damaged, or stops too early. Export it again, and send it as it comes.",
    "declares_entities": "The file declares entities of XML, which an export never does. It is not read.",
    "too_deep": "The file nests deeper than an export does. It is not read.",
    "piece_too_long": "A piece of the file is longer than {limit_kb:,} kB, so this is not an export.",
    "item_too_long": "An item of the file is longer than {limit_kb:,} kB, so this is not an export.",
    "several_people": "The file is of several people. Send the part that is this patient's.",
    "not_an_export": "The file begins like an export, and is none.",
    "too_many_names": "The file names more kinds of things, or more devices, than an export does. It is not read.",
    "too_many_entries": "The export holds more than can be read at once. Export fewer years, and send them one by one.",
    "nothing_kept": "The export holds nothing of the kinds of data that are kept here.",
}


class UnreadableExport(UnreadableRecording):
    """A file that begins like an export and cannot be taken; ``detail`` is for a person and never quotes the file."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__("unknown_format")
        self.code, self.detail = code, SENTENCES[code].format(**facts)
        self.args = (code, self.detail)


_UTC: Final = ZoneInfo("UTC")


@dataclass(frozen=True)
class Asked:
    """What an export may hold.

    Attributes
    ----------
    earliest_s, latest_s : int
        UTC seconds: the patient's birth, and a little after now. What lies outside is left out by name.
    tz : ZoneInfo
        Where the patient lives: stamps without a zone are its wall clock.
    """

    earliest_s: int
    latest_s: int
    tz: ZoneInfo = _UTC


#: ``2024-01-01 01:01:36 +0200``, or the same in ISO 8601.
STAMP: Final = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d{1,9})? ?([+-]\d\d:?\d\d|Z)", re.ASCII)
