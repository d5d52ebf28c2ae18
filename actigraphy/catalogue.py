"""The types of data that devices and apps send as events: keys, units, plausible ranges, and whose consent they need.

Everything that is not in this table is refused by name. No database.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from actigraphy.channels import CHANNELS, Channel

#: Streams of consent (:class:`patients.models.ConsentStream`) by their values.
MOVEMENT, HEART, BODY = "actigraphy", "heart", "body"


class Form(StrEnum):
    """How a type is kept."""

    SIGNAL = "signal"  # samples of a channel, packed by day
    POINT = "point"  # a row at a moment
    SLEEP = "sleep"  # a row with start, end and stages
    STATUS = "status"  # a row in which a device says something of itself


@dataclass(frozen=True, slots=True)
class Key:
    """One number in ``data``; ``low`` and ``high`` bound what is taken. ``channel`` is where a signal's is kept."""

    name: str
    unit: str
    ucum: str
    low: float
    high: float
    decimals: int
    channel: str = ""

    @classmethod
    def of(cls, name: str, channel: str) -> Key:
        """The key that fills a channel, with its unit and range."""
        it: Channel = CHANNELS[channel]
        return cls(name, it.unit, it.ucum, it.low, it.high, it.decimals, channel)


@dataclass(frozen=True, slots=True)
class DataType:
    """One row of the catalogue.

    ``grid_s``: a timestamp must be a multiple of so many seconds. ``any_of``: one key is enough, else all are needed.
    """

    name: str
    label: str
    form: Form
    stream: str
    keys: tuple[Key, ...] = ()
    grid_s: int = 1
    any_of: bool = False

    @property
    def by_name(self) -> dict[str, Key]:
        """Its keys by their names."""
        return {key.name: key for key in self.keys}


class DeviceStatus(StrEnum):
    """What a device may say of itself."""

    WORN = "worn"
    OFF_WRIST = "off_wrist"
    BATTERY_EMPTY = "battery_empty"
    PERMISSION_WITHDRAWN = "permission_withdrawn"
    PERMISSION_GIVEN = "permission_given"


STAGES: Final = ("awake", "light", "deep", "rem", "asleep", "in_bed")
LONGEST_H: Final = MappingProxyType({"sleep": 24, "nap": 6})


def _signal(name: str, label: str, stream: str, *keys: Key, grid_s: int = 1, any_of: bool = False) -> DataType:
    return DataType(name, label, Form.SIGNAL, stream, keys, grid_s, any_of)


TYPES: Final = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            # Counts and steps of the minute that begins at the timestamp: so they can be added and analyzed.
            _signal("activity", "Activity", MOVEMENT, Key.of("counts", "activity"), grid_s=60),
            _signal("steps", "Steps", MOVEMENT, Key.of("count", "steps"), grid_s=60),
            _signal("light", "Light", MOVEMENT, Key.of("lux", "light")),
            _signal("heart_rate", "Heart rate", HEART, Key.of("bpm", "heart_rate")),
            _signal(
                "hrv", "Heart rate variability", HEART,
                Key.of("rmssd_ms", "hrv_rmssd"), Key.of("sdnn_ms", "hrv_sdnn"), any_of=True,
            ),
            _signal("spo2", "Oxygen saturation", BODY, Key.of("percent", "spo2")),
            _signal("respiratory_rate", "Respiratory rate", BODY, Key.of("per_min", "respiratory_rate")),
            _signal("skin_temperature", "Skin temperature", BODY, Key.of("celsius", "skin_temperature")),
            DataType("weight", "Weight", Form.POINT, BODY, (Key("kg", "kg", "kg", 2, 500, 3),)),
            DataType(
                "blood_pressure", "Blood pressure", Form.POINT, HEART,
                (Key("systolic", "mmHg", "mm[Hg]", 40, 300, 1), Key("diastolic", "mmHg", "mm[Hg]", 20, 200, 1)),
            ),
            DataType(
                "body_temperature", "Body temperature", Form.POINT, BODY, (Key("celsius", "°C", "Cel", 25, 45, 2),)
            ),
            DataType("sleep", "Sleep", Form.SLEEP, MOVEMENT),
            DataType("nap", "Nap", Form.SLEEP, MOVEMENT),
            DataType("device_status", "State of the device", Form.STATUS, MOVEMENT),
        )
    }
)  # fmt: skip

#: What sends, as an event names it; recordings' devices are in :mod:`actigraphy.science.devices`.
SOURCES: Final = MappingProxyType(
    {
        "band": "Chest or arm band",
        "watch": "Watch",
        "ring": "Ring",
        "phone": "Phone",
        "scale": "Scale",
        "cuff": "Blood pressure monitor",
        "oximeter": "Oximeter",
        "bedside": "Bedside sensor",
        "device": "Device",
    }
)

#: The stream of consent of each channel; what only recordings have is movement.
CHANNEL_STREAMS: Final = MappingProxyType(
    dict.fromkeys(CHANNELS, MOVEMENT)
    | {key.channel: kind.stream for kind in TYPES.values() for key in kind.keys if key.channel}
)
#: And of each type that is kept as rows.
READING_STREAMS: Final = MappingProxyType(
    {kind.name: kind.stream for kind in TYPES.values() if kind.form in (Form.POINT, Form.STATUS)}
)
#: The type that fills a channel.
TYPE_OF_CHANNEL: Final = MappingProxyType(
    {key.channel: kind for kind in TYPES.values() for key in kind.keys if key.channel}
)


def label_of(kind: DataType, key: Key) -> str:
    """One key of a type, in words."""
    return kind.label if len(kind.keys) == 1 else f"{kind.label}, {key.name.split('_')[0].upper()}"
