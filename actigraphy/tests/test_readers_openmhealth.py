"""Data points of Open mHealth are read as they were written; asks no database."""

from __future__ import annotations

from typing import Any

import pytest

from actigraphy.tests.export_vendors import document, fuzz, nights, packed, points, read, samples

AT = {"date_time": "2026-02-02T07:25:00+01:00"}
NIGHT = {
    "time_interval": {"start_date_time": "2026-02-01T23:00:00+01:00", "end_date_time": "2026-02-02T06:00:00+01:00"}
}


def point(schema: str, frame: dict[str, Any], namespace: str = "omh", **body: Any) -> dict[str, Any]:
    """A data point as the schemas say."""
    return {
        "header": {
            "id": "243c773b-8936-407e-9c23-270d0ea49cc4", "creation_date_time": "2026-02-03T12:43:39.138+01:00",
            "acquisition_provenance": {"source_name": "Ada's watch", "modality": "sensed"},
            "schema_id": {"namespace": namespace, "name": schema, "version": "1.0"},
        },
        "body": {"effective_time_frame": frame} | body,
    }  # fmt: skip


HEART = point("heart-rate", AT, heart_rate={"value": 50, "unit": "beats/min"})


@pytest.mark.parametrize(
    ("schema", "channel", "field", "value", "unit", "expected"),
    [
        ("heart-rate", "heart_rate", "heart_rate", 50, "beats/min", 50),
        ("oxygen-saturation", "spo2", "oxygen_saturation", 96.5, "%", 96.5),
        ("respiratory-rate", "respiratory_rate", "respiratory_rate", 12.5, "breaths/min", 12.5),
    ],
)
def test_a_sample_stands_at_its_moment(schema, channel, field, value, unit, expected):
    taken = read(document([point(schema, AT, **{field: {"value": value, "unit": unit}})]), "open_mhealth")
    assert samples(taken, channel) == [("2026-02-02T06:25:00", expected)]
    assert [sender.device_id for sender, _ in taken.batch().columns] == ["Ada's watch"]


@pytest.mark.parametrize(
    ("value", "unit", "kg"), [(70.5, "kg", 70.5), (70500, "g", 70.5), (154, "lb", 69.853), (2400, "oz", 68.039)]
)
def test_a_weight_is_in_kilograms(value, unit, kg):
    taken = read(document([point("body-weight", AT, body_weight={"value": value, "unit": unit})]), "open_mhealth")
    assert points(taken) == [("weight", "2026-02-02T06:25:00", {"kg": pytest.approx(kg, abs=0.001)})]


def test_pressure_is_a_pair_and_temperature_in_celsius():
    pressure = point("blood-pressure", AT, systolic_blood_pressure={"value": 160, "unit": "mmHg"},
                     diastolic_blood_pressure={"value": 60, "unit": "mmHg"})  # fmt: skip
    warm = point("body-temperature", AT, body_temperature={"value": 97.7, "unit": "F"})
    assert [values for *_, values in points(read(document([pressure, warm]), "open_mhealth"))] == [
        {"systolic": 160, "diastolic": 60}, {"celsius": 36.5},
    ]  # fmt: skip


def test_steps_of_each_version_are_spread_over_their_time():
    frame = {"time_interval": {"start_date_time": "2026-02-02T09:00:00Z", "duration": {"value": 2, "unit": "min"}}}
    old = point("step-count", frame, step_count=100)
    new = point("step-count", frame, "ieee", step_count={"value": 20, "unit": "steps"})
    assert samples(read(document([old, new]), "open_mhealth"), "steps") == [
        ("2026-02-02T09:00:00", 60), ("2026-02-02T09:01:00", 60),
    ]  # fmt: skip


def test_an_episode_of_sleep_is_asleep_from_its_start_to_its_end():
    taken = read(document([point("sleep-episode", NIGHT, is_main_sleep=True)]), "open_mhealth")
    assert nights(taken) == [("2026-02-01T22:00:00", "2026-02-02T05:00:00", [["asleep", 0, 25_200]])]


def test_one_point_many_and_a_line_for_each_are_the_same():
    told = samples(read(document([HEART]), "open_mhealth"), "heart_rate")
    assert samples(read(document(HEART), "open_mhealth"), "heart_rate") == told
    assert samples(read(document(HEART) + b"\n" + document(HEART) + b"\n", "open_mhealth"), "heart_rate") == told * 2
    assert samples(read(packed({"points/a.json": document(HEART)}), "open_mhealth"), "heart_rate") == told


@pytest.mark.parametrize(
    ("changed", "left_out"),
    [
        (point("sleep-duration", NIGHT, sleep_duration={"value": 6, "unit": "h"}), ("other", "not_kept_here")),
        (point("heart-rate", AT, "other", heart_rate={"value": 50, "unit": "beats/min"}), ("other", "not_kept_here")),
        (point("heart-rate", AT, heart_rate={"value": 50, "unit": "Hz"}), ("heart_rate", "unknown_unit")),
        (point("heart-rate", AT, heart_rate={"value": "fast", "unit": "beats/min"}), ("heart_rate", "not_a_number")),
        (point("heart-rate", {"date_time": "2026-02-02"}, heart_rate={"value": 50, "unit": "beats/min"}),
         ("heart_rate", "wrong_time")),
        (point("heart-rate", AT, heart_rate={"value": 50, "unit": "beats/min"}, descriptive_statistic="maximum"),
         ("heart_rate", "not_kept_here")),
        (point("step-count", AT, step_count={"value": 9, "unit": "m"}), ("steps", "unknown_unit")),
        (point("step-count", NIGHT, step_count=9000), ("steps", "too_coarse")),
        (point("blood-pressure", AT, systolic_blood_pressure={"value": 160, "unit": "mmHg"}),
         ("blood_pressure", "half_a_pair")),
    ],
)  # fmt: skip
def test_what_cannot_be_true_is_left_out_by_name(changed, left_out):
    taken = read(document([HEART, changed]), "open_mhealth")
    assert dict(taken.left_out) == {left_out: 1}
    assert len(samples(taken, "heart_rate")) == 1


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_changed_only_a_named_error_escapes(seed):
    fuzz(document([HEART, point("sleep-episode", NIGHT), point("step-count", NIGHT, step_count=1)]), seed)


@pytest.mark.parametrize("odd", [["omh"], {"a": 1}])
def test_a_list_or_an_object_where_a_word_belongs_stops_nothing(odd):
    strange = [point("heart-rate", AT, namespace=odd), HEART | {"body": HEART["body"] | {"descriptive_statistic": odd}}]
    assert len(samples(read(document([*strange, HEART]), "open_mhealth"), "heart_rate")) == 1
