"""Requests to analyze, as apps and devices send them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from novamind.simulator import ALL, Persona, simulate

ANALYZE = "/api/v1/actigraphy/analyze"
START = datetime(2026, 2, 2, 11, tzinfo=UTC)
LIVED = simulate(Persona.draw(3, zone="Europe/Oslo"), start=date(2026, 2, 2), days=6, effects=ALL.without("missing"))
COUNTS = [int(value) for value in LIVED.counts]


def lists(**more: Any) -> dict[str, Any]:
    return {
        "start_time": datetime.fromtimestamp(int(LIVED.utc_s[0]), UTC).isoformat(),
        "sampling_rate_hz": 1 / 60,
        "readings": {"counts": COUNTS},
        "device_info": {"type": "actiwatch", "model": "AW4"},
        **more,
    }


def rows(n: int = 180, **more: Any) -> list[dict[str, Any]]:
    at = (START + timedelta(minutes=minute) for minute in range(n))
    return [{"timestamp": moment.isoformat(), "counts": minute % 50, **more} for minute, moment in enumerate(at)]


def moving(seconds: int, rate_hz: int = 30) -> dict[str, Any]:
    t = np.arange(seconds * rate_hz) / rate_hz
    x, y, z = np.round(0.4 * np.sin(2 * np.pi * t), 3), np.round(np.sin(2 * np.pi * 1.3 * t), 3), 0 * t + 1
    return {"x": x.tolist(), "y": y.tolist(), "z": z.tolist()}


def send(client: Any, patient: Any, body: dict[str, Any], **headers: str) -> Any:
    sent = json.dumps({"patient_id": str(patient.pk)} | body)
    return client.post(ANALYZE, sent, content_type="application/json", headers=headers)
