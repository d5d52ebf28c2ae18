"""How numbers are written."""

from datetime import date

import pytest

from novamind import display


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        (432.4, "min", "7 h 12 min"),
        (419.7, "min", "7 h 00 min"),
        (38, "min", "38 min"),
        (-38, "min", "\u221238 min"),
        (-0.2, "min", "0 min"),
        (-0.5, "clock", "23:30"),
        (23.6875, "clock", "23:41"),
        (24.0, "clock", "00:00"),
        (23.9999, "clock", "00:00"),
        (62.4, "%", "62 %"),
        (3.21, "%", "3.2 %"),
        (0, "%", "0 %"),
        (0.5312, "", "0.53"),
        (-0.5312, "", "\u22120.53"),
        (1.234, "", "1.23"),
        (0.0123456, "", "0.0123"),
        (24.16, "h", "24.2 h"),
        (312.4, "counts/min", "312 counts/min"),
        (12345.6, "counts/min", "12\u202f346 counts/min"),
        (14, "count", "14"),
        (21, "nights", "21 nights"),
    ],
)
def test_a_value_is_written_as_its_unit_asks(value, unit, written):
    assert display.in_words(value, unit) == written


def test_a_day_of_the_month_has_no_leading_zero():
    assert display.day(date(2027, 5, 3)) == "Mon 3 May 2027"
    assert display.short_day(date(2027, 5, 3)) == "Mon 3 May"
