"""The rules about drugs that this site goes by: those of Novamind, or a file of its own; and the check of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import Error, register

from twins.science.pgx import Rules, RulesError, load_rules, shipped_rules


def rules_in_use() -> Rules:
    """The site's rules, read once a process.

    Raises
    ------
    RulesError
        Its file is no set of rules; a check at every start has said so before.
    """
    return _loaded(Path(settings.PGX_RULES_FILE)) if settings.PGX_RULES_FILE else shipped_rules()


def table_url(symbol: str) -> str | None:
    """Where the table is read by which a gene's phenotype was found; HLA alleles are their own answer."""
    table = rules_in_use().genes.get(symbol)
    return table.url if table else None


@cache
def _loaded(path: Path) -> Rules:
    return load_rules(path)


@register()
def the_rules_can_be_read(app_configs: Any, **kwargs: Any) -> list[Error]:
    """A site's own file is checked as the shipped one is; with a wrong one nothing starts."""
    try:
        rules_in_use()
    except RulesError as error:
        return [Error(f"PGX_RULES_FILE: {error}", hint="Leave it empty for the rules that come with Novamind.",
                      id="twins.E001")]  # fmt: skip
    return []
