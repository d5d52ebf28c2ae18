"""How a job function ends: with a result to be stored, or by saying that another attempt cannot help."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Model

_CODE = re.compile(r"[a-z][a-z0-9_]{0,59}")


@dataclass(frozen=True, slots=True)
class Finish:
    """What the runner stores in one transaction, if this attempt is still the current one.

    ``save`` is an unsaved model instance, or a function that writes and may return an instance; ``result_id`` is
    taken from it unless given. ``publish`` names events and their ids.
    """

    save: Callable[[], Any] | Model | None = None
    result_id: UUID | None = None
    publish: Sequence[tuple[str, Mapping[str, Any]]] = ()

    def store(self) -> UUID | None:
        """Write the result; its id."""
        if self.save is None:
            return self.result_id
        if isinstance(self.save, Model):
            self.save.save()
            saved: Any = self.save
        else:
            saved = self.save()
        if self.result_id is not None:
            return self.result_id
        found = getattr(saved, "pk", saved)
        return found if isinstance(found, UUID) else None


class PermanentFailure(Exception):
    """Another attempt cannot help: a wrong file, a withdrawn consent. The code is for machines and holds no value."""

    def __init__(self, code: str) -> None:
        if not _CODE.fullmatch(code):
            raise ValueError("a failure code is a lower-case word, at most 60 characters")
        self.code = code
        super().__init__(code)


class LeaseLost(Exception):
    """Another worker has taken the job over; what this one has computed is dropped."""


def failure_code(error: BaseException) -> str:
    """The error's own code where it has one that reads like a code; its message never leaves the process."""
    code = getattr(error, "code", None)
    if isinstance(code, str) and _CODE.fullmatch(code):
        return code
    return "time_limit" if type(error).__name__ == "SoftTimeLimitExceeded" else "unexpected"


def failure_detail(error: BaseException) -> str:
    """Class and place of an error: enough to find it, and nothing that was read from a patient."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}" if trace is not None else ""
    return f"{type(error).__name__}{where}"[:300]
