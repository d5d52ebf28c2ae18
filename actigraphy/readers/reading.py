"""What every reader takes and gives: a request, a recording on a UTC grid, or a sentence why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from actigraphy.science.acceleration import Epochs
from actigraphy.science.calibration import Calibration
from novamind.limits import FILE_MB, LIMITS, LINE_BYTES, MB
from novamind.measures import Abstained

FloatArray = NDArray[np.float32]

# None of these quotes the file: what stands in a wrong place may be a name.
SENTENCES = {
    "empty_file": "The file is empty.",
    "file_too_large": "The file is larger than {limit_mb} MB.",
    "archive_refused": "The file is an archive, and no .gt3x. Unpack it, and send what is in it.",
    "archive_too_large": "The file unpacks to far more than a recording does.",
    "unknown_format": "This is not a kind of recording that can be read here.",
    "not_text": "The file should be text, but holds binary data. It may be damaged or have the wrong name.",
    "line_too_long": "A line is longer than {limit_kb} kB, so this is not a recording.",
    "too_many_columns": "The file has more than {limit} columns.",
    "truncated": "The file stops too early; the export was probably interrupted.",
    "damaged_header": "The first lines of the file, which describe the recording, are damaged.",
    "damaged_database": "The .agd file is damaged or is not an ActiGraph database.",
    "column_mapping_needed": "Say which column of the file holds the time and which the activity.",
    "wrong_columns": "The columns are not as expected here.",
    "no_timestamps": "A date or time could not be understood.",
    "impossible_date": "A date or time does not exist in the calendar.",
    "ambiguous_dates": "It is unclear whether the day or the month comes first in the dates. State the order.",
    "mixed_offsets": "Some times carry a UTC offset and some do not.",
    "duplicate_timestamps": "The same time appears twice with different values.",
    "unordered_timestamps": "The times do not run forward.",
    "irregular_timestamps": "The times are not evenly spaced, so the length of an epoch is unclear.",
    "gap_too_long": "Between two lines lie more than {limit_days} days. A clock was probably reset.",
    "too_long": "The recording is longer than the allowed {limit}.",
    "too_short": "The recording holds fewer than two epochs.",
    "no_values": "The recording holds no activity values, only empty ones.",
    "not_a_number": "A value that should be a number is not one.",
    "negative_counts": "An activity count is negative.",
    "impossible_value": "A value is far too large to have been measured.",
    "epoch_unsupported": "The epoch length is not one that can be used here (1 second to 1 hour, whole seconds).",
    "raw_not_supported": "The file holds raw acceleration. Export it as counts per epoch.",
    "unsupported_rate": "Acceleration is taken at {rates} Hz.",
    "wrong_unit": "The acceleration is far more than gravity; it is expected in g.",
    "no_offset": "A time has no UTC offset, so it is unclear which moment it is.",
    "rate_mismatch": "The times are not as far apart as the stated sampling rate says.",
    "mixed_readings": "Readings are all counts, or all x, y and z.",
    "mixed_lengths": "The lists of x, y and z are not equally long.",
    "mixed_devices": "The readings come from more than one device. Send each device's on their own.",
    "before_1970": "The readings are dated before 1970. The clock of the device was probably never set.",
    "end_before_start": "The end is not after the start.",
    "in_the_future": "The recording ends in the future. The clock of the device was probably wrong.",
}


class UnreadableRecording(Exception):
    """A file that cannot be taken as a recording.

    Attributes
    ----------
    code : str
        One of ``SENTENCES``.
    detail : str
        The sentence a person reads; it never quotes the file.
    line : int or None
        Line of the file, counted from 1, where that is known.
    """

    def __init__(self, code: str, *, line: int | None = None, **facts: object) -> None:
        self.code = code
        self.line = line
        self.detail = SENTENCES[code].format(**facts)
        if line is not None:
            self.detail += f" See line {line}."
        super().__init__(code, self.detail)


@dataclass(frozen=True)
class Limits:
    """What a file may ask of this machine; the defaults are the table of :mod:`novamind.limits`."""

    max_bytes: int = FILE_MB * MB
    max_days: int = LIMITS["recording_days"].value
    max_gap_days: int = LIMITS["recording_gap"].value
    max_samples: int = LIMITS["recording_epochs"].value
    max_line_bytes: int = LINE_BYTES
    max_columns: int = LIMITS["columns"].value


@dataclass(frozen=True)
class ColumnMapping:
    """Where a generic table keeps what; a column is its header name or its number, counted from 0.

    Attributes
    ----------
    time, activity : str or int
        Time stamp (or time of day, where ``date`` is given) and counts per epoch.
    date : str, int or None
        Column of the date, where it stands apart from the time.
    channels : mapping of str to (str or int)
        Further channels to keep: name in the result to column in the file.
    delimiter : str or None
        One character; found from the first line where not given.
    day_first : bool or None
        Order in dates such as 03/04/2024; found from the dates where not given, refused where they leave it open.
    has_header : bool
        Whether the first line names the columns.
    """

    time: str | int
    activity: str | int
    date: str | int | None = None
    channels: Mapping[str, str | int] = field(default_factory=dict)
    delimiter: str | None = None
    day_first: bool | None = None
    has_header: bool = True

    def __post_init__(self) -> None:
        if "activity" in self.channels:
            raise ValueError("the activity has a column of its own; no further channel may take its name")


@dataclass(frozen=True)
class Notice:
    """Something worth knowing that does not stop the reading."""

    code: str
    detail: str


@dataclass(frozen=True, eq=False)
class Raw:
    """What acceleration was reduced to beside its counts, and the correction it was reduced with, or why none."""

    epochs: Epochs
    calibration: Calibration | Abstained


@dataclass(frozen=True)
class ReadRecording:
    """A recording as its file tells it; the subject named in a header is never carried along.

    Attributes
    ----------
    format : str
        Key of ``READERS``.
    device_family : str
        "actiwatch", "actigraph", "geneactiv", "axivity", "motionwatch", "acttrust", "daqtometer" or "generic".
    device_model, device_serial : str or None
        As the file states them. The serial number identifies a person's device: treat it as sensitive.
    start_s : int
        Start of the first epoch, UTC epoch seconds.
    epoch_s : int
        Length of an epoch, seconds.
    activity : ndarray of float32, shape (n,)
        Counts per epoch on a regular UTC grid, NaN where missing. For ActiGraph this is axis 1, as ActiLife's own
        sleep and wear algorithms use it.
    channels : dict of str to ndarray of float32, shape (n,)
        On the same grid: ``axis1 axis2 axis3`` (counts), ``vector_magnitude`` (counts), ``steps``, ``light`` (lux),
        ``inclinometer_off inclinometer_standing inclinometer_sitting inclinometer_lying`` (seconds of the epoch),
        ``marker`` (1 where the button was pressed), ``pressure sound temperature`` (as the Actiwatch stores them),
        those that a reader names in its own documentation, and for a generic table whatever its mapping names.
    zone : str
        IANA zone with which wall-clock times were read, or in which they are to be shown.
    zone_evidence : str
        "file" where the stamps carry their UTC offset, else "given".
    notices : tuple of Notice
        Codes: year_before_2000, clock_gap, short_gap_filled_missing, duplicate_stamps, double_hour, clock_not_changed,
        set_elsewhere, off_grid, missing_values, marker_lines, columns_ignored.
    raw : Raw or None
        Of a device's file of acceleration, for the same minutes; None of an outline.
    """

    format: str
    device_family: str
    device_model: str | None
    device_serial: str | None
    start_s: int
    epoch_s: int
    activity: FloatArray
    channels: dict[str, FloatArray]
    zone: str
    zone_evidence: str
    notices: tuple[Notice, ...] = ()
    raw: Raw | None = None

    def __len__(self) -> int:
        return len(self.activity)


@dataclass(frozen=True)
class Request:
    """What the caller knows about a file beside its bytes.

    ``outline`` asks for the recording without numbers that must be computed first: its activity may be all NaN, and
    everything else is as it will be. A web process takes a file so.
    """

    tz: ZoneInfo
    columns: ColumnMapping | None
    limits: Limits
    outline: bool = False


class Reader(Protocol):
    """Turns an open file of one format into a recording."""

    def __call__(self, file: BinaryIO, request: Request) -> ReadRecording: ...
