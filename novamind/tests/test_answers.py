"""What is said when nothing can be read: it looks like the house, asks the database nothing, and names whom to call."""

from collections.abc import Callable

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from rest_framework.serializers import ValidationError

from novamind import answers
from novamind.api import ShareField

OUT_OF_ORDER = [answers.unavailable, answers.keys_unavailable]
REFUSALS = [answers.too_large, answers.too_long, answers.too_long_for_a_stranger, answers.unreadable]
Answer = Callable[[HttpRequest], HttpResponse]


@pytest.mark.parametrize("answer", [*OUT_OF_ORDER, *REFUSALS])
def test_a_page_is_styled_without_the_database(answer: Answer) -> None:
    page = answer(RequestFactory().get("/patients/")).content.decode()  # the test has no database: a query would fail
    assert "css/novamind.css" in page
    assert "<h1>" in page


@pytest.mark.parametrize("answer", OUT_OF_ORDER)
def test_whoever_wrote_of_harming_themselves_reads_whom_to_call(answer: Answer, settings) -> None:
    settings.CRISIS_TEXT = "Ring 12345 <now>."
    assert "Ring 12345 &lt;now&gt;." in answer(RequestFactory().get("/patients/mine/")).content.decode()


@pytest.mark.parametrize("answer", [*OUT_OF_ORDER, *REFUSALS])
def test_the_api_is_told_in_its_own_form(answer: Answer) -> None:
    response = answer(RequestFactory().get("/api/v1/due"))
    assert response.headers["Content-Type"] == "application/json"
    assert b'"code"' in response.content


@pytest.mark.parametrize("said", ["nan", "NaN", "-nan", "inf", "-0.1", "1.01", "half", ""])
def test_what_is_no_share_is_refused(said: str) -> None:
    with pytest.raises(ValidationError):
        ShareField().run_validation(said)


@pytest.mark.parametrize(("said", "share"), [("0", 0.0), ("0.6", 0.6), (1, 1.0)])
def test_a_share_is_a_number(said: object, share: float) -> None:
    assert ShareField().run_validation(said) == share
