"""Registries that a test fills for itself, and a broker that only takes note."""

from collections.abc import Iterator
from typing import Any

import pytest

from novamind.celery import app
from novamind.jobs import kinds, sending


@pytest.fixture(autouse=True)
def registries() -> Iterator[None]:
    """Empty registries, put back afterwards."""
    kept = [(registry, dict(registry)) for registry in (kinds.KINDS, kinds.SUBSCRIPTIONS, kinds.PERIODIC)]
    for registry, _ in kept:
        registry.clear()
    yield
    for registry, entries in kept:
        registry.clear()
        registry.update(entries)


@pytest.fixture(autouse=True)
def messages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the jobs that a message was sent for."""
    sent: list[str] = []

    def note(task: str, args: list[str], **options: Any) -> None:
        sent.append(args[0])

    monkeypatch.setattr(app, "send_task", note)
    monkeypatch.setattr(sending._Silence, "until", 0.0)
    return sent


@pytest.fixture
def empty_queues(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Messages that the broker says it holds; a test may change them."""
    waiting = dict.fromkeys(kinds.QUEUES, 0)
    monkeypatch.setattr("novamind.jobs.tick.broker_queues", lambda: waiting)
    return waiting
