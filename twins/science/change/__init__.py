"""What has changed: a person's last weeks against the weeks before, with a set load of false alerts."""

from twins.science.change.departure import (
    BASELINE_DAYS,
    LATELY_DAYS,
    LEAST_BASELINE,
    LEAST_LATELY,
    STALE_AFTER,
    WINDOW_DAYS,
    Departure,
    Watched,
    watch,
)
from twins.science.change.sums import QUARTER_DAYS, average_run_length, limit_for, normal_scores, sums

__all__ = [
    "BASELINE_DAYS",
    "LATELY_DAYS",
    "LEAST_BASELINE",
    "LEAST_LATELY",
    "QUARTER_DAYS",
    "STALE_AFTER",
    "WINDOW_DAYS",
    "Departure",
    "Watched",
    "average_run_length",
    "limit_for",
    "normal_scores",
    "sums",
    "watch",
]
