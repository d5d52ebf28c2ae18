"""Samsung Health: heart rate by the minute of "Download personal data", whose files stand beside its tables.

References
----------
Samsung Health SDK for Android, ``HealthConstants.HeartRate.BINNING_DATA``: ``heart_rate``, ``heart_rate_min``,
``heart_rate_max``, ``start_time`` and ``end_time`` in milliseconds of UTC. The tables (``com.samsung.*.csv``) are not
read: Samsung does not document whether the times of the export are UTC or on the wall clock of ``time_offset``.
"""

from __future__ import annotations

from typing import Final

from actigraphy.exports.collecting import Collected
from actigraphy.exports.documents import begins_array, items
from actigraphy.exports.measures import HEART_RATE, keep
from actigraphy.exports.parts import ExportKind, Part, Readable, named
from actigraphy.exports.reading import Asked
from actigraphy.exports.values import as_object, number
from actigraphy.streams.sent import Sender

SAMSUNG: Final = Sender("", "Samsung Health")


def read_bins(file: Readable, asked: Asked, taken: Collected) -> None:
    """The mean of each bin stands at its beginning."""
    for _, item in items(file):
        said = as_object(item)
        start_ms = number(said.get("start_time"))
        at_s = int(start_ms // 1000) if start_ms is not None and abs(start_ms) < 1e15 else None
        keep(taken, SAMSUNG, HEART_RATE, at_s, number(said.get("heart_rate")))


KIND: Final = ExportKind(
    (
        Part(
            "heart rate",
            named(r".*\.heart_rate\.binning_data\.json"),
            begins_array(b'"heart_rate"', b'"start_time"', b'"heart_rate_max"'),
            read_bins,
        ),
    )
)
