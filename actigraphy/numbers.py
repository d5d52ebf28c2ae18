"""The numbers of a recording by name: what the API calls them, what a page says of them, and their unit."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from actigraphy.channels import COUNTS
from novamind.display import CLOCK


@dataclass(frozen=True, slots=True)
class RhythmNumber:
    """One rest-activity number; ``key`` is its name in :mod:`actigraphy.science.pipeline`."""

    key: str
    label: str
    unit: str
    what: str


#: Name in the API and in ``manage.py analyze`` -> the number, in the order of the page.
RHYTHM: Final = MappingProxyType(
    {
        "interdaily_stability": RhythmNumber(
            "IS", "Interdaily stability (IS)", "", "How alike the days are: 0 no daily rhythm, 1 identical days."
        ),
        "intradaily_variability": RhythmNumber(
            "IV",
            "Intradaily variability (IV)",
            "",
            "How often rest and activity alternate within a day; near 0 for a smooth curve, about 2 for noise.",
        ),
        "relative_amplitude": RhythmNumber(
            "RA", "Relative amplitude (RA)", "", "Contrast of the active and the quiet part of the day, 0 to 1."
        ),
        "l5": RhythmNumber("L5", "L5 level", COUNTS, "Mean activity of the quietest 5 hours of the average day."),
        "l5_onset": RhythmNumber("L5_onset_h", "L5 onset", CLOCK, "When the quietest 5 hours begin."),
        "m10": RhythmNumber(
            "M10", "M10 level", COUNTS, "Mean activity of the most active 10 hours of the average day."
        ),
        "m10_onset": RhythmNumber("M10_onset_h", "M10 onset", CLOCK, "When the most active 10 hours begin."),
        "mesor": RhythmNumber("mesor", "Mesor", COUNTS, "Mean level of the fitted 24-hour cosine."),
        "amplitude": RhythmNumber("amplitude", "Amplitude", COUNTS, "Half the swing of the fitted 24-hour cosine."),
        "acrophase_h": RhythmNumber("acrophase_h", "Acrophase", CLOCK, "When the fitted 24-hour cosine peaks."),
        "sleep_regularity_index": RhythmNumber(
            "SRI",
            "Sleep regularity index (SRI)",
            "",
            "Chance, rescaled so that 100 is certain, of being in the same state 24 hours apart.",
        ),
        "up_mesor_h": RhythmNumber(
            "up_mesor_h", "Activity begins", CLOCK, "When the fitted daily curve, square where life is, rises to half."
        ),
        "down_mesor_h": RhythmNumber(
            "down_mesor_h", "Activity ends", CLOCK, "When the fitted daily curve falls to half."
        ),
        "rhythmicity": RhythmNumber(
            "pseudo_f", "Fit of the daily curve (pseudo-F)", "", "How much better than a cosine the curve fits."
        ),
        "period_chi_square_h": RhythmNumber(
            "period_chi2_h", "Period (chi-square)", "h", "At what length the days are most alike, 18 to 30 h."
        ),
        "period_lomb_scargle_h": RhythmNumber(
            "period_ls_h", "Period (Lomb-Scargle)", "h", "The length of the sine that fits best, 18 to 30 h."
        ),
        "fluctuation_exponent": RhythmNumber(
            "dfa_alpha",
            "Fluctuation exponent",
            "",
            "Detrended fluctuation analysis: 0.5 noise, 1 most complex, 1.5 a walk.",
        ),
        "fluctuation_exponent_short": RhythmNumber(
            "dfa_short", "Fluctuation exponent to 90 min", "", "The same over windows of up to 90 minutes."
        ),
        "fluctuation_exponent_long": RhythmNumber(
            "dfa_long", "Fluctuation exponent 2 to 10 h", "", "The same over windows of 2 to 10 hours."
        ),
        "rest_to_active": RhythmNumber(
            "rest_to_active",
            "Rest to activity",
            "per min",
            "Chance that an active minute follows one at rest.",
        ),
        "active_to_rest": RhythmNumber(
            "active_to_rest", "Activity to rest", "per min", "Chance that a minute at rest follows an active one."
        ),
        "social_jetlag_h": RhythmNumber(
            "social_jetlag_h",
            "Social jetlag",
            "h",
            "How far midsleep before Saturday and Sunday lies from midsleep before the other days.",
        ),
    }
)

#: The numbers of a night, by column of :class:`actigraphy.models.Night`: name in the science, label, unit.
NIGHT: Final = MappingProxyType(
    {
        "tst_min": ("tst_min", "Total sleep time", "min"),
        "sol_min": ("sol_min", "Sleep onset latency", "min"),
        "waso_min": ("waso_min", "Wake after sleep onset", "min"),
        "efficiency": ("efficiency", "Sleep efficiency", "%"),
        "midsleep": ("midsleep_h", "Midsleep", CLOCK),
        "awakenings": ("awakenings", "Awakenings", "count"),
    }
)
