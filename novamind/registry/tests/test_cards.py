"""A card answers everything it is asked, or says why not; a figure never stands alone."""

from __future__ import annotations

import pytest

from novamind.registry.cards import ATTRIBUTES, SOURCE_ATTRIBUTES, not_available, problems, read


def test_the_rule_asks_for_31_attributes_in_nine_groups():
    assert [len(group.attributes) for group in SOURCE_ATTRIBUTES] == [4, 4, 2, 4, 2, 4, 5, 4, 2]
    assert [group.rule for group in SOURCE_ATTRIBUTES] == [f"({number})" for number in range(1, 10)]
    assert len(ATTRIBUTES) == 31 + 4, "a key stands twice"


def test_a_complete_card_has_no_problems(card):
    assert problems(card) == []


@pytest.mark.parametrize("key", ATTRIBUTES)
@pytest.mark.parametrize("blank", ["", "  ", None, [], {}, {"not_available": " "}, 7])
def test_nothing_may_be_left_blank(card, key, blank):
    assert len(problems(card | {key: blank})) == 1
    assert ATTRIBUTES[key].asks in problems(card | {key: blank})[0]


@pytest.mark.parametrize("key", ATTRIBUTES)
def test_everything_may_be_not_available_with_its_reason(card, key):
    assert problems(card | {key: not_available("Nobody has measured it.")}) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"low": None}, {"high": float("nan")}, {"low": 0.9}, {"high": 0.1}, {"n": 0}, {"n": "many"},
        {"population": ""}, {"how": ""}, {"metric": ""}, {"p": 0.01},
    ],
)  # fmt: skip
def test_a_figure_without_interval_n_population_or_method_is_refused(card, wrong):
    entry = card["validity_external"][0] | wrong
    (problem,) = problems(card | {"validity_external": [*card["validity_external"], entry]})
    assert "a figure without its interval" in problem


def test_a_figure_written_as_a_sentence_is_no_figure(card):
    assert len(problems(card | {"validity_local": "AUC 0.71"})) == 1


def test_an_answer_to_nothing_is_a_problem(card):
    assert problems(card | {"license": "MIT"}) == ["“license” is nothing a card says."]


def test_a_card_is_read_in_the_order_of_the_rule(card):
    groups = read(card | {"funding": not_available("Not stated.")} | {"citation": None})
    assert [group["title"] for group in groups][:3] == [
        "In plain words",
        "Details and output of the intervention",
        "Purpose of the intervention",
    ]
    assert groups[1]["rows"][1]["why_not"] == "Not stated."
    assert groups[0]["rows"][3]["text"] is None
    assert groups[7]["rows"][0]["figures"][0]["n"] == 120
