"""Whoever reads the trail reads words, not names of views."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator

from novamind.audit.models import EventType
from novamind.audit.words import WORDS, in_words
from novamind.jobs.kinds import KINDS
from patients.disposal import Reason
from patients.models import Grant
from patients.services import view_permission
from tests.urls_of_novamind import every_url

OTHER = [
    *(
        "sign_in",
        "sign_out",
        "sign_in_failed",
        "export",
        "build_dataset",
        "train_treatment_model",
        "research_export",
        "demo",
        "fill_search_texts",
    ),
    *(f"second_factor.{kind}" for kind in Authenticator.Type.values),
    *(f"dispose_patient:{reason}" for reason in Reason),
    *("keys:retire", "keys:rewrap", "keys:destroy", "record_number_of_a_hidden_patient"),
]


def test_every_url_and_every_kind_of_job_has_its_words():
    ours = [kind for kind in KINDS if "test" not in kind and not kind.startswith("drill")]
    missing = [name for name in [*(url.name for url in every_url()), *ours, *OTHER] if not in_words(name)]
    assert missing == []


def test_no_words_are_of_what_is_not_there():
    known = {url.name for url in every_url()} | set(KINDS) | set(OTHER)
    assert set(WORDS) - known == set()


def test_words_are_words():
    name = re.compile(r"[_/<>{}()]|\w\.\w")
    assert [words for words in WORDS.values() if name.search(words.removeprefix("Administration:"))] == []


@pytest.mark.django_db
def test_the_pages_show_words_and_no_names_of_views(signed_in: Any, psychiatrist: Any, patient: Any, make_user: Any):
    client = signed_in(psychiatrist)
    client.get(f"/patients/{patient.pk}/actigraphy/")
    staff = client.get(f"/patients/{patient.pk}/access/").content.decode()
    own = make_user("own@mail.test", "patient")
    Grant.objects.create(user=own, content_object=patient, permission=view_permission(), reason=Grant.Reason.SELF)
    theirs = signed_in(own).get("/patients/mine/access/").content.decode()
    for page in (staff, theirs):
        assert "Movement, sleep and rhythm" in page
        assert "actigraphy:patient" not in page
    assert EventType.DATA_ACCESS.label in theirs
