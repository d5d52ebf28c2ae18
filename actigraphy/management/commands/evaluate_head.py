"""``manage.py evaluate_head DIR --labels FILE.csv``: how well heads tell an outcome, on people they never saw."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

import numpy as np
from django.core.management.base import CommandError

from actigraphy.management.heads import Given, Steps, add_control, add_options, population, read_given
from actigraphy.science.heads import FEATURE_SETS, TrainingError, evaluate, make_folds
from actigraphy.science.pat import CohortError
from novamind.audit.commands import WatchedCommand
from novamind.measures import Abstained


class Command(WatchedCommand):
    """One bad file does not stop the others; the exit status is 1 when there was one."""

    help = "Judge heads on circadian features, PAT's embedding and both: figures with intervals, calibration, dummies."
    requires_system_checks = ()

    def add_arguments(self, parser: Any) -> None:
        add_options(parser)
        add_control(parser)
        parser.add_argument("--permutations", type=int, default=0, help="how often labels are dealt anew, to see leaks")
        parser.add_argument("--format", choices=["json", "table"], default="table")

    def handle(self, *args: Any, **options: Any) -> None:
        given, steps = read_given(options, sys.stderr), Steps(sys.stderr)
        seed, recordings = options["seed"], given.recordings
        try:
            folds = make_folds(
                recordings, encoder=given.encoder, cohort=given.cohort, folds=options["folds"], seed=seed,
                progress=steps("folds"),
            )  # fmt: skip
            results = evaluate(
                recordings, folds, population=population(given), alert_load=options["alert_load"],
                permutations=options["permutations"], seed=seed, progress=steps("feature sets"),
            )  # fmt: skip
        except (TrainingError, CohortError) as error:
            raise CommandError(str(error)) from None
        said = described(given, options) | {"results": results}
        for kind in FEATURE_SETS:
            results.setdefault(kind, Abstained("no_weights").as_json())
        if options["format"] == "json":
            self.stdout.write(json.dumps(said, indent=1, ensure_ascii=False, allow_nan=False))
        else:
            self.stdout.write(as_table(said))
        if any(refused.unreadable for refused in given.folder.refused):
            sys.exit(1)


def described(given: Given, options: dict[str, Any]) -> dict[str, Any]:
    """What was judged, how, and what was left out."""
    recordings, weights = given.recordings, given.weights
    control = options.get("untrained_control")
    missing = np.isnan(recordings.circadian)
    return {
        "recordings": len(recordings.label),
        "people": recordings.people,
        "positives": int(recordings.label.sum()),
        "device": recordings.device,
        "splits": f"{options['folds']} stratified folds of people" if options["folds"] else "leave one patient out",
        "alert_load": options["alert_load"] or "as many alerts as positives among the training people",
        "seed": options["seed"],
        "encoder": weights and {
            "size": weights.size.name,
            "sha256": weights.sha256,
            "published_as": weights.published_as,
            "untrained_control": control is not None,
        },
        "cohort": given.cohort.sha256 if given.cohort else "the training people of each fold",
        "weeks": sum(len(weeks) for weeks in recordings.weeks),
        "features_imputed": int(missing.sum()),
        "recordings_with_imputed_features": int(missing.any(axis=1).sum()),
        "files": [row.file for row in given.folder.rows],
        "refused": [asdict(refused) for refused in given.folder.refused],
    }  # fmt: skip


def as_table(said: dict[str, Any]) -> str:
    """The figures, a column per feature set; the reliability of each below."""
    encoder, results = said["encoder"], {name: found for name, found in said["results"].items() if "figures" in found}
    lines = [
        f"{said['recordings']} recordings of {said['people']} people, {said['positives']} positive, {said['splits']}",
        f"refused or left out: {len(said['refused'])}; features imputed: {said['features_imputed']}",
        f"encoder: {_encoder(encoder)}",
        "",
        f"{'':24}" + "".join(f"{name:>24}" for name in results),
    ]
    by_metric = zip(*(found["figures"] for found in results.values()), strict=True)
    lines += [f"{row[0]['metric']:24}" + "".join(f"{_figure(figure):>24}" for figure in row) for row in by_metric]
    for name, found in results.items():
        for row in found.get("reliability", []):
            came = f"{row['observed']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
            lines.append(f"{name}: of {row['n']} given {row['predicted']:.2f} on average, {came} were positive")
        if null := found.get("permutation"):
            between = f"{null['low']:.2f} to {null['high']:.2f}"
            lines.append(f"{name}: AUC of {null['permutations']} deals of the labels {between}; p {null['p']:.3g}")
    return "\n".join(lines)


def _encoder(encoder: dict[str, Any] | None) -> str:
    if encoder is None:
        return "none; PAT has no part"
    kind = "UNTRAINED CONTROL, " if encoder["untrained_control"] else ""
    return f"{kind}PAT-{encoder['size']}, sha256 {encoder['sha256']}"


def _figure(figure: dict[str, Any]) -> str:
    if figure["value"] is None:
        return "-"
    if figure["low"] is None:
        return f"{figure['value']:.2f}"
    return f"{figure['value']:.2f} ({figure['low']:.2f} to {figure['high']:.2f})"
