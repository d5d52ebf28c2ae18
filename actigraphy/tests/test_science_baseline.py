"""The own baseline, against numbers worked out by hand."""

import numpy as np
import pytest

from actigraphy.science.baseline import own_baseline
from novamind.measures import Abstained


def test_the_baseline_is_the_median_and_scaled_mad_of_the_first_measured_nights() -> None:
    first = [400.0, np.nan, 410, 420, 430, 440]  # median 420, deviations 20 10 0 10 20: MAD 10
    low, high = own_baseline(np.array([*first, 900, 900, 900, 900, 900]), nights=5)
    assert (low, high) == pytest.approx((420 - 14.826, 420 + 14.826))


def test_a_band_that_would_only_describe_itself_is_not_given() -> None:
    with pytest.raises(Abstained) as why:
        own_baseline(np.full(27, 400.0))
    assert (why.value.code, why.value.needed, why.value.got) == ("too_few_nights", 28, 27)
