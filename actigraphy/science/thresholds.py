"""How much data a number needs: the one table of thresholds for recordings.

Every abstention in this package quotes a value from here.
"""

from typing import Final

#: A local day counts as valid when it was worn at least this long, hours.
VALID_DAY_WORN_H: Final = 16.0
#: IS, IV, L5, M10, RA and the cosinor need this many valid days.
RHYTHM_VALID_DAYS: Final = 5
#: The sleep regularity index needs pairs 24 h apart worth this many days.
SRI_OVERLAPPING_DAYS: Final = 5.0
#: A period estimate needs this many valid days.
PERIOD_VALID_DAYS: Final = 10
#: Fluctuation analysis needs this many days without a gap.
FLUCTUATION_UNBROKEN_DAYS: Final = 5.0
#: Social jetlag needs this many measured nights before work days, and before free days.
SOCIAL_JETLAG_NIGHTS: Final = (3, 2)
#: A week for PAT is this many consecutive days, each of at least ``VALID_DAY_WORN_H``.
PAT_WEEK_DAYS: Final = 7

#: A night (local noon to noon) counts when it was worn at least this long, hours: GGIR's ``includenightcrit``.
VALID_NIGHT_WORN_H: Final = 16.0
#: Share of the main rest period that must have been worn and scored.
REST_WORN_SHARE: Final = 0.9
#: A main rest period shorter than this is not one, minutes.
MAIN_REST_MIN: Final = 120
#: A main rest period longer than this is flagged ``long_rest``, minutes: hypersomnia, or a watch laid aside.
LONG_REST_MIN: Final = 12 * 60
#: No rest period is longer than this, minutes: a longer stretch is split at its most active part.
REST_AT_MOST_MIN: Final = 18 * 60
#: A further rest period (nap) is at least this long, minutes.
NAP_MIN: Final = 30

#: Zero counts for this long outside a rest period are non-wear (wrist), minutes.
ZERO_RUN_MIN: Final = 180
#: Zero counts for this long are non-wear wherever they fall, minutes. The longest stretch at or below 20 counts inside
#: a night worn, among the 688 nights of 55 wrist recordings (Depresjon), is 238 minutes (172 of zeros); the next longer
#: ones, 363 minutes and up, are watches laid aside.
IMPLAUSIBLE_STILLNESS_MIN: Final = 300
#: Rest that meets a stretch not worn of ``ZERO_RUN_MIN`` within this time may belong to it, minutes: nobody wears a
#: watch up to the minute at which it has lain still for hours.
LAID_ASIDE_TOUCHES_MIN: Final = 15
#: ... and does where bouts of movement are rarer than this share of the same person's usual. In the 55 recordings, rest
#: that meets non-wear has 0 to 0.5 of the usual rate (a watch laid aside, now and then pushed) or 0.7 to 1.3 (sleep);
#: four that hold a night and then hours on a table lie between.
LAID_ASIDE_MOVEMENT: Final = 0.5
#: ... by at least this many bouts in all. Over 150 simulated people of 21 nights, true sleep beside a gap reaches 4.3.
LAID_ASIDE_BOUTS: Final = 5.0
#: A person's usual rate of movement in rest is the median of at least this many other main rest periods.
USUAL_MOVEMENT_NIGHTS: Final = 3

#: The same count, above ``FILLED_ABOVE`` per minute, for this long was filled in by the exporting software, minutes.
FILLED_RUN_MIN: Final = 10
#: Counts per minute; below, an idle sensor may well repeat itself.
FILLED_ABOVE: Final = 20.0

#: A clock hour has a mean when at least this share of it was worn.
HOUR_WORN_SHARE: Final = 0.5

#: The first nights that make a person's own baseline.
BASELINE_NIGHTS: Final = 14

#: Sleep features of a head need this many valid nights.
HEAD_NIGHTS: Final = 3
#: A head answers nothing where more than this share of the circadian features is missing.
HEAD_MISSING_SHARE: Final = 0.25
#: Where no week is whole (see ``PAT_WEEK_DAYS``), a head reads one that was worn at least this long, minutes: as much
#: as five days hold, for the rhythm's reason.
PARTIAL_WEEK_WORN_MIN: Final = RHYTHM_VALID_DAYS * 24 * 60
