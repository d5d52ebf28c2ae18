"""Open mHealth and IEEE 1752.1: data points as JSON, one, a list of them, or one after another.

References
----------
Open mHealth schemas (github.com/openmhealth/schemas): ``data-point-header`` 1.x (IEEE 1752.1: ``header``),
``time-frame`` 1.x, ``heart-rate`` 1.x and 2.x, ``step-count`` 1.x to 3.x, ``body-weight``, ``blood-pressure``,
``oxygen-saturation``, ``respiratory-rate``, ``body-temperature``, ``sleep-episode``. Times have offsets (RFC 3339).
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from actigraphy.catalogue import TYPES, Form
from actigraphy.exports.collecting import Collected
from actigraphy.exports.documents import items
from actigraphy.exports.measures import Measure, Senders, keep, keep_point, keep_stage, keep_steps
from actigraphy.exports.parts import ExportKind, Part, Readable, named
from actigraphy.exports.reading import Asked
from actigraphy.exports.values import as_object, as_text, number, utc_second
from actigraphy.streams.sent import Sender

NAMESPACES: Final = {"omh", "ieee"}
#: A value that sums up others is kept only where it is their mean.
OF_ONE: Final = {None, "average"}
LENGTHS_S: Final = {"sec": 1, "min": 60, "h": 3600}


def _times(factor: float) -> Callable[[float], float]:
    return lambda value: value * factor


def _of_fahrenheit(value: float) -> float:
    return (value - 32) / 1.8


class Quantity(NamedTuple):
    """Where a value of a body is kept, and how each unit becomes ours."""

    data_type: str
    key: str
    field: str
    units: dict[str, Callable[[float], float]]


_SAME: Final = _times(1)
_PRESSURE: Final = {"mmHg": _SAME}
_MASS: Final = {"kg": _SAME, "g": _times(1e-3), "lb": _times(0.45359237), "oz": _times(0.028349523125)}
QUANTITIES: Final = MappingProxyType({
    "heart-rate": (Quantity("heart_rate", "bpm", "heart_rate", {"beats/min": _SAME}),),
    "oxygen-saturation": (Quantity("spo2", "percent", "oxygen_saturation", {"%": _SAME}),),
    "respiratory-rate": (Quantity("respiratory_rate", "per_min", "respiratory_rate", {"breaths/min": _SAME}),),
    "body-weight": (Quantity("weight", "kg", "body_weight", _MASS),),
    "body-temperature": (
        Quantity("body_temperature", "celsius", "body_temperature", {"C": _SAME, "F": _of_fahrenheit}),
    ),
    "blood-pressure": (
        Quantity("blood_pressure", "systolic", "systolic_blood_pressure", _PRESSURE),
        Quantity("blood_pressure", "diastolic", "diastolic_blood_pressure", _PRESSURE),
    ),
})  # fmt: skip


def is_open_mhealth(head: bytes) -> bool:
    """Whether a document that begins so is of data points."""
    starts = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}
    return starts and all(word in head for word in (b'"schema_id"', b'"namespace"', b'"header"'))


def read_open_mhealth(file: Readable, asked: Asked, taken: Collected) -> None:
    """Read data points; a value of a stretch of time stands at its beginning."""
    senders = Senders()
    for _, item in items(file):
        point = as_object(item)
        header, body = as_object(point.get("header")), as_object(point.get("body"))
        schema = as_object(header.get("schema_id"))
        name = schema.get("name") if as_text(schema.get("namespace")) in NAMESPACES else None
        quantities = QUANTITIES.get(name) if isinstance(name, str) else None
        start_s, end_s = _stretch(body)
        sender = _sender(header, senders)
        if quantities:
            _keep(taken, sender, quantities, body, start_s)
        elif name == "step-count":
            _keep_steps(taken, sender, body, start_s, end_s)
        elif name == "sleep-episode":
            keep_stage(taken, sender, start_s, end_s, "asleep")
        else:
            taken.skip("other", "not_kept_here")


def _keep(
    taken: Collected, sender: Sender, quantities: tuple[Quantity, ...], body: dict[str, Any], at_s: int | None
) -> None:
    what = quantities[0].data_type
    if as_text(body.get("descriptive_statistic")) not in OF_ONE:
        return taken.skip(what, "not_kept_here")
    values: dict[str, float | None] = {}
    for quantity in quantities:
        said = as_object(body.get(quantity.field))
        convert = quantity.units.get(str(said.get("unit")))
        if said and convert is None:
            return taken.skip(what, "unknown_unit")
        value = number(said.get("value"))
        values[quantity.key] = None if value is None or convert is None else convert(value)
    if TYPES[what].form is Form.POINT:
        return keep_point(taken, sender, what, at_s, values)
    ((key, value),) = values.items()
    keep(taken, sender, Measure.of(what, key), at_s, value)


def _keep_steps(taken: Collected, sender: Sender, body: dict[str, Any], start_s: int | None, end_s: int | None) -> None:
    """A whole number, or since version 2 also a value with its unit."""
    said = body.get("step_count")
    if isinstance(said, dict):
        if said.get("unit") != "steps":
            return taken.skip("steps", "unknown_unit")
        said = said.get("value")
    known = start_s is not None and end_s is not None
    keep_steps(taken, sender, start_s if known else None, (end_s or 0) - (start_s or 0), number(said))


def _stretch(body: dict[str, Any]) -> tuple[int | None, int | None]:
    """UTC seconds of the beginning and the end of a time frame: a moment, or two of start, end and duration."""
    frame = as_object(body.get("effective_time_frame"))
    if "date_time" in frame:
        moment_s = utc_second(frame["date_time"])
        return moment_s, moment_s
    interval = as_object(frame.get("time_interval"))
    start_s, end_s = utc_second(interval.get("start_date_time")), utc_second(interval.get("end_date_time"))
    length = as_object(interval.get("duration"))
    span, unit_s = number(length.get("value")), LENGTHS_S.get(str(length.get("unit")))
    if span is not None and unit_s is not None and 0 <= span * unit_s < 1e9:
        span_s = round(span * unit_s)
        start_s = end_s - span_s if start_s is None and end_s is not None else start_s
        end_s = start_s + span_s if end_s is None and start_s is not None else end_s
    return start_s, end_s


def _sender(header: dict[str, Any], senders: Senders) -> Sender:
    name = as_object(header.get("acquisition_provenance")).get("source_name")
    return senders.of(name if isinstance(name, str) else "")


KIND: Final = ExportKind(
    (Part("data points", named(r".*\.(?:json|ndjson|jsonl)"), is_open_mhealth, read_open_mhealth),)
)
