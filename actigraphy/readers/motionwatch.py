"""MotionWatch .mtn (CamNtech): XML of changes, of which the last to say a thing counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final
from xml.parsers import expat

import numpy as np

from novamind.limits import MB

from .counts import to_numbers
from .grid import check_epoch, check_length, check_present, missing_notice, start_to_utc, year_notice
from .reading import FloatArray, ReadRecording, Request, UnreadableRecording

ROOT: Final = b"<motionfile"
DEEPEST: Final = 20
LONGEST_TEXT: Final = 64 * MB
MOTION: Final = "motion"
LIGHT: Final = "light"
_CUT_OFF: Final = {
    expat.errors.codes[message]
    for message in (expat.errors.XML_ERROR_NO_ELEMENTS, expat.errors.XML_ERROR_UNCLOSED_TOKEN)
}


@dataclass
class _Channel:
    name: str = ""
    epoch: str = ""
    encoding: str = ""
    data: str = ""


@dataclass
class _Motionfile:
    """What the XML said so far; texts are kept only inside the elements that are read."""

    limit: int
    properties: dict[str, str] = field(default_factory=dict)
    channels: dict[str, _Channel] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    length: int = 0
    name: str = ""
    channel: _Channel | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self.path and tag != "motionfile":
            raise UnreadableRecording("unknown_format")
        self.path.append(tag)
        if len(self.path) > DEEPEST:
            raise UnreadableRecording("damaged_header")
        if tag == "channel":
            self.channel = _Channel()
        elif tag == "data" and self.channel is not None:
            self.channel.encoding = attributes.get("encoding", "")
        self.text, self.length = [], 0

    def characters(self, text: str) -> None:
        self.length += len(text)
        if self.length > self.limit:
            raise UnreadableRecording("too_long", limit=f"{self.limit // MB} MB of values")
        self.text.append(text)

    def end(self, tag: str) -> None:
        text, self.text = "".join(self.text), []
        self.path.pop()
        parent = self.path[-1] if self.path else ""
        if parent == "channel" and self.channel is not None:
            if tag in {"name", "epoch", "data"}:
                setattr(self.channel, tag, text)
        elif parent == "property" and tag == "name":
            self.name = text.strip().lstrip("=+")
        elif parent == "property" and tag == "content":
            self.properties[self.name] = text.strip()
        if tag == "channel" and self.channel is not None:
            self.channels[self.channel.name.strip().casefold()] = self.channel
            self.channel = None


def read_motionwatch(file: BinaryIO, request: Request) -> ReadRecording:
    """Read a .mtn file; its start is wall-clock time, what follows is elapsed time.

    Channel: ``light`` (lux), where its epochs are those of the motion. A document type, and with it every entity, is
    refused: nothing of the kind belongs in such a file.
    """
    said = _parse(file)
    motion = said.channels.get(MOTION)
    if motion is None:
        raise UnreadableRecording("truncated")
    epoch_s = _epoch(motion)
    activity = _values(motion)
    n = len(activity)
    check_length(n, epoch_s, request.limits)
    start_s = start_to_utc(_wall_start(said.properties.get("StartTime", "")), request.tz)
    check_present(start_s + (n - 1) * epoch_s)
    light = said.channels.get(LIGHT)
    levels = _values(light) if light is not None and _epoch(light) == epoch_s else None
    return ReadRecording(
        format="motionwatch_mtn",
        device_family="motionwatch",
        device_model=said.properties.get("Device", "")[:64] or None,
        device_serial=said.properties.get("SerialNo", "")[:64] or None,
        start_s=start_s,
        epoch_s=epoch_s,
        activity=activity,
        channels={} if levels is None else {LIGHT: _of_length(levels, n)},
        zone=request.tz.key,
        zone_evidence="given",
        notices=(*year_notice(start_s), *missing_notice(activity, n)),
    )


def _parse(file: BinaryIO) -> _Motionfile:
    said = _Motionfile(LONGEST_TEXT)
    parser = expat.ParserCreate()
    parser.StartElementHandler = said.start
    parser.EndElementHandler = said.end
    parser.CharacterDataHandler = said.characters
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    try:
        parser.ParseFile(file)
    except (LookupError, ValueError) as error:  # an encoding that is none, or cannot be read
        raise UnreadableRecording("damaged_header") from error
    except expat.ExpatError as error:
        raise UnreadableRecording(
            "truncated" if error.code in _CUT_OFF else "damaged_header", line=error.lineno
        ) from error
    return said


def _refuse(*_: Any) -> None:
    raise UnreadableRecording("damaged_header")


def _epoch(channel: _Channel) -> int:
    said = channel.epoch.strip()
    if not (said.isascii() and said.isdecimal() and len(said) < 6):
        raise UnreadableRecording("epoch_unsupported")
    check_epoch(int(said))
    return int(said)


def _values(channel: _Channel) -> FloatArray:
    """The numbers of a channel; the list ends with a comma that opens no value."""
    if channel.encoding != "text":
        raise UnreadableRecording("not_text")
    cells = "".join(channel.data.split()).rstrip(",").split(",")
    if max(map(len, cells)) > 32:
        raise UnreadableRecording("not_a_number")
    texts = np.array([cell.encode("ascii", "replace") for cell in cells])
    return to_numbers(texts, np.ones(len(cells), np.int32))


def _of_length(values: FloatArray, n: int) -> FloatArray:
    whole = np.full(n, np.nan, np.float32)
    whole[: min(n, len(values))] = values[:n]
    return whole


def _wall_start(said: str) -> int:
    try:
        wall = datetime.strptime(said, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise UnreadableRecording("damaged_header") from error
    if not 1900 <= wall.year <= 2100:
        raise UnreadableRecording("impossible_date")
    return int(wall.timestamp())
