"""Heads: small models that say how likely a labelled outcome is, from a recording's rhythm, sleep and PAT embedding.

PAT predicts nothing by itself. A head is a regularised logistic regression on features that can be named, judged on
people it never saw, calibrated, and served from a JSON file only where encoder, cohort and device are those it was
trained on. Training needs scikit-learn, tuning the encoder TensorFlow; answering needs numpy. Neither is imported with
this package.
"""

from .evaluation import Recordings, evaluate, gather, make_folds
from .features import CIRCADIAN, FEATURE_SETS, NAMES, Features, FeatureSet, Material, features_of, material_of
from .head import Answer, Head, HeadError, head_bytes, load_head
from .production import Trained, train
from .training import Linear, TrainingError, fit

__all__ = [
    "CIRCADIAN",
    "FEATURE_SETS",
    "NAMES",
    "Answer",
    "FeatureSet",
    "Features",
    "Head",
    "HeadError",
    "Linear",
    "Material",
    "Recordings",
    "Trained",
    "TrainingError",
    "evaluate",
    "features_of",
    "fit",
    "gather",
    "head_bytes",
    "load_head",
    "make_folds",
    "material_of",
    "train",
]
