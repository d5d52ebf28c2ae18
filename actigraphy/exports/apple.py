"""Apple Health: ``export.xml`` as Settings' "Export All Health Data" writes it, also within its ZIP, read as a stream.

Apple writes a DTD of elements and attributes into the file and no entity: one that declares any is refused, and nothing
outside is ever asked for. What is kept is a few packed arrays, whatever the length of the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from types import MappingProxyType
from typing import Final, NamedTuple
from xml.parsers import expat

from actigraphy.catalogue import TYPES, Form, Key
from actigraphy.exports.collecting import Collected
from actigraphy.exports.parts import ExportKind, Part, Readable
from actigraphy.exports.reading import Asked, UnreadableExport
from actigraphy.exports.values import number, one_line, utc_second
from actigraphy.readers import text_of
from actigraphy.streams.sent import Sender
from novamind.limits import LIMITS

ROOT: Final = "HealthData"
CHUNK_BYTES: Final = 64 * 1024
PIECE_BYTES: Final = LIMITS["export_piece"].value * 1024
DEPTH: Final = LIMITS["export_depth"].value
NAMES: Final = LIMITS["export_names"].value
SLEEP: Final = "HKCategoryTypeIdentifierSleepAnalysis"
STEPS: Final = "HKQuantityTypeIdentifierStepCount"
SOURCE_OF: Final = MappingProxyType(
    {"watch": "watch", "iphone": "phone", "phone": "phone", "oura": "ring", "ring": "ring"}
)
_MEASURES: Final = re.compile(r"watch|iphone|\b(?:phone|oura|ring)\b")


def _same(value: float) -> float:
    return value


def _percent(value: float) -> float:
    """HealthKit's per cent reach from 0 to 1; other apps write from 0 to 100."""
    return 100 * value if value <= 1 else value


def _of_fahrenheit(value: float) -> float:
    return (value - 32) / 1.8


def _times(factor: float) -> Callable[[float], float]:
    return lambda value: value * factor


_TEMPERATURE: Final = {"degC": _same, "degF": _of_fahrenheit}
_PER_MIN: Final = {"count/min": _same, "count/s": _times(60)}
_PRESSURE: Final = {"mmHg": _same, "kPa": _times(7.500615613)}
_MASS: Final = {"kg": _same, "g": _times(0.001), "lb": _times(0.45359237), "st": _times(6.35029318)}


class Quantity(NamedTuple):
    """Where a quantity of HealthKit is kept, and how each unit becomes ours."""

    data_type: str
    key: Key
    units: dict[str, Callable[[float], float]]


def _quantity(data_type: str, key: str, units: dict[str, Callable[[float], float]]) -> Quantity:
    return Quantity(data_type, TYPES[data_type].by_name[key], units)


QUANTITIES: Final = MappingProxyType(
    {
        f"HKQuantityTypeIdentifier{name}": _quantity(*kept)
        for name, kept in {
            "HeartRate": ("heart_rate", "bpm", _PER_MIN),
            "HeartRateVariabilitySDNN": ("hrv", "sdnn_ms", {"ms": _same, "s": _times(1000)}),
            "OxygenSaturation": ("spo2", "percent", {"%": _percent}),
            "RespiratoryRate": ("respiratory_rate", "per_min", _PER_MIN),
            "AppleSleepingWristTemperature": ("skin_temperature", "celsius", _TEMPERATURE),
            "BodyMass": ("weight", "kg", _MASS),
            "BodyTemperature": ("body_temperature", "celsius", _TEMPERATURE),
            "BloodPressureSystolic": ("blood_pressure", "systolic", _PRESSURE),
            "BloodPressureDiastolic": ("blood_pressure", "diastolic", _PRESSURE),
        }.items()
    }
)
#: ``Core`` is Apple's word for light sleep (N1 and N2); without a word for the stage it is sleep and no more.
SLEEP_STAGES: Final = MappingProxyType(
    {
        f"HKCategoryValueSleepAnalysis{name}": stage
        for name, stage in {
            "InBed": "in_bed", "Asleep": "asleep", "AsleepUnspecified": "asleep", "AsleepCore": "light",
            "AsleepDeep": "deep", "AsleepREM": "rem", "Awake": "awake",
        }.items()
    }
)  # fmt: skip


def is_apple(head: bytes) -> bool:
    """Whether a file that begins so is an export of Apple Health."""
    text = text_of(head)
    if text is None:
        return False
    return text.lstrip("\ufeff \t\r\n").startswith("<") and (f"<!DOCTYPE {ROOT}" in text or f"<{ROOT}" in text)


def read_apple(file: Readable, asked: Asked, taken: Collected) -> None:
    """Read ``export.xml``.

    Heart rate, variability (SDNN), oxygen, respiration and wrist temperature count at the second they begin; weight,
    body temperature and blood pressure are point readings; steps are spread over the minutes they were counted in;
    stages of sleep that pause for no more than an hour are one session. Each ``sourceName`` is a device of its own.

    Raises
    ------
    UnreadableExport
        Whatever is wrong with the file. What is wrong with a single record is counted in ``left_out``.
    """
    names: dict[str, str] = {}
    parser = expat.ParserCreate(intern=names)
    elements = _Elements(taken)
    parser.StartElementHandler, parser.EndElementHandler = elements.start, elements.end
    parser.EntityDeclHandler = parser.UnparsedEntityDeclHandler = parser.ExternalEntityRefHandler = _refuse_entities
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.specified_attributes = True  # a default of the DTD would stand for more than was written
    fed = 0
    try:
        while chunk := file.read(CHUNK_BYTES):
            parser.Parse(chunk, False)
            fed += len(chunk)
            waiting = fed - max(0, parser.CurrentByteIndex)
            if waiting > PIECE_BYTES + len(chunk) or (not elements.begun and fed > PIECE_BYTES):
                raise UnreadableExport("piece_too_long", limit_kb=PIECE_BYTES // 1024)
            if len(names) > NAMES:
                raise UnreadableExport("too_many_names")
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # the latter two of an encoding that nobody knows
        raise UnreadableExport("damaged_export") from error


#: Its name is in the phone's language; beside it are the clinical document, routes and electrocardiograms.
KIND: Final = ExportKind((Part("export", lambda name: name.endswith(".xml"), is_apple, read_apple),))


def _refuse_entities(*_: object) -> int:
    raise UnreadableExport("declares_entities")


class _Elements:
    """Looks at each element as it begins; nothing of it is kept but its numbers."""

    def __init__(self, taken: Collected) -> None:
        self.taken, self.begun, self._depth = taken, False, 0
        self._senders: dict[tuple[str, str], Sender] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self._depth += 1
        if self._depth > DEPTH:
            raise UnreadableExport("too_deep")
        if not self.begun:
            if name != ROOT:
                raise UnreadableExport("not_an_export")
            self.begun = True
        elif name == "Record":
            self._record(attributes)

    def end(self, name: str) -> None:
        """An element ends."""
        self._depth -= 1

    def _record(self, said: dict[str, str]) -> None:
        kind = said.get("type", "")
        quantity = QUANTITIES.get(kind)
        what = quantity.data_type if quantity else {SLEEP: "sleep", STEPS: "steps"}.get(kind, "")
        if not what:
            return self.taken.skip("other", "not_kept_here")
        start_s, end_s = utc_second(said.get("startDate", "")), utc_second(said.get("endDate", ""))
        if start_s is None or end_s is None:
            return self.taken.skip(what, "wrong_time")
        sender = self._sender(said.get("sourceName", ""), said.get("device", ""))
        if what == "sleep":
            return self._sleep(sender, said.get("value", ""), start_s, end_s)
        value = number(said.get("value", ""))
        if value is None:
            return self.taken.skip(what, "not_a_number")
        if quantity is None:
            return self._steps(sender, said.get("unit", ""), start_s, end_s, value)
        self._quantity(sender, quantity, said.get("unit", ""), start_s, value)

    def _sleep(self, sender: Sender, value: str, start_s: int, end_s: int) -> None:
        stage = SLEEP_STAGES.get(value)
        if stage is None:
            return self.taken.skip("sleep", "unknown_stage")
        self.taken.stage(sender, start_s, end_s, stage)

    def _steps(self, sender: Sender, unit: str, start_s: int, end_s: int, value: float) -> None:
        if unit != "count":
            return self.taken.skip("steps", "unknown_unit")
        self.taken.steps(sender, start_s, end_s, value)

    def _quantity(self, sender: Sender, quantity: Quantity, unit: str, at_s: int, value: float) -> None:
        convert = quantity.units.get(unit)
        if convert is None:
            return self.taken.skip(quantity.data_type, "unknown_unit")
        if TYPES[quantity.data_type].form is Form.SIGNAL:
            self.taken.sample(sender, quantity.data_type, quantity.key, at_s, convert(value))
        else:
            self.taken.point(sender, quantity.data_type, at_s, **{quantity.key.name: convert(value)})

    def _sender(self, name: str, device: str) -> Sender:
        source = _source(name.casefold(), device.casefold())
        if (known := self._senders.get((source, name))) is None:
            if len(self._senders) >= NAMES:
                raise UnreadableExport("too_many_names")
            known = self._senders[source, name] = Sender(source, one_line(name))
        return known


def _source(name: str, device: str) -> str:
    """What measured, by what the record says of its device, else by what its owner calls it."""
    for said in (device, name):
        if found := _MEASURES.search(said):
            return SOURCE_OF[found[0]]
    return ""
