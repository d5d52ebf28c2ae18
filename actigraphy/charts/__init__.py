"""The charts of the Actigraphy page. Arrays in, plain Plotly figure dicts out."""

from actigraphy.charts.actogram import actogram
from actigraphy.charts.day_row import DayRow, RestBar
from actigraphy.charts.mean_day import MeanDay, Stretch, profile
from actigraphy.charts.own_weeks import own_weeks
from actigraphy.charts.trend import Series, running_median, trend

__all__ = [
    "DayRow",
    "MeanDay",
    "RestBar",
    "Series",
    "Stretch",
    "actogram",
    "own_weeks",
    "profile",
    "running_median",
    "trend",
]
