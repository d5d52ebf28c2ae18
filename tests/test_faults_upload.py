"""An acknowledged upload becomes exactly one analysis, whenever the worker is killed."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from novamind.simulator import Persona, simulate, write_awd
from tests.running import HANG_S, Demo

pytestmark = [pytest.mark.processes, pytest.mark.slow]

REPEATS = int(os.environ.get("FAULT_REPEATS", "3"))
LATEST_KILL_S = 0.8  # an analysis takes about half a second: kills fall before, within and after it


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    running = Demo(tmp_path_factory.mktemp("demo"))
    yield running
    running.stop()


def rows(demo: Demo, question: str, *values: str) -> int:
    """A count from the demo's database, read-only."""
    path = demo.folder / "var" / "novamind.sqlite3"
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=HANG_S)
    try:
        return int(connection.execute(question, values).fetchone()[0])
    finally:
        connection.close()


def recording_file(seed: int) -> bytes:
    return write_awd(simulate(Persona.draw(seed), start=date(2026, 3, 20), days=14))


def test_an_upload_survives_kill_9_of_the_worker_at_any_moment(demo: Demo) -> None:
    chance = random.Random(7)
    caller = demo.caller("ada.north@demo.novamind.test")
    _, patients = caller.get("/api/v1/patients")
    patient = patients["results"][0]["id"]
    for repeat in range(REPEATS):
        status, answer = caller.upload(patient, f"SYNTHETIC_{repeat}.awd", recording_file(9000 + repeat))
        assert status == 201, answer
        time.sleep(chance.uniform(0, LATEST_KILL_S))
        demo.kill_worker()

        def analyzed(url: str = answer["status_url"]) -> bool:
            caller.sign_in()
            return caller.get(url)[1]["status"] == "analyzed"

        demo.until(analyzed, within_s=HANG_S)
        source = "SELECT source_id FROM actigraphy_recording WHERE id = ?"
        key = answer["recording_id"].replace("-", "")
        assert rows(demo, f"SELECT count(*) FROM actigraphy_analysis WHERE source_id = ({source})", key) == 1
        nights = "SELECT count(*) FROM actigraphy_night WHERE analysis_id IN (SELECT id FROM actigraphy_analysis"
        assert rows(demo, f"{nights} WHERE source_id = ({source}))", key) >= 13
        days = "SELECT count(*) - count(DISTINCT day) FROM actigraphy_signal WHERE channel = 'activity'"
        assert rows(demo, f"{days} AND source_id = ({source})", key) == 0


def test_nothing_is_left_running_after_ctrl_c(tmp_path: Path) -> None:
    own = Demo(tmp_path)
    try:
        started = own.processes()
        assert len(started) >= 3
    finally:
        ended = own.stop()
    assert ended, own.evidence()
    assert not [pid for pid in started if Path(f"/proc/{pid}").exists()], own.evidence()
