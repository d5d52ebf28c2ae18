"""Pretraining PAT: what is trained on what, when it stops, and how it goes on after being killed."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from .architecture import WEEK_MIN, PatSize, size_named
from .checkpoints import read_checkpoint, write_checkpoint
from .masking import as_patches, draw_masks, shown_patches

if TYPE_CHECKING:
    from .autoencoder import Autoencoder

Floats = NDArray[np.float32]
Loss = Literal["masked", "all"]
LOSSES: Final = ("masked", "all")
FEWEST_TRAINED_PEOPLE: Final = 10


class PretrainingError(Exception):
    """Why an encoder cannot be trained, or training not be resumed; the text holds no path and no person."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an encoder is trained; the defaults are the paper's for S and M, but for the loss.

    Attributes
    ----------
    size : str
        A key of ``SIZES``.
    loss : str
        ``masked``: squared error of the masked and measured minutes. ``all``: of every measured minute, answers
        bounded to two standard deviations, as published.
    epochs, batch : int
        Epochs at most; weeks per step.
    decoded : int
        How many masked patches are reconstructed at once; 0 for all of them, as published. Fewer cost less (attention
        is quadratic) and the rest of the week is reconstructed in further passes.
    learning_rate, least_learning_rate : float
        Halved towards the least when ``plateau`` epochs bring no better held-out loss.
    patience, plateau : int
        Epochs without a better held-out loss until training ends, and until the rate is halved.
    held_out : float
        Share of the people, not of the weeks, whom training never sees.
    seed : int
    """

    size: str = "S"
    loss: Loss = "masked"
    epochs: int = 10_000
    batch: int = 128
    decoded: int = 0
    learning_rate: float = 1e-3
    least_learning_rate: float = 1e-4
    patience: int = 250
    plateau: int = 75
    held_out: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        masked = self.pat.tokens - shown_patches(self.pat)
        if min(self.epochs, self.batch, self.patience, self.plateau) < 1 or not 0 <= self.decoded <= masked:
            raise ValueError(f"epochs, batch, patience and plateau are at least 1, decoded is 0 to {masked}")

    @classmethod
    def published(cls, size: str, **chosen: Any) -> Recipe:
        """The paper's for that size (sec. 4 and the pretraining notebook), with what is chosen otherwise."""
        of_large = {"learning_rate": 1e-4, "least_learning_rate": 1e-5, "patience": 500, "plateau": 100}
        return cls(size=size, **((of_large if size.endswith("L") else {}) | chosen))

    @property
    def pat(self) -> PatSize:
        """The encoder that is trained."""
        return size_named(self.size)

    @property
    def together(self) -> int:
        """How many masked patches are reconstructed at once."""
        return self.decoded or self.pat.tokens - shown_patches(self.pat)


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the trained people's weeks: its number from 1, both losses, the rate, how long it took."""

    number: int
    loss: float
    held_out_loss: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True)
class Pretrained:
    """What training leaves: the numbers of the best epoch by their names, and the course of every epoch."""

    recipe: Recipe
    tensors: dict[str, Floats]
    epochs: list[Epoch]
    best: Epoch
    trained_people: int
    held_out_people: NDArray[np.int64]


@dataclass
class _Course:
    """Where training is; with the model's and optimizer's numbers all that a killed run needs to go on."""

    epochs: list[Epoch] = field(default_factory=list)
    best: int = 0
    reduced: int = 0
    learning_rate: float = 0.0

    def note(self, epoch: Epoch, recipe: Recipe) -> bool:
        """Add an epoch; whether it is the best so far."""
        self.epochs.append(epoch)
        better = not self.best or epoch.held_out_loss < self.epochs[self.best - 1].held_out_loss
        if better:
            self.best = epoch.number
        elif epoch.number - max(self.best, self.reduced) >= recipe.plateau:
            self.reduced = epoch.number
            self.learning_rate = max(self.learning_rate / 2, recipe.least_learning_rate)
        return better

    def over(self, recipe: Recipe) -> bool:
        return len(self.epochs) >= recipe.epochs or len(self.epochs) - self.best >= recipe.patience


def pretrain(
    weeks: Floats,
    person: NDArray[np.int64],
    recipe: Recipe,
    *,
    checkpoint: Path | None = None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> Pretrained:
    """Train the masked autoencoder.

    Parameters
    ----------
    weeks : ndarray of float32, shape (w, 10080)
        Normalised against one reference cohort; NaN where missing or not worn: never shown, and in no loss.
    person : ndarray of int64, shape (w,)
        Whose week it is.
    recipe : Recipe
        The same weeks and recipe give the same numbers on a CPU.
    checkpoint : Path, optional
        A file written after every epoch. Where it exists, training goes on from it and ends with the numbers it would
        have ended with.
    on_epoch : callable
        Told every epoch that was finished in this process.

    Raises
    ------
    PretrainingError
        Too few people, weeks with too few complete patches, a loss that is not finite, or a checkpoint of another
        recipe or other weeks.
    """
    if weeks.ndim != 2 or weeks.shape[1] != WEEK_MIN or person.shape != weeks.shape[:1]:
        raise ValueError(f"weeks (w, {WEEK_MIN}) and one person per week are needed; got {weeks.shape}, {person.shape}")
    trains = _Training(weeks, person, recipe)
    if checkpoint is not None and checkpoint.exists():
        trains.restore(checkpoint)
    while not trains.course.over(recipe):
        epoch = trains.epoch()
        if checkpoint is not None:
            trains.keep(checkpoint)
        on_epoch(epoch)
    epochs, best = trains.course.epochs, trains.course.best
    return Pretrained(recipe, trains.best, epochs, epochs[best - 1], trains.trained_people, trains.held_out_people)


def hold_out(person: NDArray[np.int64], recipe: Recipe) -> NDArray[np.int64]:
    """The people training never sees: a share of them, at least one, chosen by the seed."""
    people = np.unique(person)
    if len(people) < FEWEST_TRAINED_PEOPLE:
        raise PretrainingError(f"{len(people)} people with a week; {FEWEST_TRAINED_PEOPLE} are needed")
    drawn = np.random.default_rng([recipe.seed, 1]).permutation(people)
    return np.sort(drawn[: max(1, round(recipe.held_out * len(people)))])


class _Training:
    def __init__(self, weeks: Floats, person: NDArray[np.int64], recipe: Recipe) -> None:
        self.recipe, self.shown = recipe, shown_patches(recipe.pat)
        self.held_out_people = hold_out(person, recipe)
        self.trained_people = len(np.unique(person)) - len(self.held_out_people)
        patches, held_out = as_patches(weeks, recipe.pat), np.isin(person, self.held_out_people)
        self.patches, self.held_out = patches[~held_out], patches[held_out]
        self._digest = _digest(weeks, person, recipe)
        try:
            # The same masks after every epoch, so that epochs can be compared.
            self._held_out_masks = draw_masks(self.held_out, self.shown, np.random.default_rng([recipe.seed, 2]))
            draw_masks(self.patches, self.shown, np.random.default_rng())
        except ValueError as error:
            raise PretrainingError(str(error)) from None
        self.rng = np.random.default_rng([recipe.seed, 3])
        self.course = _Course(learning_rate=recipe.learning_rate)
        self.model, self._optimizer, self._step, self._loss = _compiled(recipe)
        self.model.initialize(self.rng)
        self.best: dict[str, Floats] = {}

    def epoch(self) -> Epoch:
        """One pass over the trained people's weeks, then the held-out loss."""
        began = time.monotonic()
        rate = self.course.learning_rate
        self._optimizer.learning_rate.assign(rate)
        order, total = self.rng.permutation(len(self.patches)), 0.0
        for at in range(0, len(order), self.recipe.batch):
            batch = self.patches[order[at : at + self.recipe.batch]]
            total += len(batch) * float(self._step(batch, *self._masks(draw_masks(batch, self.shown, self.rng))))
        loss = total / len(order)
        held_out = self._held_out_loss()
        if not np.isfinite([loss, held_out]).all():
            raise PretrainingError(f"the loss is no longer finite in epoch {len(self.course.epochs) + 1}")
        found = Epoch(len(self.course.epochs) + 1, loss, held_out, rate, time.monotonic() - began)
        if self.course.note(found, self.recipe):
            self.best = self.model.tensors()
        return found

    def _held_out_loss(self) -> float:
        total = 0.0
        for at in range(0, len(self.held_out), self.recipe.batch):
            rows = slice(at, at + self.recipe.batch)
            visible, masked = self._held_out_masks
            masks = self._masks((visible[rows], masked[rows]))
            total += len(masks[0]) * float(self._loss(self.held_out[rows], *masks))
        return total / len(self.held_out)

    def _masks(self, drawn: tuple[NDArray[np.int64], NDArray[np.int64]]) -> tuple[Any, Any]:
        visible, masked = drawn
        return visible, masked[:, : self.recipe.together]

    def keep(self, path: Path) -> None:
        """All that a killed run needs, in one file that is there whole or not at all."""
        arrays = {f"best/{name}": tensor for name, tensor in self.best.items()}
        arrays |= {f"state/{at}": variable.numpy() for at, variable in enumerate(self._state())}
        course = asdict(self.course)
        write_checkpoint(path, arrays, {"digest": self._digest, "rng": self.rng.bit_generator.state, "course": course})

    def restore(self, path: Path) -> None:
        """Go on where the checkpoint was written."""
        try:
            arrays, said = read_checkpoint(path)
        except ValueError as error:
            raise PretrainingError(str(error)) from None
        if said["digest"] != self._digest:
            raise PretrainingError("the checkpoint is of another recipe or of other weeks")
        for at, variable in enumerate(self._state()):
            variable.assign(arrays[f"state/{at}"])
        self.best = {name.removeprefix("best/"): arrays[name] for name in arrays if name.startswith("best/")}
        self.rng.bit_generator.state = said["rng"]
        course = said["course"]
        self.course = _Course(**(course | {"epochs": [Epoch(**epoch) for epoch in course["epochs"]]}))

    def _state(self) -> list[Any]:
        return [*self.model.trained, *self.model.seeds, *self._optimizer.variables]


def _compiled(recipe: Recipe) -> tuple[Autoencoder, Any, Any, Any]:
    """The model, its optimizer, a training step and the held-out loss as TensorFlow graphs."""
    import keras
    import tensorflow as tf

    from .autoencoder import Autoencoder, loss_of

    # Else sums of a batch depend on which thread came first.
    tf.config.experimental.enable_op_determinism()
    model = Autoencoder(recipe.pat, bounded=recipe.loss == "all")
    optimizer = keras.optimizers.Adam(recipe.learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-7)
    optimizer.build(model.trained)
    places = tf.TensorSpec((None, None), tf.int64)
    signature = [tf.TensorSpec((None, recipe.pat.tokens, recipe.pat.patch_min), tf.float32), places, places]

    @tf.function(input_signature=signature, autograph=False)
    def step(patches: Any, visible: Any, wanted: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(model, recipe.loss, patches, visible, wanted, training=True)
        optimizer.apply(tape.gradient(loss, model.trained), model.trained)
        return loss

    @tf.function(input_signature=signature, autograph=False)
    def judge(patches: Any, visible: Any, wanted: Any) -> Any:
        return loss_of(model, recipe.loss, patches, visible, wanted, training=False)

    return model, optimizer, step, judge


def _digest(weeks: Floats, person: NDArray[np.int64], recipe: Recipe) -> str:
    """What a checkpoint belongs to; more epochs or more patience may be asked of it later."""
    said = {f.name: getattr(recipe, f.name) for f in fields(recipe) if f.name not in ("epochs", "patience")}
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    digest.update(np.ascontiguousarray(weeks).tobytes() + np.ascontiguousarray(person).tobytes())
    return digest.hexdigest()
