"""Every kind of job, who listens to which event, and what recurs: filled by the ``jobs.py`` of each app."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from django.conf import settings

from novamind.jobs.finish import Finish

#: Plain, or a generator that asks once (``answer = yield question``) for what is computed for several jobs together.
JobFunction = Callable[..., Finish | None] | Callable[..., Generator[Any, Any, Finish | None]]
Together = Callable[[list[Any]], Sequence[Any]]
F = TypeVar("F", bound=JobFunction)

#: First come first: a worker that serves several looks for work in this order. ``batch`` is what nobody waits for.
QUEUES: Final = ("notify", "default", "ml", "batch")


class UnknownKind(LookupError):
    """No ``jobs.py`` has registered that kind."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job: its function, where it runs, for how long at most, and what answers those that ask together."""

    name: str
    function: JobFunction
    queue: str
    time_limit_s: int
    together: Together | None = None
    most: int = 1

    def check(self, args: Mapping[str, Any]) -> None:
        """``TypeError`` where the function would not accept these arguments: said by the caller, not by a worker."""
        inspect.signature(self.function).bind(**args)

    def accepted(self, ids: Mapping[str, Any]) -> dict[str, Any]:
        """Those of an event's ids that the function takes; an event may grow without breaking its listeners."""
        parameters = inspect.signature(self.function).parameters.values()
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            return dict(ids)
        names = {parameter.name for parameter in parameters}
        return {name: value for name, value in ids.items() if name in names}


@dataclass(frozen=True, slots=True)
class Subscription:
    """A job that an event starts; ``key`` is a template over the event's ids, ``once`` says that none comes twice."""

    event: str
    kind: str
    key: str | None
    once: bool = False

    def key_for(self, ids: Mapping[str, Any]) -> str:
        """The job's key: by default one per kind and set of ids."""
        if self.key is not None:
            return self.key.format(**ids)
        return ":".join([self.kind, *(str(ids[name]) for name in sorted(ids))])


@dataclass(frozen=True, slots=True)
class Periodic:
    """A job that recurs: once in every slot of ``every``, counted from midnight UTC plus ``offset``."""

    kind: str
    every: timedelta
    offset: timedelta

    def slot(self, moment: datetime) -> datetime:
        """The start of the slot that contains the moment."""
        origin = datetime(1970, 1, 1, tzinfo=UTC) + self.offset
        return origin + (moment - origin) // self.every * self.every


KINDS: Final[dict[str, Kind]] = {}
SUBSCRIPTIONS: Final[dict[str, list[Subscription]]] = {}
PERIODIC: Final[dict[str, Periodic]] = {}


def kind_named(name: str) -> Kind:
    """The registered kind; :class:`UnknownKind` with the known ones otherwise."""
    try:
        return KINDS[name]
    except KeyError:
        raise UnknownKind(f"no job is called {name!r}; known: {', '.join(sorted(KINDS))}") from None


def job(
    name: str,
    *,
    queue: str = "default",
    time_limit_s: int | None = None,
    together: Together | None = None,
    most: int = 1,
) -> Callable[[F], F]:
    """Register a function as a kind of job. The limit may not exceed ``JOB_TIME_LIMIT_S``.

    With ``together`` the function is a generator that asks once; up to ``most`` jobs that wait are asked at the same
    time, and ``together`` turns their questions into as many answers.
    """
    limit = settings.JOB_TIME_LIMIT_S if time_limit_s is None else time_limit_s
    if queue not in QUEUES:
        raise ValueError(f"{name}: no queue {queue!r}; there are {', '.join(QUEUES)}")
    if not 0 < limit <= settings.JOB_TIME_LIMIT_S:
        # Redis hands a message out again after twice the longest limit; a longer job would always run twice.
        raise ValueError(f"{name}: {limit} s is outside 1 to {settings.JOB_TIME_LIMIT_S} s (JOB_TIME_LIMIT_S)")

    def register(function: F) -> F:
        known = KINDS.get(name)
        if known is not None and known.function is not function:
            raise ValueError(f"{name} is already {known.function.__module__}.{known.function.__qualname__}")
        KINDS[name] = Kind(name, function, queue, limit, together, most)
        return function

    return register


def subscribes(event: str, *, key: str | None = None, once: bool = False) -> Callable[[F], F]:
    """Run this job after the event; stands above ``@job``.

    ``key`` is a template over the event's ids (``"twins.refresh:{patient_id}"``) by which waiting jobs are merged.
    ``once``: the key names what is published a single time, so that none can wait under it and none is looked for.
    """

    def register(function: F) -> F:
        subscription = Subscription(event, _kind_of(function), key, once)
        listeners = SUBSCRIPTIONS.setdefault(event, [])
        if subscription not in listeners:
            listeners.append(subscription)
            # One order for everybody: two transactions that publish the same event take locks alike.
            listeners.sort(key=lambda listener: listener.kind)
        return function

    return register


def periodic(
    name: str,
    *,
    every: timedelta,
    offset: timedelta = timedelta(),
    queue: str = "default",
    time_limit_s: int | None = None,
) -> Callable[[F], F]:
    """Register a job without arguments that the tick inserts once per slot, also when two ticks run at once."""
    if every <= timedelta():
        raise ValueError(f"{name}: every must be positive")

    def register(function: F) -> F:
        job(name, queue=queue, time_limit_s=time_limit_s)(function)
        PERIODIC[name] = Periodic(name, every, offset)
        return function

    return register


def _kind_of(function: JobFunction) -> str:
    for kind in KINDS.values():
        if kind.function is function:
            return kind.name
    raise ValueError(f"{function.__qualname__}: put @subscribes above @job")
