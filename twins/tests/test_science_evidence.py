"""Shares of odds ratios, what is best among what is known, and that nothing remembered gets in."""

from __future__ import annotations

import json

import pytest

from twins.science.evidence import SHIPPED, Best, Compared, best, load_evidence, share_of, shipped_evidence


def test_the_share_of_an_odds_ratio_of_one_is_that_of_placebo_and_a_table_by_hand():
    assert share_of(1, 0.37) == pytest.approx(0.37)
    # 40 of 100 against 20 of 100: odds 40/60 and 20/80
    assert share_of((40 / 60) / (20 / 80), 0.20) == pytest.approx(0.40)
    for wrong in ((0, 0.3), (1, 0), (1, 1)):
        with pytest.raises(ValueError, match="odds ratio"):
            share_of(*wrong)


def test_the_best_is_looked_for_only_among_what_is_known():
    found = best(
        [Compared("a", 0.5, None), Compared("b", 0.4, 0.3), Compared("c", None, 0.1), Compared("d", 0.3, 0.05)]
    )
    assert {name: one.first and one.first.drug for name, one in found.items()} == {
        "highest_efficacy": "a",
        "lowest_side_effects": "d",
        "optimal_balance": "d",  # 0.3 x 0.95 = 0.285 before 0.4 x 0.7 = 0.28
    }
    assert set(best([Compared("a", None, None)]).values()) == {Best(None)}


def test_a_drug_that_something_speaks_against_is_never_the_best_and_is_named():
    compared = [Compared("a", 0.5, 0.1, against=True), Compared("b", 0.4, 0.3), Compared("c", 0.3, 0.05, against=True)]
    assert best(compared) == {
        "highest_efficacy": Best(compared[1], ("a",)),
        "lowest_side_effects": Best(compared[1], ("c", "a")),
        "optimal_balance": Best(compared[1], ("a", "c")),
    }
    assert best(compared[::2])["highest_efficacy"] == Best(None, ("a", "c"))


def test_the_least_side_effect_of_a_few_is_not_the_lowest_of_all():
    known, unknown = [Compared("a", None, 0.1), Compared("b", None, 0.2)], Compared("c", 0.5, None)
    assert best([*known, unknown])["lowest_side_effects"].first == known[0]
    assert best([*known, unknown, unknown])["lowest_side_effects"] == Best(None)


def test_every_source_is_a_page_of_its_own_and_no_search():
    urls = [one["url"] for one in json.loads(SHIPPED.read_text(encoding="utf-8"))["sources"].values()]
    assert all(url.startswith("https://") and "?" not in url for url in urls)
    assert len(urls) == len(set(urls))


def test_evidence_that_was_only_remembered_is_refused(tmp_path):
    said = json.loads(SHIPPED.read_text(encoding="utf-8"))
    said["sources"]["slee2019"]["status"] = "recalled_verify_before_use"
    path = tmp_path / "evidence.json"
    path.write_text(json.dumps(said), encoding="utf-8")
    with pytest.raises(ValueError, match="slee2019"):
        load_evidence(path)


@pytest.mark.data
def test_every_number_stands_in_the_reference_as_verified_or_computed(shared_reference):
    there = json.loads((shared_reference / "evidence_psych.json").read_text(encoding="utf-8"))
    ours = json.loads(SHIPPED.read_text(encoding="utf-8"))
    computed = {row["drug"]: [row["OR"], *row["CI"]] for row in there["antidepressant_nma_recomputed"]["rows"]}
    assert {row["drug"]: [row["odds_ratio"], row["low"], row["high"]] for row in ours["response"]} == computed
    for condition, key in (("bipolar_depression", "bipolar_depression"), ("anxiety", "gad")):
        found = {
            row["drug"]: [row["points"], row["low"], row["high"]]
            for row in ours["difference"]
            if row["condition"] == condition
        }
        assert found == there[key]["rows"]
    names = ["movement", "weight_gain", "sedation", "anticholinergic"]
    table = there["antipsychotic_tolerability"]["rows"]
    shares = {(row["drug"], row["effect"]): row["share"] for row in ours["rates"]}
    assert shares == {
        (drug, name): pytest.approx(value / 100)
        for drug, values in table.items()
        for name, value in zip(names, values, strict=False)
        if value is not None
    }
    assert {row["drug"]: row["change"] for row in ours["changes"] if row["effect"] == "qtc"} == {
        drug: values[4] for drug, values in table.items() if values[4] is not None
    }
    physiology = there["antidepressant_physiology_8wk"]
    assert physiology["status"] == there["antidepressant_mirtazapine_weight"]["status"] == "verified"
    assert {row["drug"]: row["change"] for row in ours["changes"] if row["source"] == "pillinger2025"} == {
        drug: value for drug, value in physiology["rows"]["weight_kg"].items() if not isinstance(value, str)
    }
    (mirtazapine,) = [row for row in ours["changes"] if row["source"] == "ahrq2012"]
    stated = there["antidepressant_mirtazapine_weight"]["source"]
    assert f"mirtazapine {mirtazapine['change']}-{mirtazapine['to']} kg more than SSRIs" in stated
    assert shipped_evidence().conditions == ("depression", "bipolar_depression", "anxiety")
