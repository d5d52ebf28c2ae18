"""Files of synthetic patients: the form of a real device, the clock of a real zone."""

from datetime import date, datetime, timedelta

import numpy as np
import pytest

from novamind.simulator import ALL, Persona, simulate, write_awd, write_depresjon_csv

SPRING, AUTUMN = date(2024, 3, 30), date(2024, 10, 26)  # the clocks of Oslo change in the second night
WHOLE = ALL.without("missing")


def patient(start, days=3, **known):
    return simulate(Persona.draw(13, **({"zone": "Europe/Oslo"} | known)), start=start, days=days, effects=WHOLE)


def rows(content):
    lines = content.decode("ascii").splitlines()
    assert lines[0] == "timestamp,date,activity"
    cells = [line.split(",") for line in lines[1:]]
    return [datetime.fromisoformat(stamp) for stamp, _, _ in cells], [int(count) for _, _, count in cells]


@pytest.mark.parametrize(("start", "hours"), [(SPRING, 71), (AUTUMN, 73)])
def test_days_of_a_clock_change_have_23_and_25_hours(start, hours):
    assert len(patient(start).counts) == 60 * hours


def test_in_spring_the_written_stamps_skip_an_hour():
    stamps, _ = rows(write_depresjon_csv(patient(SPRING)))
    steps = np.diff(stamps)
    jump = np.flatnonzero(steps != timedelta(minutes=1))
    assert len(jump) == 1
    assert stamps[jump[0]] == datetime(2024, 3, 31, 1, 59)
    assert stamps[jump[0] + 1] == datetime(2024, 3, 31, 3, 0)


def test_in_autumn_the_written_stamps_repeat_an_hour():
    stamps, _ = rows(write_depresjon_csv(patient(AUTUMN)))
    assert sum(stamp == datetime(2024, 10, 27, 2, 30) for stamp in stamps) == 2
    back = np.flatnonzero(np.diff(stamps) < timedelta(0))
    assert [stamps[i] for i in back] == [datetime(2024, 10, 27, 2, 59)]


@pytest.mark.parametrize("start", [SPRING, AUTUMN])
def test_written_counts_are_the_counts(start):
    p = patient(start)
    assert np.array_equal(rows(write_depresjon_csv(p))[1], p.counts)


@pytest.mark.parametrize("start", [date(2024, 3, 24), date(2024, 10, 20)])
def test_people_get_up_by_the_wall_clock_on_both_sides_of_a_clock_change(start):
    p = patient(start, days=15, kind="none", alarm_h=6.0, shift_worker=False, insomnia=False, sleep_need=1.5)
    offsets = {True: 2, False: 1} if start.month == 3 else {True: 1, False: 2}
    changed = p.truth.nights.offset_s > p.utc_s[7 * 1440]
    workdays = np.arange(16) % 7 >= 2  # Tuesday to Saturday mornings would be 2-6; the first day is a Sunday
    local = (p.truth.nights.offset_s / 3600 + np.where(changed, offsets[True], offsets[False])) % 24
    assert np.median(local[workdays & changed]) == pytest.approx(6.0, abs=0.3)
    assert np.median(local[workdays & ~changed]) == pytest.approx(6.0, abs=0.3)


def test_true_sleep_lengths_are_elapsed_time_in_the_night_of_a_clock_change():
    for start in (SPRING, AUTUMN):
        p = patient(start)
        night = p.truth.nights
        assert night.evening[2] == start + timedelta(days=1)
        within = (p.utc_s >= night.onset_s[1]) & (p.utc_s < night.offset_s[1])
        assert within.sum() / 60 == pytest.approx(night.tst_h[1] + night.waso_h[1])


def test_minutes_without_a_sample_have_no_row():
    p = simulate(Persona.draw(13), start=SPRING, days=3)
    p.counts[100:200] = np.nan
    assert len(rows(write_depresjon_csv(p))[0]) == np.isfinite(p.counts).sum()


def test_an_awd_says_that_it_is_synthetic_and_runs_by_elapsed_time():
    p = patient(AUTUMN, sex="female")
    lines = write_awd(p).decode("ascii").split("\r\n")
    assert lines[0] == "SYNTHETIC 13"
    assert lines[1:4] == ["26-Oct-2024", "00:00", " 4 "]
    assert lines[6] == "F"
    assert lines[-1] == ""
    assert np.array_equal([int(line) for line in lines[7:-1]], p.counts)


def test_the_same_patient_writes_the_same_bytes():
    assert write_depresjon_csv(patient(SPRING)) == write_depresjon_csv(patient(SPRING))
    assert write_awd(patient(SPRING)) == write_awd(patient(SPRING))


@pytest.mark.data
def test_a_written_csv_has_the_form_of_a_real_one(shared_data):
    real = (shared_data / "depresjon" / "control" / "control_1.csv").read_bytes()
    written = write_depresjon_csv(patient(SPRING))
    assert written.split(b"\n")[0] == real.split(b"\n")[0].rstrip(b"\r")
    assert len(written.split(b"\n")[1].split(b",")[0]) == len(real.split(b"\n")[1].split(b",")[0])


@pytest.mark.data
def test_a_written_awd_has_the_form_of_a_real_one(shared_data):
    real = (shared_data / "actiwatch" / "example_01.AWD").read_bytes().split(b"\r\n")
    written = write_awd(patient(SPRING)).split(b"\r\n")
    assert [len(line) for line in written[1:5]] == [len(line) for line in real[1:5]]
