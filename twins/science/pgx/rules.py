"""The rules as data: which genotype calls for what, from which guideline, loaded and checked once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, Final

from twins.science.pgx.building import holds
from twins.science.pgx.phenotypes import HLA, GeneTable, State
from twins.science.pgx.wording import ACTIONS, words

SHIPPED: Final = Path(__file__).with_name("rules.json")
SOURCES: Final = ("CPIC", "DPWG")
#: Repository and folder of the tables of alleles that rule files name by their version.
TABLES: Final = ("PharmGKB/PharmCAT", "src/main/resources/org/pharmgkb/pharmcat/phenotype")
CYP2D6: Final = "CYP2D6"


class RulesError(ValueError):
    """A file that is no set of rules; the message says where."""


@dataclass(frozen=True, slots=True)
class Guideline:
    """A guideline, and where it is read."""

    id: str
    source: str
    title: str
    url: str


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """What a guideline says of one drug for some states of its genes.

    ``when``: for each gene the states it holds for: phenotypes, intervals of the score, diplotypes, HLA alleles.
    ``factor``: shares of the usual dose, one or the two ends of a range; empty where the guideline gives none.
    ``as_of``: the export in which the row was read last.
    """

    guideline: Guideline
    drug: str
    genes: tuple[str, ...]
    population: str | None
    when: Mapping[str, tuple[str, ...]]
    strength: str
    actions: tuple[str, ...]
    factor: tuple[float, ...]
    dose_of: str | None
    as_of: str
    text: str

    def speaks_of(self, states: Mapping[str, State]) -> tuple[int, ...] | None:
        """How special each gene's match is (0 the most), or ``None`` where it does not speak of these states."""
        places = []
        for gene in self.genes:
            place = _match(self.when[gene], states[gene])
            if place is None:
                return None
            places.append(place)
        return tuple(places)


def _match(wanted: tuple[str, ...], state: State) -> int | None:
    for place, mark in enumerate(state.marks):
        if mark in wanted:
            return place
    score = state.score
    if score is not None and any("AS" in one and holds(one, score.value) for one in wanted):
        return len(state.marks)
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """The rules of one guideline for one drug, all populations."""

    guideline: Guideline
    drug: str
    genes: tuple[str, ...]
    rules: tuple[Rule, ...]

    @property
    def populations(self) -> tuple[str | None, ...]:
        """Whom it speaks of, in the words of the source; ``None`` where it makes no difference."""
        return tuple(dict.fromkeys(rule.population for rule in self.rules))


@dataclass(frozen=True, eq=False)
class Rules:
    """One version of the rules."""

    version: str
    sha256: str
    genes: Mapping[str, GeneTable]
    blocks: Mapping[str, tuple[Block, ...]]  # by drug
    without: Mapping[str, Mapping[str, Any]]  # drugs of which a source says that it has no recommendation
    sources: Mapping[str, Mapping[str, Any]]

    @property
    def drugs(self) -> tuple[str, ...]:
        """Drugs that some guideline speaks of."""
        return tuple(self.blocks)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Genes that can be read."""
        return (*self.genes, *HLA)


@cache
def shipped_rules() -> Rules:
    """The rules that come with Novamind."""
    return load_rules(SHIPPED)


def load_rules(path: Path) -> Rules:
    """A rule file, checked.

    Raises
    ------
    RulesError
        It cannot be read, names a gene, action or guideline that is not there, or an interval that is none.
    """
    try:
        content = path.read_bytes()
        said = json.loads(content)
        return _rules(said, hashlib.sha256(content).hexdigest())
    except OSError as error:
        raise RulesError(f"{path.name} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RulesError(f"{path.name} is no set of rules: {error}.") from None


def _rules(said: Mapping[str, Any], sha256: str) -> Rules:
    genes = {
        symbol: GeneTable(
            symbol, one.get("activity", {}), one.get("function", {}), one.get("pairs", {}), _table_url(one)
        )
        for symbol, one in said["genes"].items()
    }
    guidelines = {id: Guideline(id, **one) for id, one in said["guidelines"].items()}
    known = {*genes, *HLA}
    found: dict[str, dict[tuple[str, ...], list[Rule]]] = {}
    for row in said["rules"]:
        rule = _rule(row, guidelines, known)
        key = (rule.guideline.id, *rule.genes)
        found.setdefault(rule.drug, {}).setdefault(key, []).append(rule)
    blocks = {
        drug: tuple(
            sorted(
                (Block(rules[0].guideline, drug, rules[0].genes, tuple(rules)) for rules in by_guideline.values()),
                key=lambda one: (one.guideline.source, one.genes),
            )
        )
        for drug, by_guideline in sorted(found.items())
    }
    for by_block in blocks.values():
        for block in by_block:
            _refuse_two_answers(block)
    return Rules(said["version"], sha256, genes, blocks, said["without"], said["sources"])


def _table_url(gene: Mapping[str, Any]) -> str | None:
    """The tables of alleles at the version that was taken over, where the file says which."""
    commit = gene.get("commit")
    return f"https://github.com/{TABLES[0]}/tree/{commit}/{TABLES[1]}" if commit else None


def _refuse_two_answers(block: Block) -> None:
    """``ValueError`` where two rules of one population speak of the same states."""
    seen: dict[tuple[str | None, tuple[str, ...]], Rule] = {}
    for rule in block.rules:
        for states in product(*(sorted(_atoms(rule.when[gene])) for gene in rule.genes)):
            if seen.setdefault((rule.population, states), rule) is not rule:
                raise ValueError(f"{block.guideline.source}, {block.drug}: two answers for {', '.join(states)}")


#: Scores at which intervals are compared: eighths, as half of a quarter.
_SCORES: Final = tuple(number / 8 for number in range(65))


def _atoms(states: tuple[str, ...]) -> set[str]:
    """The states of a rule, intervals as the scores in them."""
    scores = {f"AS {score}" for one in states if "AS" in one for score in _SCORES if holds(one, score)}
    return scores | {one for one in states if "AS" not in one}


def _rule(row: Mapping[str, Any], guidelines: Mapping[str, Guideline], known: set[str]) -> Rule:
    guideline = guidelines[row["guideline"]]
    genes = tuple(row["when"])
    if not genes or not set(genes) <= known:
        raise ValueError(f"{row['drug']}: no gene of ours in {genes}")
    actions = tuple(row["actions"])
    if not actions or not set(actions) <= set(ACTIONS):
        raise ValueError(f"{row['drug']}: {actions} are no actions")
    for states in row["when"].values():
        for state in states:
            if "AS" in state:
                holds(state, 0.0)
    dose = row["dose"] or {}
    return Rule(
        guideline=guideline,
        drug=row["drug"],
        genes=genes,
        population=row["population"],
        when={gene: tuple(states) for gene, states in row["when"].items()},
        strength=row["strength"],
        actions=actions,
        factor=tuple(dose.get("factor", ())),
        dose_of=dose.get("of"),
        as_of=row["as_of"],
        text=row["text"] or words(row["drug"], genes, actions, dose, row["note"]),
    )
