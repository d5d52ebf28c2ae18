"""Finds what identifies a person in a text: own identifiers, patterns, names. Pure Python, no Django."""

from novamind.phi.detection.finding import LAYERS, LayerFailed, find
from novamind.phi.detection.known import Identifiers
from novamind.phi.detection.spans import Kind, Level, Span

__all__ = ["LAYERS", "Identifiers", "Kind", "LayerFailed", "Level", "Span", "find"]
