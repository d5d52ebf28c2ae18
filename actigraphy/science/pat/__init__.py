"""PAT, the Pretrained Actigraphy Transformer: a week of activity in, a 96-number embedding out.

PAT out of the box predicts nothing clinical; it describes a week. Its weights are supplied by the operator and never
replaced by random ones; its input has to be normalised against a reference cohort of the same device. Where either is
missing the result is an abstention. Importing this package loads neither Keras nor TensorFlow nor ONNX Runtime.

References
----------
Ruan et al. (2024) arXiv:2411.15240; code and weights: njacobsonlab/Pretrained-Actigraphy-Transformer (CC BY 4.0).
"""

from .architecture import EMBEDDING, SIZES, WEEK_MIN, PatSize
from .control import untrained_weights
from .decoder import DecoderFile, decoder_bytes, load_decoder
from .embedding import Encoder
from .engines import ENGINES, has_gpu
from .reconstruction import Reconstructor, compare
from .reference import CohortError, ReferenceCohort, build_cohort, cohort_bytes, load_cohort
from .weeks import cut_weeks, week_starts, weeks_apart
from .weights import PUBLISHED, WeightsError, WeightsFile, identify, load_weights, weights_bytes

__all__ = [
    "EMBEDDING",
    "ENGINES",
    "PUBLISHED",
    "SIZES",
    "WEEK_MIN",
    "CohortError",
    "DecoderFile",
    "Encoder",
    "PatSize",
    "Reconstructor",
    "ReferenceCohort",
    "WeightsError",
    "WeightsFile",
    "build_cohort",
    "cohort_bytes",
    "compare",
    "cut_weeks",
    "decoder_bytes",
    "has_gpu",
    "identify",
    "load_cohort",
    "load_decoder",
    "load_weights",
    "untrained_weights",
    "week_starts",
    "weeks_apart",
    "weights_bytes",
]
