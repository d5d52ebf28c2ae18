"""A missing package skips a test on somebody's machine and fails it in CI."""

from __future__ import annotations

import pytest

from tests.needed import needed

GONE = "a_package_that_is_nowhere"


def test_on_a_machine_without_it_the_test_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception):
        needed(GONE)


def test_in_ci_without_it_the_test_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(ModuleNotFoundError):
        needed(GONE)
    assert needed("json").loads("1") == 1
