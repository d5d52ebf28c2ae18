"""What came of a course of a medicine: three targets, what is known on the day it starts, and trees that learn.

XGBoost is imported only where something is trained or asked, never with this package.
"""

from twins.science.treatment.charts import Chart, Condition, Course, Phenotype, Total, total_without_safety
from twins.science.treatment.features import NAMES, features_of
from twins.science.treatment.fitting import LEAST_PEOPLE, LEAST_RARER, Judged, Rows, TooFew, crossed, fit
from twins.science.treatment.model import ModelError, TreatmentModel, load_model, model_bytes, require_trees
from twins.science.treatment.targets import (
    INSTRUMENTS,
    LATER_DAYS,
    LEAST_BASELINE,
    TARGETS,
    Target,
    baseline_of,
    target_of,
)

__all__ = [
    "INSTRUMENTS",
    "LATER_DAYS",
    "LEAST_BASELINE",
    "LEAST_PEOPLE",
    "LEAST_RARER",
    "NAMES",
    "TARGETS",
    "Chart",
    "Condition",
    "Course",
    "Judged",
    "ModelError",
    "Phenotype",
    "Rows",
    "Target",
    "TooFew",
    "Total",
    "TreatmentModel",
    "baseline_of",
    "crossed",
    "features_of",
    "fit",
    "load_model",
    "model_bytes",
    "require_trees",
    "target_of",
    "total_without_safety",
]
