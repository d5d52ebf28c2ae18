"""Who is simulated: the lasting traits of a synthetic person, one at a time or as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from novamind.simulator.effects import stream

Kind = Literal["none", "unipolar", "bipolar_2", "bipolar_1"]
KINDS: tuple[Kind, ...] = ("none", "unipolar", "bipolar_2", "bipolar_1")
State = Literal["euthymic", "depressed", "hypomanic"]
STATES: tuple[State, ...] = ("euthymic", "depressed", "hypomanic")
EUTHYMIC, DEPRESSED, HYPOMANIC = range(3)

# Share of the four kinds in a draw; half of those who are ill begin in a depressed episode. The rating match
# (MIRORR, a sample from the general population to outpatients) is made on this mix.
_KIND_SHARES = (0.60, 0.25, 0.10, 0.05)
# Between-person correlation of the daily items down, anxi, ener: MIRORR person means give .75, -.60, -.36.
_TRAIT_CORRELATION = np.array([[1, 0.75, -0.60], [0.75, 1, -0.36], [-0.60, -0.36, 1]])


@dataclass(frozen=True, slots=True)
class Trip:
    """A stay in another time zone, from noon (at home) of the first day to noon of the last."""

    first: date
    last: date
    zone: str


@dataclass(frozen=True, slots=True)
class Persona:
    """A synthetic person. Change one with ``dataclasses.replace``.

    Attributes
    ----------
    seed : int
        Everything random about this person follows from it.
    age : int
        Years.
    sex : str
        ``female`` or ``male``.
    kind : str
        Mood disorder: ``none``, ``unipolar``, ``bipolar_2`` or ``bipolar_1``.
    state_at_start : str
        ``euthymic``, ``depressed`` or ``hypomanic`` on the first day.
    severity : float
        Depth of this person's episodes relative to the usual one (1).
    chronotype_h : float
        Local clock hour of midsleep when nothing wakes the person (about 4.6; early 3, late 6).
    sleep_need : float
        Wish for longer (> 0) or shorter sleep, standard scores.
    restlessness : float
        Movement in sleep, standard scores.
    activity : float
        Movement while awake, standard scores.
    regularity : float
        How strictly bed time is kept, standard scores.
    alarm_h : float
        Local clock hour of the alarm on work days; NaN for people without one.
    naps_per_week : float
        Expected daytime naps in a week.
    insomnia, shift_worker : bool
        Long sleep latency and much wake in the night; rotating day, evening and night shifts.
    low_mood, anxiety, energy : float
        Usual level of the three daily self-ratings, standard scores.
    reactivity : float
        Size of day-to-day swings of the states relative to the usual one (1).
    scatter : float
        Size of day-to-day noise of the ratings relative to the usual one (1).
    persistence_days : float
        Time constant of the day-to-day swings.
    trend : float
        Change of latent mood per 90 days, in its units (> 0 is worse).
    relief_per_hour : float
        Points by which an hour more of sleep lowers that day's rating of low mood (0-100). Nobody is drawn with any:
        its size in people is not known to us, and who asks for it sets it.
    forgets : float
        Chance that a daily rating is left out in usual mood.
    carelessness : float
        How often the watch is off the wrist relative to the usual rate (1).
    resting_bpm : float
        Resting heart rate, beats per minute.
    zone : str
        IANA zone of the home.
    trips : tuple of Trip
        Journeys to other zones, in order.
    """

    seed: int
    age: int = 40
    sex: str = "female"
    kind: Kind = "none"
    state_at_start: State = "euthymic"
    severity: float = 1.0
    chronotype_h: float = 4.6
    sleep_need: float = 0.0
    restlessness: float = 0.0
    activity: float = 0.0
    regularity: float = 0.0
    alarm_h: float = 7.1
    naps_per_week: float = 0.5
    insomnia: bool = False
    shift_worker: bool = False
    low_mood: float = 0.0
    anxiety: float = 0.0
    energy: float = 0.0
    reactivity: float = 1.0
    scatter: float = 1.0
    persistence_days: float = 3.0
    trend: float = 0.0
    relief_per_hour: float = 0.0
    forgets: float = 0.06
    carelessness: float = 1.0
    resting_bpm: float = 64.0
    zone: str = "Europe/Oslo"
    trips: tuple[Trip, ...] = ()

    @classmethod
    def draw(cls, seed: int, **known: Any) -> Self:
        """A random person, with what is ``known`` about them set (``kind="unipolar"``, ``zone="…"``).

        ``known`` values replace drawn ones and leave the others as they are.
        """
        drawn = {name: values[0].item() for name, values in _draw(stream(seed, "traits"), 1).items()}
        named = drawn | {"kind": KINDS[drawn["kind"]], "state_at_start": STATES[drawn["state_at_start"]]}
        if known.get("kind") == "none":
            named["state_at_start"] = "euthymic"
        return cls(seed=seed, **(named | known))


@dataclass(frozen=True)
class People:
    """The traits of n people as arrays of shape (n,): the fields of :class:`Persona`, kind and state as indices."""

    kind: NDArray[np.int64]
    state_at_start: NDArray[np.int64]
    severity: NDArray[np.float64]
    chronotype_h: NDArray[np.float64]
    sleep_need: NDArray[np.float64]
    regularity: NDArray[np.float64]
    alarm_h: NDArray[np.float64]
    naps_per_week: NDArray[np.float64]
    insomnia: NDArray[np.bool_]
    shift_worker: NDArray[np.bool_]
    low_mood: NDArray[np.float64]
    anxiety: NDArray[np.float64]
    energy: NDArray[np.float64]
    reactivity: NDArray[np.float64]
    scatter: NDArray[np.float64]
    persistence_days: NDArray[np.float64]
    trend: NDArray[np.float64]
    relief_per_hour: NDArray[np.float64]
    forgets: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.kind)

    @classmethod
    def of(cls, personas: Sequence[Persona]) -> Self:
        """Given people as arrays."""
        columns: dict[str, Any] = {f.name: np.array([getattr(p, f.name) for p in personas]) for f in fields(cls)}
        columns["kind"] = np.array([KINDS.index(p.kind) for p in personas])
        columns["state_at_start"] = np.array([STATES.index(p.state_at_start) for p in personas])
        return cls(**columns)

    @classmethod
    def draw(cls, n: int, seed: int) -> Self:
        """n random people from one seed."""
        drawn = _draw(stream(seed, "traits"), n)
        return cls(**{f.name: drawn[f.name] for f in fields(cls)})


def _draw(rng: np.random.Generator, n: int) -> dict[str, NDArray[Any]]:
    """Traits of n people; the constants are chosen by hand so that the matches of the test suite hold."""
    kind = rng.choice(len(KINDS), n, p=_KIND_SHARES)
    depressed = (rng.random(n) < 0.5) & (kind > 0)
    level = rng.multivariate_normal(np.zeros(3), _TRAIT_CORRELATION, n, method="cholesky")
    age = rng.integers(18, 81, n)
    ill = kind > 0
    return {
        "age": age,
        "sex": np.where(rng.random(n) < 0.5, "female", "male"),
        "kind": kind,
        "state_at_start": np.where(depressed, DEPRESSED, EUTHYMIC),
        "severity": rng.lognormal(0.0, 0.4, n),
        # Midsleep is latest at about 20 years and about an hour and a half earlier in old age.
        "chronotype_h": 4.7 + rng.normal(0.0, 1.0, n) - 0.02 * (age - 45),
        "sleep_need": rng.standard_normal(n),
        "restlessness": rng.standard_normal(n),
        "activity": rng.standard_normal(n),
        "regularity": rng.standard_normal(n),
        "alarm_h": np.where((rng.random(n) < 0.7) & (age < 68), rng.normal(7.1, 0.7, n), np.nan),
        "naps_per_week": rng.gamma(0.7, 1.2, n),
        "insomnia": rng.random(n) < np.where(ill, 0.30, 0.08),
        "shift_worker": (rng.random(n) < 0.06) & (age < 65),
        "low_mood": level[:, 0],
        "anxiety": level[:, 1],
        "energy": level[:, 2],
        "reactivity": rng.lognormal(0.0, 0.3, n),
        "scatter": rng.lognormal(0.0, 0.16, n),
        "persistence_days": rng.lognormal(np.log(3.0), 0.4, n),
        "trend": rng.normal(0.0, 0.25, n),
        "relief_per_hour": np.zeros(n),
        "forgets": np.minimum(rng.lognormal(np.log(0.052), 0.8, n), 0.6),
        "carelessness": rng.lognormal(0.0, 0.6, n),
        "resting_bpm": rng.normal(65.0, 8.0, n),
    }
