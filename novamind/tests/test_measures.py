"""A number or the reason why there is none; nothing between."""

from __future__ import annotations

import copy
import math
import pickle
import re
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novamind.measures import REASONS, Abstained, Measure, Window

CODES = (
    "too_few_days too_few_nights too_little_wear not_known_worn too_few_pairs too_few_people too_few_inputs "
    "items_missing no_total no_variation no_weights weights_mismatch no_reference_cohort unsupported_device "
    "not_promoted not_tested not_an_estimate set_for_all indeterminate consent_withheld stale not_kept waiting failed"
).split()
NUMBERS = st.none() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False)


def test_the_catalogue_is_the_one_of_the_design():
    assert list(REASONS) == CODES


@given(code=st.sampled_from(CODES), needed=NUMBERS, got=NUMBERS, what=st.none() | st.text(max_size=20))
def test_every_abstention_is_a_sentence_and_survives_storage(code, needed, got, what):
    abstained = Abstained(code, needed=needed, got=got, what=what)
    assert abstained.reason
    assert "None" not in abstained.reason.replace(what or "", "")
    if not what:
        assert not re.search(r"[{}]", abstained.reason)
    assert Abstained.from_json(abstained.as_json()) == abstained
    assert hash(Abstained.from_json(abstained.as_json())) == hash(abstained)


def test_a_reason_carries_its_numbers_where_they_are_known():
    assert Abstained("too_few_days", needed=5, got=3).reason == "3 valid days; 5 needed"
    assert Abstained("too_few_days").reason == "too few valid days"
    assert Abstained("too_few_days", needed=5, got=0).reason == "0 valid days; 5 needed"


def test_a_code_that_nobody_can_read_is_a_bug():
    with pytest.raises(KeyError):
        Abstained("because")


def test_an_abstention_is_copied_and_sent_between_processes_whole():
    abstained = Abstained("too_little_wear", needed=16, got=4.5, what="watch")
    assert copy.copy(abstained) == abstained
    assert pickle.loads(pickle.dumps(abstained)) == abstained


def test_a_measure_is_never_nan():
    with pytest.raises(ValueError, match="raise Abstained"):
        Measure(math.nan, "min", "Oakley")


def test_a_window_has_aware_ends():
    Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
    with pytest.raises(ValueError, match="aware"):
        Window(datetime(2026, 1, 1), datetime(2026, 1, 2, tzinfo=UTC))


def test_two_measures_are_equal_whatever_row_holds_them():
    assert Measure(1.0, "min", "m", record_id=uuid4()) == Measure(1.0, "min", "m", record_id=uuid4())
    assert Measure(1.0, "min", "m") != Measure(1.0, "h", "m")
