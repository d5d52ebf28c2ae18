"""What if: a patient's daily mood as a small generative model, fitted to their days, and run with one thing changed."""

from twins.science.whatif.fitting import LEAST_DAYS, MOST_AT_AN_END, Fitted, fit_person
from twins.science.whatif.running import LEAST_LIKE, Difference, difference

__all__ = ["LEAST_DAYS", "LEAST_LIKE", "MOST_AT_AN_END", "Difference", "Fitted", "difference", "fit_person"]
