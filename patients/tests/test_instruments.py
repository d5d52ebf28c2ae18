"""Scoring against the published rules; every table here was written from them by hand, none by the code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novamind.measures import Abstained
from patients.instruments import (
    SOURCED,
    SafetyState,
    UnknownInstrument,
    WrongAnswers,
    WrongVersion,
    catalogue,
    instrument,
    instruments,
    score,
)

PHQ9, GAD7, EPDS, CSSRS, AUDITC, PCL5 = (instrument(name) for name in "phq9 gad7 epds cssrs auditc pcl5".split())


def answers(text: str, *ids: str) -> dict[str, int | None]:
    """``"0123"``: an answer for each item in order; ``.`` is unanswered."""
    names = ids or [str(number) for number in range(1, len(text) + 1)]
    return {name: None if one == "." else int(one) for name, one in zip(names, text, strict=True)}


# Kroenke 2001: 0-4 minimal, 5-9 mild, 10-14 moderate, 15-19 moderately severe, 20-27 severe.
@pytest.mark.parametrize(
    ("given_", "total", "band"),
    [
        ("000000000", 0, "minimal"), ("111100000", 4, "minimal"), ("111110000", 5, "mild"), ("333000000", 9, "mild"),
        ("333100000", 10, "moderate"), ("333320000", 14, "moderate"), ("333330000", 15, "moderately severe"),
        ("333333100", 19, "moderately severe"), ("333333200", 20, "severe"), ("333333333", 27, "severe"),
    ],
)  # fmt: skip
def test_phq9_totals_and_bands(given_, total, band):
    found = score(PHQ9, answers(given_))
    assert (found.total, found.band, found.prorated, found.missing) == (total, band, False, ())


# One missing: sum * 9 / 8; two: sum * 9 / 7; rounded half up. Worked by hand.
@pytest.mark.parametrize(
    ("given_", "total"),
    [("1111111.1", 9), ("2222222.2", 18), ("100000.0.", 1), ("333333..3", 27), ("11110000.", 5),
     ("1211111..", 10), ("00000000.", 0)],
)  # fmt: skip
def test_phq9_is_prorated_with_up_to_two_missing_and_says_so(given_, total):
    found = score(PHQ9, answers(given_))
    assert (found.total, found.prorated) == (total, True)


def test_phq9_abstains_with_three_missing_and_names_them():
    found = score(PHQ9, answers("333...333"))
    assert found.total == Abstained("items_missing", needed=2, got=3)
    assert found.total.reason == "3 items unanswered; at most 2 may be"
    assert (found.band, found.says, found.missing) == ("", (), ("4", "5", "6"))


def test_the_side_question_of_phq9_changes_no_total():
    assert score(PHQ9, answers("111111111") | {"difficulty": 3}).total == 9
    assert score(PHQ9, answers("111111111")).missing == ()


# Spitzer 2006: 0-4, 5-9, 10-14, 15-21.
@pytest.mark.parametrize(
    ("given_", "total", "band"),
    [("0000000", 0, "minimal"), ("1111000", 4, "minimal"), ("1111100", 5, "mild"), ("3330000", 9, "mild"),
     ("3331000", 10, "moderate"), ("3333200", 14, "moderate"), ("3333300", 15, "severe"), ("3333333", 21, "severe")],
)  # fmt: skip
def test_gad7_totals_and_bands(given_, total, band):
    assert (score(GAD7, answers(given_)).total, score(GAD7, answers(given_)).band) == (total, band)


def test_gad7_is_prorated_with_one_missing_and_not_with_two():
    assert score(GAD7, answers("222222.")).total == 14  # 12 * 7 / 6
    assert score(GAD7, answers("22222..")).total == Abstained("items_missing", needed=1, got=2)


def test_phq2_has_a_cutoff_of_three_and_misses_nothing():
    phq2 = instrument("phq2")
    assert score(phq2, answers("11")).says == ()
    assert score(phq2, answers("12")).says == ("3 or more: the PHQ-9 should follow",)
    assert score(phq2, answers("3.")).total == Abstained("items_missing", needed=0, got=1)
    assert score(phq2, answers("33")).safety.state == SafetyState.NOT_ASKED


# Cox 1987, scoring guide: 1, 2 and 4 score 0-3 as printed, the others 3-0. First answer printed everywhere: 7 * 3.
@pytest.mark.parametrize(
    ("given_", "total"),
    [("0000000000", 21), ("3333333333", 9), ("0030333333", 0), ("3303000000", 30), ("0000333333", 3),
     ("0030033333", 3), ("1121222222", 10), ("0030333330", 3)],
)  # fmt: skip
def test_epds_reverse_items_score_by_what_is_printed(given_, total):
    assert score(EPDS, answers(given_)).total == total


@pytest.mark.parametrize(
    ("item", "points"),
    [*((n, (0, 1, 2, 3)) for n in (1, 2, 4)), *((n, (3, 2, 1, 0)) for n in (3, 5, 6, 7, 8, 9, 10))],
)  # fmt: skip
def test_epds_points_of_each_item(item, points):
    assert tuple(choice.score for choice in EPDS.item(str(item)).choices) == points


def test_epds_cutoffs():
    assert score(EPDS, answers("0030333333")).says == ()
    assert score(EPDS, answers("1121222222")).says == ("10 or more: possible depression",)
    assert score(EPDS, answers("1121222211")).total == 12
    assert score(EPDS, answers("1121222111")).says == ("13 or more: probable depression",)


# AUDIT-C: 4 for men, 3 for women; nobody who never drinks is asked 2 and 3.
@pytest.mark.parametrize(
    ("given_", "sex", "total", "says"),
    [
        ("0..", "female", 0, ()),
        ("210", "female", 3, ("3 or more: drinking above the limits for women",)),
        ("210", "male", 3, ()),
        ("211", "male", 4, ("4 or more: drinking above the limits for men",)),
        ("210", "unknown", 3, ("3 or more: drinking above the limits for women",)),
        ("211", "other", 4, (
            "4 or more: drinking above the limits for men", "3 or more: drinking above the limits for women")),
        ("444", "male", 12, ("4 or more: drinking above the limits for men",)),
    ],
)  # fmt: skip
def test_auditc(given_, sex, total, says):
    found = score(AUDITC, answers(given_), sex=sex)
    assert (found.total, found.says, found.missing) == (total, says, ())


def test_auditc_says_when_all_points_come_from_the_first_item():
    for sex in ("male", "female", "unknown"):  # in place of the cutoff, which would say the opposite
        [says] = score(AUDITC, answers("400"), sex=sex).says
        assert "item 1 alone" in says
    assert not any("item 1 alone" in one for one in score(AUDITC, answers("310"), sex="male").says)


def test_auditc_of_a_drinker_needs_all_three():
    assert score(AUDITC, answers("2..")).total == Abstained("items_missing", needed=0, got=2)
    assert score(AUDITC, answers(".11")).total == Abstained("items_missing", needed=0, got=1)


def test_pcl5_total_cutoff_and_pattern():
    assert score(PCL5, answers("4" * 20)).total == 80
    assert score(PCL5, answers("2" * 15 + "00000")).says[:1] == ()
    assert score(PCL5, answers("2" * 15 + "10000")).says[0].startswith("31 or more")
    pattern = "20000" + "20" + "2200000" + "220000"
    assert score(PCL5, answers(pattern)).total == 12
    assert "provisional" in score(PCL5, answers(pattern)).says[0]
    for short in ("00000202200000220000", "20000002200000220000", "20000202000000220000", "20000202200000200000"):
        assert score(PCL5, answers(short)).says == ()
    assert score(PCL5, answers("4" * 19 + ".")).total == Abstained("items_missing", needed=0, got=1)


@pytest.mark.parametrize(
    ("given_", "level"),
    [
        ("00...0.", ""), ("10...0.", "low"), ("010000.", "low"), ("011000.", "moderate"), ("010100.", "high"),
        ("010010.", "high"), ("00...10", "moderate"), ("00...11", "high"), ("00...1.", "at least moderate"),
        ("01...0.", "at least low"), ("0110..0", "at least moderate"), ("011..11", "high"), ("1....0.", "at least low"),
    ],
)  # fmt: skip
def test_cssrs_triage(given_, level):
    found = score(CSSRS, answers(given_, "1", "2", "3", "4", "5", "6", "6b"))
    assert (found.total, found.level) == (Abstained("no_total"), level)
    assert (found.safety.state == SafetyState.FLAGGED) == bool(level)


def test_cssrs_asks_three_to_five_only_after_a_yes_to_two():
    assert score(CSSRS, {"1": 0, "2": 0, "6": 0}).missing == ()
    assert score(CSSRS, {"1": 0, "2": 1, "6": 0}).missing == ("3", "4", "5")
    assert score(CSSRS, {"1": 0, "2": 0, "6": 1}).missing == ("6b",)


def test_a_missing_safety_item_is_unanswered_and_not_a_no():
    phq9 = score(PHQ9, answers("00000000."))
    assert (phq9.safety.state, phq9.safety.unanswered) == (SafetyState.UNANSWERED, ("9",))
    assert score(EPDS, answers("003033333.")).safety.state == SafetyState.UNANSWERED
    assert score(CSSRS, {"1": 0, "6": 0}).safety.state == SafetyState.UNANSWERED
    assert score(PHQ9, answers("000000000")).safety.state == SafetyState.NOT_ENDORSED


@pytest.mark.parametrize("place", [1, 2, 3])
def test_phq9_item_nine_alerts_from_one_on_whatever_else_is_missing(place):
    assert score(PHQ9, {"9": place}).safety.state == SafetyState.FLAGGED


@pytest.mark.parametrize(("place", "state"), [(0, "flagged"), (1, "flagged"), (2, "flagged"), (3, "unanswered")])
def test_epds_item_ten_alerts_unless_it_was_never(place, state):
    found = score(EPDS, {"10": place}).safety.state
    assert found == (SafetyState.FLAGGED if state == "flagged" else SafetyState.NOT_ENDORSED)


@pytest.mark.parametrize("wrong", [-1, 4, 1.0, True, "1", [1]])
def test_an_answer_that_is_not_printed_is_refused_by_item(wrong):
    with pytest.raises(WrongAnswers) as refused:
        score(PHQ9, {"1": 0, "2": wrong})
    assert list(refused.value.fields) == ["2"]


def test_an_unknown_item_is_refused():
    with pytest.raises(WrongAnswers):
        score(PHQ9, {"10": 0})


def test_another_version_and_an_unknown_instrument_are_refused():
    assert instrument("phq9", "1") is PHQ9
    with pytest.raises(WrongVersion):
        instrument("phq9", "2")
    with pytest.raises(UnknownInstrument):
        instrument("../phq9")


@given(places=st.lists(st.none() | st.integers(0, 3), min_size=9, max_size=9))
def test_a_total_is_in_range_or_abstained(places):
    found = score(PHQ9, {str(n): place for n, place in enumerate(places, 1)})
    if places.count(None) > 2:
        assert isinstance(found.total, Abstained)
    else:
        assert 0 <= found.total <= 27


@pytest.mark.parametrize("one", instruments().values(), ids=lambda one: one.id)
def test_an_instrument_is_whole(one):
    assert one.licence
    assert one.citation
    scored = one.scored
    if one.total_range:
        most = sum(max(choice.score for choice in item.choices) for item in scored)
        assert one.total_range == (0, most)
    for (_, high, _), (low, _, _) in zip(one.bands, one.bands[1:], strict=False):
        assert low == high + 1
    if one.bands:
        assert (one.bands[0][0], one.bands[-1][1]) == one.total_range
    assert (one.reliable_points is None) == (not one.reliable_source)
    assert one.reliable_worse in ({"higher", "lower"} if one.reliable_points else {""})
    for rule in one.safety:
        assert rule.item in {item.id for item in one.items}


@pytest.mark.parametrize("one", instruments().values(), ids=lambda one: one.id)
def test_every_number_that_a_page_shows_of_an_instrument_has_a_source(one):
    shown = {
        "licence": True,
        "wording": one.items,
        "bands": one.bands,
        "cutoffs": one.cutoffs,
        "missing": True,
        "reliable_change": one.reliable_points,
        "triage": one.triage,
        "pattern": one.clusters,
        "note": one.details.get("note_if_only"),
        "safety": one.safety,
        "loinc": one.loinc or [item for item in one.items if item.loinc],
    }
    assert set(shown) == set(SOURCED)
    assert set(one.sources) == {part for part, there in shown.items() if there}
    assert all(len(source) > 8 and "recalled" not in source.lower() for source in one.sources.values())


def test_wording_that_needs_a_licence_is_not_here():
    for name in ("isi", "ess", "psqi"):
        assert instrument(name).scoring_only
        assert all(item.text.startswith(("Item ", "Component ")) for item in instrument(name).items)


def test_a_licence_says_no_more_than_was_read(shared_reference: Path):
    """What the reference has from memory is said to be; what needs a licence there has no wording here."""
    told = json.loads((shared_reference / "instruments.json").read_text())["instruments"]
    reference = {"cssrs" if one["id"] == "cssrs_screener" else one["id"]: one.get("licence", "") for one in told}
    for name, one in instruments().items():
        known = reference[name]
        assert ("not read at its source" in one.licence) == ("recalled" in known), name
        assert ("not read at its source" in one.sources["licence"]) == ("recalled" in known), name
        assert one.scoring_only == any(word in known for word in ("licence needed", "commercial licence")), name
    assert "copyright British Journal of Psychiatry" in reference["epds"]
    assert instrument("epds").licence.startswith("© British Journal of Psychiatry. May be reproduced")


def test_codes_are_those_that_were_confirmed(shared_reference: Path):
    """Against the reference: LOINC of panels, totals and items, totals' ranges, and bands where both have them."""
    reference = {
        one["id"]: one for one in json.loads((shared_reference / "instruments.json").read_text())["instruments"]
    }
    for name, theirs in {"phq9": "phq9", "phq2": "phq2", "gad7": "gad7", "auditc": "auditc", "cssrs": "cssrs_screener",
                         "epds": "epds", "isi": "isi", "ess": "ess"}.items():  # fmt: skip
        known, ours = reference[theirs], instrument(name)
        if "item_loinc" in known:
            assert [item.loinc for item in ours.scored] == known["item_loinc"]
        if "range" in known:
            assert list(ours.total_range) == known["range"]
        if "total" in known and known["total"] and "recalled" not in known["total"]:
            assert ours.loinc["total"] == known["total"]
        assert ours.loinc.get("risk_level") == known.get("risk_level")
        if "bands" in known:
            assert [[low, high, word.replace(" to ", "-")] for low, high, word in ours.bands] == known["bands"]


@pytest.mark.parametrize("name", sorted(instruments()))
def test_a_panel_has_the_code_that_was_confirmed_or_none(shared_reference: Path, name: str):
    told = json.loads((shared_reference / "instruments.json").read_text())["instruments"]
    panels = {one["id"].removesuffix("_screener"): one.get("panel") or "" for one in told}
    confirmed = panels[name] if "recalled" not in panels[name] else ""
    assert instrument(name).loinc.get("panel", "") == confirmed.partition(" ")[0]


def test_a_file_is_named_by_what_it_holds(tmp_path: Path):
    (tmp_path / "phq2.3.json").write_text((catalogue._LIBRARY / "phq2.json").read_text(encoding="utf-8"))
    with pytest.raises(ValueError, match=r"phq2\.3\.json holds phq2, version 1"):
        catalogue._read(tmp_path)
