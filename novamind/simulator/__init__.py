"""Synthetic patients with known truth: the one source of invented people in Novamind.

Everything made here is labelled SYNTHETIC and must never be mistaken for data.
"""

from novamind.simulator.courses import Courses, simulate_courses
from novamind.simulator.daily import DailyCohort, simulate_daily
from novamind.simulator.effects import ALL, Effects
from novamind.simulator.patient import SimulatedPatient, simulate
from novamind.simulator.persona import Persona, Trip
from novamind.simulator.writers import write_awd, write_depresjon_csv

__all__ = [
    "ALL",
    "Courses",
    "DailyCohort",
    "Effects",
    "Persona",
    "SimulatedPatient",
    "Trip",
    "simulate",
    "simulate_courses",
    "simulate_daily",
    "write_awd",
    "write_depresjon_csv",
]
