"""``manage.py build_pgx_rules REFERENCE.json OUT.json``: a new version of the pharmacogenomic rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from novamind.audit.commands import WatchedCommand
from twins.science.pgx import RulesError, as_text, build, load_rules


class Command(WatchedCommand):
    """Reads an export of guidelines and writes a file; no database."""

    help = "Structure an export of CPIC and DPWG rows into a rule file, in our own words, and check it."
    requires_system_checks = ()

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("reference", metavar="REFERENCE.json", type=Path)
        parser.add_argument("out", metavar="OUT.json", type=Path)
        parser.add_argument("--rules-version", required=True, help="what the new version is called, such as 2026.11")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            reference = json.loads(options["reference"].read_text(encoding="utf-8"))
            content = as_text(build(reference, version=options["rules_version"]))
            options["out"].write_text(content, encoding="utf-8")
            rules = load_rules(options["out"])
        except (OSError, KeyError, TypeError, RulesError, ValueError) as error:
            raise CommandError(f"No rules were built: {error}", returncode=2) from None
        self.stdout.write(f"{options['out'].name}: {len(rules.drugs)} drugs, sha256 {rules.sha256}")
