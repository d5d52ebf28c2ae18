"""The folder that stands in for Redis, and the settings that faults taught us."""

from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace

import pytest
from kombu import Connection
from kombu.transport.filesystem import Empty

from novamind.celery import configuration

SETTINGS = {"JOB_TIME_LIMIT_S": 900, "TICK_S": 10.0, "BROKER_DIR": "/tmp/never-used", "REDIS_URL": ""}


def channel(folder: Path):
    options = {"data_folder_in": str(folder), "data_folder_out": str(folder), "control_folder": str(folder)}
    return Connection("localhost", transport="novamind.jobs.transport.Transport", transport_options=options).channel()


def test_a_message_arrives_once_and_leaves_nothing_behind(tmp_path):
    queue = channel(tmp_path / "broker")
    queue._put("default", {"body": "1"})
    assert queue._size("default") == 1
    assert queue._get("default") == {"body": "1"}
    assert list((tmp_path / "broker").iterdir()) == []
    with pytest.raises(Empty):
        queue._get("default")


def test_messages_arrive_in_order_and_only_from_their_own_queue(tmp_path):
    queue = channel(tmp_path)
    for number in range(20):
        queue._put("default" if number % 2 else "ml", {"n": number})
    assert [queue._get("default")["n"] for _ in range(10)] == list(range(1, 20, 2))
    assert queue._size("ml") == 10


def test_a_half_written_message_is_not_seen_and_a_broken_one_is_passed_over(tmp_path):
    queue = channel(tmp_path)
    (tmp_path / ".1_half.default.msg").write_text('{"n"')
    (tmp_path / "0_broken.default.msg").write_text("")
    queue._put("default", {"n": 1})
    assert queue._get("default") == {"n": 1}


def _take_all(folder: str, taken) -> None:
    queue = channel(Path(folder))
    while True:
        try:
            taken.put(queue._get("default")["n"])
        except Empty:
            return


@pytest.mark.slow
def test_no_two_workers_take_the_same_message(tmp_path):
    queue = channel(tmp_path)
    for number in range(300):
        queue._put("default", {"n": number})
    context = get_context("spawn")
    taken = context.Queue()
    workers = [context.Process(target=_take_all, args=(str(tmp_path), taken)) for _ in range(3)]
    for worker in workers:
        worker.start()
    numbers = [taken.get(timeout=60) for _ in range(300)]
    for worker in workers:
        worker.join()
    assert sorted(numbers) == list(range(300))


def test_a_running_job_outlasts_no_visibility_timeout():
    found = configuration(SimpleNamespace(**SETTINGS | {"REDIS_URL": "redis://localhost/0"}))
    visible = found["broker_transport_options"]["visibility_timeout"]
    assert visible == found["visibility_timeout"] == found["result_backend_transport_options"]["visibility_timeout"]
    assert visible > 2 * found["task_time_limit"]


def test_messages_are_acknowledged_late_and_hold_json_only():
    found = configuration(SimpleNamespace(**SETTINGS))
    assert found["task_acks_late"]
    assert found["task_reject_on_worker_lost"]
    assert found["worker_prefetch_multiplier"] == 1
    assert found["accept_content"] == ["json"]
    assert found["task_ignore_result"]


def test_an_encrypted_redis_has_its_certificate_checked():
    found = configuration(SimpleNamespace(**SETTINGS | {"REDIS_URL": "rediss://redis:6380/0"}))
    assert found["broker_use_ssl"]["ssl_cert_reqs"].name == "CERT_REQUIRED"


def test_one_beat_entry_and_one_task():
    from novamind.celery import app

    app.loader.import_default_modules()
    assert list(configuration(SimpleNamespace(**SETTINGS))["beat_schedule"]) == ["tick"]
    assert [name for name in app.tasks if not name.startswith("celery.")] == ["novamind.jobs.run"]
