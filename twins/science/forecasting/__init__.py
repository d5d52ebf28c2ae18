"""What comes next: daily scores of one person, 14 days ahead, with intervals that were measured.

Baselines need numpy, the trees XGBoost, training the transformer TensorFlow; neither is imported with this package.
"""

from .evaluation import Judged, evaluate, judge
from .fitting import fit
from .forecaster import BASELINES, MODELS, Forecast, Forecaster, forecaster_bytes, load_forecaster
from .panel import HORIZON, Panel, PanelError, Scale, read_table
from .reliability import FROM_POINTS, LEAST_POINTS, reliability
from .transformer import PRESETS, Preset
from .trees import ModelError

__all__ = [
    "BASELINES",
    "FROM_POINTS",
    "HORIZON",
    "LEAST_POINTS",
    "MODELS",
    "PRESETS",
    "Forecast",
    "Forecaster",
    "Judged",
    "ModelError",
    "Panel",
    "PanelError",
    "Preset",
    "Scale",
    "evaluate",
    "fit",
    "forecaster_bytes",
    "judge",
    "load_forecaster",
    "read_table",
    "reliability",
]
