"""``manage.py evaluate_forecaster FILE.csv``: how well each model forecasts people it never saw."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from novamind.audit.commands import WatchedCommand
from twins.management.forecasting import add_options, as_table, panel_of, scale_of, steps, use_threads
from twins.science.forecasting import (
    HORIZON,
    PRESETS,
    ModelError,
    Panel,
    PanelError,
    evaluate,
    judge,
    load_forecaster,
)
from twins.training import judged_elsewhere


class Command(WatchedCommand):
    """Reads a file and writes figures; no database, and nobody is named in what it prints."""

    help = "Judge forecasts 14 days ahead of a CSV file with the columns person, day, score; people are split."
    requires_system_checks = ()

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("file", metavar="FILE.csv", type=Path)
        parser.add_argument("--folds", type=int, default=5, help="groups of people, each judged by the others' models")
        parser.add_argument("--forecaster", type=Path, help="judge this file as it is; nothing is trained")
        parser.add_argument("--onto-card", metavar="WHO", help="with --forecaster: write the figures onto its card")
        parser.add_argument("--format", choices=["json", "table"], default="table")
        add_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        panel = panel_of(options["file"], scale_of(options))
        try:
            said = self._judged(panel, options) if options["forecaster"] else self._trained(panel, options)
        except PanelError as error:
            raise CommandError(f"{options['file'].name}: {error}.") from None
        except ModelError as error:
            raise CommandError(f"{options['forecaster'].name}: {error}.") from None
        if options["onto_card"]:
            self._note(said, len(panel), options)
        said = {"people": len(panel), "horizon_days": HORIZON} | said
        if options["format"] == "json":
            self.stdout.write(json.dumps(said, indent=1, allow_nan=False))
        else:
            self.stdout.write(as_table(said))

    def _trained(self, panel: Panel, options: dict[str, Any]) -> dict[str, Any]:
        use_threads(options["threads"])
        judged = evaluate(
            panel, preset=PRESETS[options["preset"]], folds=options["folds"], seed=options["seed"],
            scale=scale_of(options), threads=options["threads"], progress=steps(sys.stderr, "folds"),
        )  # fmt: skip
        trained = {"folds": options["folds"], "seed": options["seed"], "preset": options["preset"]}
        return trained | {"transformer_share": judged.weights} | judged.table(seed=options["seed"])

    def _judged(self, panel: Panel, options: dict[str, Any]) -> dict[str, Any]:
        forecaster = load_forecaster(options["forecaster"])
        judged = judge(forecaster, panel)
        return {"forecaster_sha256": forecaster.sha256, "transformer_share": judged.weights} | judged.table(
            seed=options["seed"]
        )

    def _note(self, said: dict[str, Any], people: int, options: dict[str, Any]) -> None:
        """The figures onto the card beside the file; which model serves follows from them."""
        if not options["forecaster"]:
            raise CommandError("--onto-card needs --forecaster: what was trained here for an evaluation is not kept.")
        path = options["forecaster"].with_suffix(".card.json")
        try:
            card = json.loads(path.read_text())
        except (OSError, ValueError):
            raise CommandError(f"{path.name}: there is no card to write on.") from None
        if card.get("sha256") != said["forecaster_sha256"]:
            raise CommandError(f"{path.name} is the card of another file.")
        card = judged_elsewhere(card, said["models"], people=people, data=options["onto_card"])
        path.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n")
        self.stderr.write(f"{path.name}: {card['serves']} serves")
