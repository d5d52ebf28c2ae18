"""``manage.py pgx``: what a genotype means and what CPIC and DPWG say of a drug, without a patient."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from novamind.audit.commands import WatchedCommand
from patients.vocabularies import NoPharmcatReport, read_pharmcat
from twins.rules_in_use import rules_in_use
from twins.science.pgx import (
    Conversions,
    Question,
    Rules,
    RulesError,
    UnknownDrug,
    UnknownGene,
    UnknownPopulation,
    WrongDiplotype,
    answer,
    load_rules,
    shipped_conversions,
)

#: What is wrong with a question, and what the answer calls it.
_WRONG = {
    UnknownGene: "unknown_gene",
    WrongDiplotype: "malformed_diplotype",
    UnknownDrug: "unknown_drug",
    UnknownPopulation: "unknown_population",
}
_KEYS = {"id", "diplotypes", "drug", "taking", "population"}


class WrongQuestion(ValueError):
    """An entry of a batch that is none."""


class Command(WatchedCommand):
    """Reads no database and writes none; what is wrong is named, with exit status 2."""

    help = "Genotype to phenotype and recommendations of CPIC and DPWG, from the command line."
    requires_system_checks = ()

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--diplotype", nargs="+", action="extend", default=[], metavar="GENE=DIPLOTYPE", help="CYP2D6='*1/*4' …"
        )
        parser.add_argument("--pharmcat", type=Path, metavar="REPORT.json", help="genotypes out of PharmCAT's report")
        parser.add_argument("--drug", nargs="+", action="extend", default=[], help="else all that the genes concern")
        parser.add_argument("--taking", nargs="+", action="extend", default=[], metavar="DRUG", help="taken besides")
        parser.add_argument("--population", help="adults, pediatrics, naive, 'use >3mos' or 'no alternatives'")
        parser.add_argument("--batch", type=Path, metavar="FILE.json", help="a list of questions, answered in order")
        parser.add_argument("--rules", type=Path, metavar="FILE.json", help="another version of the rules")
        parser.add_argument("--format", choices=["json", "table"], default="table")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rules = load_rules(options["rules"]) if options["rules"] else rules_in_use()
        except RulesError as error:
            raise CommandError(str(error), returncode=2) from None
        if options["batch"]:
            self._batch(options, rules)
            return
        try:
            said = answer(_asked(options, rules), rules, shipped_conversions())
        except (*_WRONG, NoPharmcatReport) as error:
            raise CommandError(str(error), returncode=2) from None
        self.stdout.write(
            json.dumps(said, ensure_ascii=False, indent=1) if options["format"] == "json" else _table(said)
        )

    def _batch(self, options: dict[str, Any], rules: Rules) -> None:
        if any(options[name] for name in ("diplotype", "pharmcat", "drug", "taking", "population")):
            raise CommandError("--batch brings its own questions; leave the other options out.", returncode=2)
        try:
            questions = json.loads(options["batch"].read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CommandError(f"{options['batch'].name} cannot be read: {error}", returncode=2) from None
        if not isinstance(questions, list):
            raise CommandError(f"{options['batch'].name} is no list of questions.", returncode=2)
        known = shipped_conversions()
        said = [_one(entry, rules, known) for entry in questions]
        self.stdout.write("[" + ",\n".join(json.dumps(one, ensure_ascii=False) for one in said) + "]")
        wrong = [one for one in said if "error" in one]
        if wrong:
            first = wrong[0]
            self.stderr.write(
                f"{len(wrong)} of {len(said)} were not answered; {first['id']}: {first['error']['detail']}"
            )
            sys.exit(2)


def _one(entry: Any, rules: Rules, known: Conversions) -> dict[str, Any]:
    """The answer to one entry, or in its place what is wrong with it."""
    id = entry.get("id") if isinstance(entry, dict) else None
    try:
        return {"id": id} | answer(_question(entry), rules, known)
    except WrongQuestion as error:
        return {"id": id, "error": {"code": "malformed_question", "detail": str(error)}}
    except tuple(_WRONG) as error:
        return {"id": id, "error": {"code": _WRONG[type(error)], "detail": str(error)}}


def _question(entry: Any) -> Question:
    if not isinstance(entry, dict) or not set(entry) <= _KEYS:
        raise WrongQuestion(f"A question has only {', '.join(sorted(_KEYS))}.")
    diplotypes, taking = entry.get("diplotypes"), entry.get("taking") or []
    drug, population = entry.get("drug"), entry.get("population")
    if not isinstance(diplotypes, dict) or not all(isinstance(text, str) for text in diplotypes.values()):
        raise WrongQuestion('diplotypes is an object such as {"CYP2D6": "*1/*4"}.')
    if not isinstance(taking, list) or not all(isinstance(one, str) for one in taking):
        raise WrongQuestion("taking is a list of drugs.")
    if not all(one is None or isinstance(one, str) for one in (drug, population)):
        raise WrongQuestion("drug and population are texts.")
    named = {gene.strip().upper(): text for gene, text in diplotypes.items()}
    return Question(named, (drug,) if drug else (), tuple(taking), population, entry.get("id"))


def _asked(options: dict[str, Any], rules: Rules) -> Question:
    diplotypes = _reported(options["pharmcat"], rules) if options["pharmcat"] else {}
    for one in options["diplotype"]:
        gene, equals, text = one.partition("=")
        gene = gene.strip().upper()
        if not equals or not text.strip():
            raise WrongDiplotype(f"{one}: write it like CYP2D6='*1/*4'.")
        if gene in diplotypes:
            raise WrongDiplotype(f"{gene} is there twice; write two readings as '*1/*4 or *2/*4'.")
        diplotypes[gene] = text
    if not diplotypes and not options["drug"]:
        raise WrongDiplotype("Name a genotype (--diplotype CYP2D6='*1/*4') or a drug (--drug).")
    drugs, taking = (_split(options[name]) for name in ("drug", "taking"))
    return Question(diplotypes, drugs, taking, options["population"])


def _split(names: list[str]) -> tuple[str, ...]:
    """Names with spaces or commas between them; no drug has a comma."""
    return tuple(name.strip() for given in names for name in given.split(",") if name.strip())


def _reported(path: Path, rules: Rules) -> dict[str, str]:
    try:
        return read_pharmcat(json.loads(path.read_text(encoding="utf-8")), rules.symbols)
    except (OSError, ValueError) as error:
        raise NoPharmcatReport(f"{path.name} cannot be read: {error}") from None


def _table(said: dict[str, Any]) -> str:
    lines = []
    for gene, one in said["genes"].items():
        score = "" if one["activity_score"] is None else f", activity score {one['activity_score']}"
        lines.append(f"{gene:8} {one['diplotype']}: {one['phenotype']}{score}")
        by = ", ".join(f"{inhibitor['drug']} ({inhibitor['class']})" for inhibitor in one["inhibitors"])
        if one["converted"]:
            sure = "" if one["conversion_confirmed"] else ", not confirmed: it may be either"
            lines.append(f"{'':8} beside {by}: {one['converted']}{sure}")
        elif by:
            lines.append(f"{'':8} inhibited by {by}; what remains cannot be computed")
    for one in said["recommendations"]:
        whom = f", {one['population']}" if one["population"] else ""
        because = ", beside the drugs taken" if one["basis"] == "phenoconversion" else ""
        lines.append(
            f"{one['drug']}, {one['source']}{whom}{because} [{one['strength']}] {one['action']}: {one['text']}"
        )
    lines += said["warnings"]
    lines.append(f"rules {said['rules']['version']}, sha256 {said['rules']['sha256'][:12]}")
    return "\n".join(lines)
