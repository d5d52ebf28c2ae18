"""Drugs, doses, alleles, codes and dates: as their sources write them, and nothing is guessed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients.vocabularies import (
    FREQUENCIES,
    UNITS,
    Call,
    Dose,
    PartialDate,
    WrongCode,
    WrongDate,
    drug,
    drugs,
    genes,
    icd10,
    is_substance_use,
    read_diplotype,
)

#: The drugs that the contract names.
NAMED = (
    "sertraline escitalopram fluoxetine paroxetine bupropion venlafaxine duloxetine quetiapine aripiprazole "
    "risperidone lamotrigine lithium valproate"
).split()


def test_the_drugs_of_the_contract_are_in_the_catalogue_and_a_code_without_a_source_is_none():
    assert set(NAMED) <= set(drugs())
    assert {name: drugs()[name].rxnorm for name in ("sertraline", "bupropion", "duloxetine", "quetiapine")} == {
        "sertraline": "36437", "bupropion": "42347", "duloxetine": "72625", "quetiapine": None,
    }  # fmt: skip
    codes = [one.rxnorm for one in drugs().values() if one.rxnorm]
    assert len(codes) == len(set(codes))


def test_a_drug_is_found_by_its_names_and_code_and_never_by_one_that_is_like_it():
    assert drug("  Valproic  ACID ") is drug("11118") is drugs()["valproate"]
    assert drug("sertralin") is None
    assert drug("") is None


def test_a_dose_a_day_is_amount_times_times_and_nothing_where_that_is_not_fixed():
    assert Dose(Decimal("37.50"), "mg", "twice").a_day == 75
    assert Dose(Decimal("400"), "mg", "4_weeks").a_day == pytest.approx(400 / 28)
    assert Dose(Decimal("1"), "mg", "as_needed").a_day is None
    assert Dose(Decimal("0.5000"), "ug", "night").words == "0.5 µg at night"
    assert all(len(code) <= 10 for code in (*UNITS, *FREQUENCIES))


@pytest.mark.parametrize(
    ("gene", "text", "alleles", "unknown"),
    [
        ("CYP2D6", "*1/*4", ("*1", "*4"), ()),
        ("CYP2D6", "*1/*2x3", ("*1", "*2x3"), ()),
        ("CYP2D6", "*1/*999", ("*1", "*999"), ("*999",)),
        ("CYP2D6", "*1/*2xN", ("*1", "*2xN"), ("*2xN",)),
        ("CYP2D6", "*10+*36/*1", ("*10+*36", "*1"), ("*10+*36",)),
        ("CYP2C19", "*1/*1 or *2/*17", (), ()),
        ("CYP2C19", "Intermediate", (), ()),
        ("HLA-B", "*15:02 positive", ("*15:02",), ()),
        ("HLA-B", "*57:01 positive", ("*57:01",), ("*57:01",)),
        ("SLC6A4", "*1/*1", ("*1", "*1"), ("*1",)),
    ],
)
def test_a_diplotype_is_taken_apart_and_what_is_not_in_the_table_is_named(gene, text, alleles, unknown):
    read = read_diplotype(gene, text)
    assert (read.call, read.text, read.alleles, read.unknown) == (Call.CALLED, text, alleles, unknown)
    assert read.in_table is (bool(alleles) and not unknown)


def test_not_tested_and_indeterminate_are_two_results():
    assert read_diplotype("CYP2D6", "Not  tested").call == Call.NOT_TESTED
    assert read_diplotype("CYP2D6", "indeterminate").call == Call.INDETERMINATE
    assert not read_diplotype("CYP2D6", "not tested").in_table


def test_an_allele_that_is_not_there_is_none_of_the_alleles():
    there, not_there = (read_diplotype("HLA-B", f"*15:02 {said}") for said in ("positive", "Negative"))
    assert (there.alleles, there.absent) == (("*15:02",), ())
    assert (not_there.alleles, not_there.absent) == ((), ("*15:02",))
    assert there.in_table
    assert not_there.in_table
    assert read_diplotype("HLA-B", "*57:01 negative").unknown == ("*57:01",)
    both = read_diplotype("HLA-B", "*15:02 negative; *15:11 positive")
    assert (both.alleles, both.absent, both.in_table) == (("*15:11",), ("*15:02",), True)
    assert not read_diplotype("HLA-B", "*15:02 negative; *15:11").read


@pytest.mark.parametrize(
    ("text", "call"),
    [
        *((text, Call.NOT_TESTED) for text in ("Not tested.", "NT", "N/A", "n.a.", "pending", "Not-done", "NOT DONE")),
        *((text, Call.INDETERMINATE) for text in ("failed", "Failed!", "no-call", "No Call", "inconclusive", "QNS")),
        *((text, Call.CALLED) for text in ("*1/*4", "Intermediate", "C677T", "*1/*4 failed", "*15:02 negative")),
    ],
)
def test_no_result_is_no_call_however_it_is_written(text, call):
    assert read_diplotype("CYP2D6", text).call == call


@given(gene=st.sampled_from([*genes(), "MTHFR"]), text=st.text(max_size=60))
def test_any_text_of_a_laboratory_is_kept_as_reported(gene, text):
    read = read_diplotype(gene, text)
    assert read.text == " ".join(text.split())
    assert set(read.unknown) <= set(read.alleles + read.absent)


def test_a_date_may_be_known_in_part():
    assert [PartialDate.parse(text).words for text in ("2027-03-05", "2027-03", "2027")] == [
        "5 Mar 2027", "Mar 2027", "2027",
    ]  # fmt: skip
    assert PartialDate.parse("2024-02").last == date(2024, 2, 29)
    assert PartialDate.parse("2026-12").last == PartialDate.parse("2026").last == date(2026, 12, 31)


@pytest.mark.parametrize("text", ["", "27", "2027-13", "2027-02-30", "05.03.2027", "0001", "\uff12027", "2027-3"])
def test_what_is_no_date_is_refused_in_words(text):
    with pytest.raises(WrongDate):
        PartialDate.parse(text)


@given(on=st.dates(min_value=date(1900, 1, 1)), precision=st.sampled_from(["day", "month", "year"]))
def test_a_date_reads_back_as_it_was_written(on, precision):
    first = {"day": on, "month": on.replace(day=1), "year": date(on.year, 1, 1)}[precision]
    known = PartialDate(first, precision)
    assert PartialDate.parse(str(known)) == known
    assert known.on <= on <= known.last


def test_codes_are_kept_in_one_form():
    assert [icd10(text) for text in ("f33.1", "F331", "F20", "U07.1", "c4a.0")] == [
        "F33.1",
        "F33.1",
        "F20",
        "U07.1",
        "C4A.0",
    ]
    for text in ("depression", "33.1", "F3", "F33.12345", "F33.1; F10"):
        with pytest.raises(WrongCode):
            icd10(text)
    assert [is_substance_use(code) for code in ("F10.2", "F19", "F17.2", "F33.1", "")] == [
        True,
        True,
        False,
        False,
        False,
    ]
