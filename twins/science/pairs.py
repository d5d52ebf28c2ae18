"""How many pairs of days stand behind a correlation: apart from the test, so that who shows it loads no statistics."""

from typing import Final

#: Below this many pairs of days nothing is said: a correlation of 0.35 would be found one time in twenty.
LEAST_PAIRS: Final = 30
#: Below this many a finding is called exploratory.
FIRM_PAIRS: Final = 60
