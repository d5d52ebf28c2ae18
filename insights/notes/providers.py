"""Who puts facts into sentences: this program itself, or a model outside, behind one Protocol."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Protocol

from django.conf import settings

from actigraphy.pat.breaker import Breaker
from insights.notes.checking import Fact
from insights.notes.reading import sentences_of

#: Of every provider outside: seconds to connect and to read, tries, and when it is left alone.
CONNECT_S: Final = 5.0
READ_S: Final = 30.0
TRIES: Final = 3
FAILURES: Final = 5
PAUSE_S: Final = 60.0
MOST_TOKENS: Final = 2000


class Unconfigured(Exception):
    """The settings do not say whom to ask, or how; the message names the setting and holds no secret."""


class Unavailable(Exception):
    """The provider gave no answer that could be used; the message quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """``system`` and ``prompt`` are what may leave the clinic; ``facts`` never leave as they are."""

    facts: Sequence[Fact]
    system: str = ""
    prompt: str = ""


class Provider(Protocol):
    """Gives sentences with the ids they cite, one a line; what it gives is checked, whoever it is."""

    name: str
    model: str
    outside: bool

    def draft(self, asked: Asked) -> str:
        """The sentences. Raises :class:`Unavailable`."""


class Grounded:
    """Each fact in its own words: no network, no model, always the same."""

    name, model, outside = "grounded", "", False

    def draft(self, asked: Asked) -> str:
        """Every sentence of every fact with its id; a patient's text whole."""
        lines = [
            f"{one} [{fact.id}]"
            for fact in asked.facts
            for one in (sentences_of(fact.words) if fact.trusted else [fact.words])
        ]
        return "\n".join(lines)


def provider_for(task: str) -> Provider:
    """The one that ``NOTES_PROVIDER`` names, with the model of this task. Raises :class:`Unconfigured`."""
    makers: dict[str, Callable[[str], Provider]] = {"openai": _openai, "bedrock": _bedrock}
    if settings.NOTES_PROVIDER == "grounded":
        return Grounded()
    if settings.NOTES_PROVIDER not in makers:
        raise Unconfigured("NOTES_PROVIDER is grounded, openai or bedrock")
    return makers[settings.NOTES_PROVIDER](model_for(task))


def model_for(task: str) -> str:
    """The model of a task, by ``MENTALLAMA_MODEL_MAPPINGS``."""
    try:
        mapping = json.loads(settings.MENTALLAMA_MODEL_MAPPINGS or "{}")
    except ValueError:
        raise Unconfigured("MENTALLAMA_MODEL_MAPPINGS is not JSON") from None
    model = mapping.get(task) if isinstance(mapping, dict) else None
    if not isinstance(model, str) or not model:
        raise Unconfigured(f"MENTALLAMA_MODEL_MAPPINGS names no model for {task}")
    return model


def _openai(model: str) -> Provider:
    from insights.notes.openai import OpenAi

    return OpenAi(model)


def _bedrock(model: str) -> Provider:
    from insights.notes.bedrock import Converse

    return Converse(model)


@lru_cache(maxsize=8)
def breaker(address: str) -> Breaker:
    """One for each address and process."""
    return Breaker(failures=FAILURES, pause_s=PAUSE_S)


def through(address: str, call: Callable[[], str]) -> str:
    """The call's answer, unless its address failed several times and is left alone; never another provider's."""
    guard = breaker(address)
    if not guard.lets_through():
        raise Unavailable("it failed several times; it is tried again in a while")
    try:
        answer = call()
    except Unavailable:
        guard.failed()
        raise
    guard.succeeded()
    return answer


def text_of(answer: Any) -> str:
    """The text of an answer, which has to be one."""
    if not isinstance(answer, str) or not answer.strip():
        raise Unavailable("the answer holds no text")
    return answer
