"""Which effects a simulation contains; each can be switched off to give the null for a false-alarm check."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

_PARTS = ("traits", "latent", "ratings", "sleep", "wake_bouts", "activity", "wear", "devices", "body", "courses")


@dataclass(frozen=True, slots=True)
class Effects:
    """Switches, all on by default.

    A switch changes what it names and nothing else: every part draws its random numbers from a stream of its own,
    and draws as many with the effect off as on, so that two simulations that differ in one switch are a matched pair.

    Attributes
    ----------
    episodes : bool
        Depressed and hypomanic episodes; off leaves everyone euthymic.
    drift : bool
        A slow linear trend of mood.
    weekly_cycle : bool
        Mood is lowest on Mondays and best at the weekend.
    mood_on_sleep : bool
        Low mood delays and fragments sleep; hypomania shortens it.
    sleep_on_mood : bool
        A night's sleep moves the next day's rating of low mood, of people whose persona has it.
    mood_on_activity : bool
        Low mood lowers movement while awake.
    mood_on_missing : bool
        In low mood the watch is worn less and ratings are left out more (missing not at random).
    alarm : bool
        Work days begin with an alarm.
    naps, insomnia, shift_work : bool
        Of those people whose persona has them.
    missing : bool
        Off-wrist time, dead battery, failed synchronization, ratings left out.
    device_faults : bool
        Bias, clock drift, one duplicated batch and one batch in a wrong time zone in the second source.
    """

    episodes: bool = True
    drift: bool = True
    weekly_cycle: bool = True
    mood_on_sleep: bool = True
    sleep_on_mood: bool = True
    mood_on_activity: bool = True
    mood_on_missing: bool = True
    alarm: bool = True
    naps: bool = True
    insomnia: bool = True
    shift_work: bool = True
    missing: bool = True
    device_faults: bool = True

    def without(self, *names: str) -> Self:
        """A copy with these effects off; ``TypeError`` for a name that is not an effect."""
        return replace(self, **dict.fromkeys(names, False))


ALL = Effects()


def stream(seed: int, part: str) -> np.random.Generator:
    """The random stream of one part of the simulation; ``ValueError`` for a part that does not exist."""
    return np.random.default_rng([_PARTS.index(part), seed])
