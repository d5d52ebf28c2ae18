"""The recording that several benchmarks read."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from novamind.simulator import Persona, simulate, write_awd

REAL = Path(__file__).resolve().parents[1] / ".." / "shared" / "data" / "actiwatch" / "example_01.AWD"


def two_weeks() -> tuple[str, bytes]:
    """(what it is, bytes) of an Actiwatch file of about two weeks of minutes: a real one where it is at hand."""
    if REAL.is_file():
        return "example_01.AWD", REAL.read_bytes()
    return "synthetic AWD", synthetic(15)


def synthetic(days: int, seed: int = 3) -> bytes:
    """A synthetic Actiwatch file."""
    return write_awd(simulate(Persona.draw(seed), start=date(2024, 1, 8), days=days))
