"""A complete card, versions registered by the road everybody takes, and somebody who stands in the trail."""

from __future__ import annotations

import pytest

from novamind.audit.recording import recorded
from novamind.registry import cards
from novamind.registry.models import ModelVersion
from novamind.registry.services import move, register_version


@pytest.fixture
def card():
    return {key: f"Says {key}." for key in cards.ATTRIBUTES} | {
        key: [cards.figure("AUC", 0.71, low=0.62, high=0.79, n=120, population="adults", how="bootstrap, 95 %")]
        for key, attribute in cards.ATTRIBUTES.items()
        if attribute.measured
    }


@pytest.fixture
def ledger(db):
    with recorded(actor_label="system:test", request_id="r") as opened:
        yield opened


@pytest.fixture
def register(ledger, card):
    """``register("1", "shadow")``: a version of "Head" in that stage."""

    def make(version, stage="draft", **fields):
        known = {"name": "Head", "kind": ModelVersion.Kind.HEAD, "card": card, "weights_file": "h.npz"}
        known |= {"weights_sha256": "0" * 64, "training_data": "simulated"}
        made, _ = register_version(**(known | fields), version=version, by="operator:kari", reason="Trained.")
        return made if stage == "draft" else move(made, to=stage, by="operator:kari", reason="To be used.")

    return make
