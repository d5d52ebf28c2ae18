"""What the commands about forecasts share: their options, and the table they read."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import CommandError

from twins.science.forecasting import PRESETS, Panel, PanelError, Scale, read_table

_COLUMNS = ("mae", "rmse", "mase", "coverage_80", "width_80", "coverage_95", "width_95")


def add_options(parser: Any) -> None:
    """Options of both commands."""
    parser.add_argument("--preset", choices=list(PRESETS), default="small", help="size of the transformer")
    parser.add_argument("--range", nargs=2, type=float, metavar=("LOW", "HIGH"), help="of the instrument; else as seen")
    parser.add_argument("--step", type=float, default=0.0, help="between neighbouring scores; 0 where there is no grid")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=_positive, default=2, help="of XGBoost and TensorFlow")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("at least 1 is needed")
    return value


def scale_of(options: dict[str, Any]) -> Scale | None:
    """The instrument's scale, where it was named."""
    if options["range"] is None:
        if options["step"]:
            raise CommandError("--step needs --range: a grid begins somewhere.")
        return None
    try:
        return Scale(*options["range"], options["step"])
    except ValueError as error:
        raise CommandError(f"--range, --step: {error}.") from None


def panel_of(path: Path, scale: Scale | None) -> Panel:
    """The table, read; ``CommandError`` says what is wrong with it."""
    try:
        panel = read_table(path)
        if scale is not None:
            scale.holds(panel.scores)
    except PanelError as error:
        raise CommandError(f"{path.name}: {error}.") from None
    return panel


def use_threads(threads: int) -> None:
    """How many TensorFlow may use; it can be said once in a process, before anything runs."""
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        return  # something ran already, with the threads it was given


def steps(say: TextIO, what: str) -> Any:
    """A callback for (done, total) that writes a line each time."""

    def progress(done: int, total: int) -> None:
        say.write(f"{what}: {done} of {total}\n")
        say.flush()

    return progress


def as_table(said: dict[str, Any]) -> str:
    """A line for each model, over every forecast that would be served."""
    lines = [f"{said['people']} people, up to {said['horizon_days']} days ahead, scores of people never trained on"]
    lines.append(f"{'':24}" + "".join(f"{name:>13}" for name in _COLUMNS) + "   own-mean minus model (95 %)")
    for name, found in said["models"].items():
        numbers = "".join(f"{'-' if found[key] is None else format(found[key], '.3f'):>13}" for key in _COLUMNS)
        low, high = found["own_mean_minus_model_interval"]
        lines.append(f"{name:24}{numbers}   {found['own_mean_minus_model']:.2f} ({low:.2f} to {high:.2f})")
    return "\n".join(lines)
