"""What moves with what: lagged correlation of daily biometrics with a daily symptom."""

from twins.science.correlation.lagged import (
    FALSE_DISCOVERIES,
    MOST_LAG,
    Lagged,
    correlate,
    judged_together,
    missing_with,
)
from twins.science.correlation.whitening import Whitened, whiten

__all__ = [
    "FALSE_DISCOVERIES",
    "MOST_LAG",
    "Lagged",
    "Whitened",
    "correlate",
    "judged_together",
    "missing_with",
    "whiten",
]
