"""What rules of HLA alleles say beyond their actions, in our words: which other drugs are no safe exchange."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from twins.science.pgx.phenotypes import HLA, NO_RESULT

#: Aromatic anticonvulsants, as CPIC lists them.
AROMATIC: Final = (
    "carbamazepine", "oxcarbazepine", "eslicarbazepine", "lamotrigine", "phenytoin", "fosphenytoin", "phenobarbital",
)  # fmt: skip
_RASH: Final = "Tell the patient to report any rash at once."
_IF: Final = "This holds if there is another drug."
_UNNAMED: Final = (
    "Weigh severe skin reactions against the benefit; the guideline names no safer drug and clears none of its "
    "relatives (oxcarbazepine, eslicarbazepine, lamotrigine, phenytoin, phenobarbital)."
)
#: DPWG, by drug and state.
HLA_NOTES: Final[Mapping[tuple[str, str, str], str]] = {
    ("DPWG", "carbamazepine", "*15:02 positive"): "Phenytoin, lamotrigine and oxcarbazepine raise the risk of SJS/TEN "
    "here too, though 5 to 10 times less than carbamazepine.",
    ("DPWG", "carbamazepine", "*15:11 positive"): _UNNAMED,
    ("DPWG", "carbamazepine", "*31:01 positive"): _UNNAMED,
    ("DPWG", "carbamazepine", "*15:02 and *15:11 positive"): "It speaks against carbamazepine for each of the two "
    "alone, and of phenytoin, lamotrigine and oxcarbazepine it says for *15:02 that they raise the risk of SJS/TEN.",
    ("DPWG", "phenytoin", "*15:02 positive"): f"{_IF} Carbamazepine is none: its risk of SJS/TEN is about 10 times "
    f"as high. Lamotrigine and oxcarbazepine have about the risk of phenytoin. {_RASH}",
    ("DPWG", "oxcarbazepine", "*15:02 positive"): f"{_IF} Carbamazepine is none: its risk of SJS/TEN is about 10 times "
    f"as high. Phenytoin and lamotrigine are none either: their risk is about the same and worse forms occur. {_RASH}",
    ("DPWG", "lamotrigine", "*15:02 positive"): f"{_IF} Carbamazepine is none: its risk of SJS/TEN is much higher. "
    f"Phenytoin and oxcarbazepine have about the risk of lamotrigine. {_RASH}",
}


def hla_notes(row: Mapping[str, Any], states: Mapping[str, str]) -> list[str]:
    """Sentences for one row that asks for HLA genes, in these states of its genes; empty for the others."""
    text, population = row["recommendation"].casefold(), row["population"] or ""
    others = _listed([one for one in AROMATIC if one not in _same(row["drug"])])
    notes = []
    if "consistently for longer" in text or "continuously for longer" in text:
        notes.append("Taken for more than three months without a skin reaction, it may be used again with caution.")
    if "no alternatives" in population and "frequency of clinical monitoring" in text:
        notes.append("If no other drug will do: see the patient more often, stop at the first sign on the skin.")
    if "alternative agents are available" in text:
        notes.append(_IF)
    if "avoid carbamazepine and oxcarbazepine" in text:
        notes.append("The same goes for carbamazepine and oxcarbazepine.")
    if "caution should still be used in choosing an alternative" in text:
        notes.append(f"Its relatives ({others}) may cause SJS/TEN too: choose among them with caution.")
    if "no recommendation can be made with respect to choosing another" in text:
        notes.append(f"Whether its relatives ({others}) are safer here is not known.")
    if "is not indicative of tolerance to other" in text:
        named = "" if any("relatives" in one for one in notes) else f" ({others})"
        notes.append(f"Who tolerated {row['drug']} need not tolerate other aromatic anticonvulsants{named}.")
    if "does not eliminate the risk" in text and states.get("HLA-B") == "*15:02 negative":
        notes.append("A negative HLA-B*15:02 leaves some risk of severe skin reactions.")
    notes += [
        f"{gene} was not tested: this says nothing about {HLA[gene][0]}."
        for gene, state in states.items()
        if gene in HLA and state == NO_RESULT
    ]
    return notes


def _same(drug: str) -> set[str]:
    return {"phenytoin", "fosphenytoin"} if drug in {"phenytoin", "fosphenytoin"} else {drug}


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
