"""The count of copies of CYP2D6 is never dropped in the unsafe direction."""

from __future__ import annotations

import pytest

from twins.science.pgx import ContradictingCopies, read_gene, shipped_rules, with_copies


@pytest.mark.parametrize(
    ("diplotype", "copies", "phenotypes"),
    [
        ("*1/*1", None, {"Normal Metabolizer"}),
        ("*1/*1", 2, {"Normal Metabolizer"}),
        ("*1/*1", 1, {"Intermediate Metabolizer"}),
        ("*4/*4", 1, {"Poor Metabolizer"}),
        ("*1/*5", 1, {"Intermediate Metabolizer"}),
        ("*1/*5", 2, {"Normal Metabolizer"}),
        ("*5/*5", 0, {"Poor Metabolizer"}),
        ("*1/*1", 3, {"Ultrarapid Metabolizer"}),
        ("*1/*4", 3, {"Intermediate Metabolizer", "Normal Metabolizer"}),
        ("*1/*4 or *4/*10", 3, {"Intermediate Metabolizer", "Normal Metabolizer"}),
        ("*1x2/*4", 3, {"Normal Metabolizer"}),
        ("*1x≥3/*1", 5, {"Ultrarapid Metabolizer"}),
        ("*4", 1, None),
        ("not tested", 2, {"No Result"}),
    ],
)
def test_diplotype_and_count_are_read_together(diplotype, copies, phenotypes):
    found = {one.phenotype for one in read_gene("CYP2D6", with_copies(diplotype, copies), shipped_rules()).states}
    assert found == phenotypes if phenotypes else with_copies(diplotype, copies) == diplotype


def test_each_reading_of_an_ambiguous_call_is_spread():
    reading = read_gene("CYP2D6", with_copies("*1/*4 or *2/*4", 3), shipped_rules())
    assert {name for name, _ in reading.candidates} == {"*1x2/*4", "*1/*4x2", "*2x2/*4", "*2/*4x2"}


@pytest.mark.parametrize(
    ("diplotype", "copies"), [("*1x2/*4", 4), ("*1x2/*4", 2), ("*1/*4", 1), ("*1/*1", 0), ("*5/*5", 2), ("*1/*5", 0)]
)
def test_a_count_that_the_diplotype_cannot_have_is_named(diplotype, copies):
    with pytest.raises(ContradictingCopies, match=f"with {copies} cop"):
        with_copies(diplotype, copies)
