"""What the demo fixes and what it deletes: it must never reach a real clinic."""

import pytest

from novamind.management.commands import demo
from novamind.supervisor import CannotStart


def test_no_server_of_a_real_clinic_is_left_in_the_environment(tmp_path):
    env = demo.demo_environment(tmp_path, "127.0.0.1")
    assert env["ENVIRONMENT"] == "development"
    assert env["DATABASE_URL"] == f"sqlite:///{tmp_path}/novamind.sqlite3"
    for server in ("REDIS_URL", "CACHE_URL", "S3_BUCKET", "S3_ENDPOINT_URL", "KMS_KEY_ID", "MIGRATE_DATABASE_URL"):
        assert env[server] == ""
    assert env["MASTER_KEY_FILE"].startswith(str(tmp_path))


def test_the_demo_reads_weeks_with_what_it_ships_unless_somebody_says_otherwise(tmp_path, monkeypatch):
    monkeypatch.delenv("PAT_MODEL_ID", raising=False)
    assert demo.demo_environment(tmp_path, "127.0.0.1")["PAT_MODEL_ID"] == "PAT-S"
    monkeypatch.setenv("PAT_MODEL_ID", "PAT-L")
    assert demo.demo_environment(tmp_path, "127.0.0.1")["PAT_MODEL_ID"] == "PAT-L"


def test_what_is_printed_can_be_used_as_it_stands(settings, tmp_path, capsys):
    settings.DATA_DIR = tmp_path
    command = demo.Command()
    command.started_at = 0.0
    command._welcome("127.0.0.1", 8001)
    told = capsys.readouterr().out
    assert "http://localhost:8001/" in told  # a passkey can be made there, and not at a number
    assert f"demo_code EMAIL --data-dir {tmp_path} prints" in told
    settings.DATA_DIR = settings.BASE_DIR / "var"
    command._welcome("::1", 8001)
    told = capsys.readouterr().out
    assert "http://[::1]:8001/" in told
    assert "demo_code EMAIL prints" in told


def test_reset_forgets_the_clinic_and_keeps_an_operators_models(tmp_path):
    for name in ("novamind.sqlite3", demo.MARKER):
        (tmp_path / name).write_text("")
    for folder in ("files", "broker", "models", "secrets"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "one").write_text("")
    (tmp_path / "models" / "shipped").mkdir()
    demo.forget(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"models", "secrets"}
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["one"]


def test_reset_leaves_a_database_alone_that_the_demo_did_not_make(tmp_path):
    (tmp_path / "novamind.sqlite3").write_text("a developer's own")
    with pytest.raises(CannotStart, match="leaves it alone"):
        demo.forget(tmp_path)
    assert (tmp_path / "novamind.sqlite3").exists()


def test_a_folder_holds_one_demo_at_a_time(tmp_path):
    with demo.only_demo_in(tmp_path), pytest.raises(CannotStart, match="already runs"), demo.only_demo_in(tmp_path):
        pytest.fail("both hold the folder")
    with demo.only_demo_in(tmp_path):
        pass


def test_web_server_worker_and_scheduler_run_and_the_worker_takes_every_queue(tmp_path):
    web, worker, scheduler = demo.parts("::1", 8000, tmp_path)
    assert "[::1]:8000" in web.argv
    assert worker.argv[worker.argv.index("--queues") + 1] == "notify,default,ml,batch"
    assert "beat" in scheduler.argv
