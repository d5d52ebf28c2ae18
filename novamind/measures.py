"""The one form of every number that is shown: measured, or abstained with its reason.

Science raises :class:`Abstained`; services store either form; one serializer and one template tag show
it. Nothing in this module knows Django, so that science may use it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

#: Why a number is not given: code -> the sentence a clinician reads. ``{needed}``, ``{got}`` and ``{what}``
#: are filled from the abstention. The sentence without numbers is used where it carries none.
REASONS: Final = MappingProxyType(
    {
        "too_few_days": ("{got} valid days; {needed} needed", "too few valid days"),
        "too_few_nights": ("{got} valid nights; {needed} needed", "too few valid nights"),
        "too_little_wear": ("worn {got} h; {needed} h needed", "not worn long enough"),
        "not_known_worn": ("the device is not known to have been worn", "the device is not known to have been worn"),
        "too_few_pairs": ("{got} comparable pairs; {needed} needed", "too few comparable values"),
        "too_few_people": ("it would tell of fewer than {needed} people", "it would tell of too few people"),
        "too_few_inputs": ("{got} inputs; {needed} needed", "too few inputs"),
        "items_missing": ("{got} items unanswered; at most {needed} may be", "too many items are unanswered"),
        "no_total": ("this instrument has no total score", "this instrument has no total score"),
        "no_variation": ("the signal does not vary, so this number has no meaning", "the signal does not vary"),
        "no_weights": ("no model weights are installed", "no model weights are installed"),
        "weights_mismatch": (
            "the weights file is not the registered one",
            "the weights file is not the registered one",
        ),
        "no_reference_cohort": (
            "no reference cohort for this device ({what}), so the model's input cannot be normalised",
            "no reference cohort for this device, so the model's input cannot be normalised",
        ),
        "unsupported_device": ("not defined for this device ({what})", "not defined for this device"),
        "not_promoted": ("no model of this kind is in production", "no model of this kind is in production"),
        "not_tested": ("not tested", "not tested"),
        "not_an_estimate": (
            "this is counted or on record, not estimated",
            "this is counted or on record, not estimated",
        ),
        "set_for_all": (
            "its false statements are set for all series together",
            "its false statements are set for all series together",
        ),
        "indeterminate": ("the data allow no answer ({what})", "the data allow no answer"),
        "consent_withheld": ("the patient has not consented to this use", "the patient has not consented to this use"),
        "stale": ("the data are too old ({what})", "the data are too old"),
        "not_kept": ("it was computed from data that are not kept any more", "data that are not kept any more"),
        "waiting": ("being computed", "being computed"),
        "failed": ("the computation failed and the administrators were told", "the computation failed"),
    }
)


class Abstained(Exception):
    """A number that is not given, and why.

    Parameters
    ----------
    code : str
        A key of :data:`REASONS`.
    needed, got : float or int, optional
        The threshold and what the data had, in the unit the sentence names.
    what : str, optional
        The device, channel or circumstance, in words fit for a page.

    Raises
    ------
    KeyError
        The code is not in the catalogue: an abstention nobody can read is a bug.
    """

    def __init__(
        self, code: str, *, needed: float | None = None, got: float | None = None, what: str | None = None
    ) -> None:
        REASONS[code]
        self.code, self.needed, self.got, self.what = code, needed, got, what
        super().__init__(code)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Abstained) and self.as_json() == other.as_json()

    def __hash__(self) -> int:
        return hash((self.code, self.needed, self.got, self.what))

    @property
    def reason(self) -> str:
        """The sentence for a page, with the numbers where they are known."""
        with_numbers, without = REASONS[self.code]
        values = {"needed": _plain(self.needed), "got": _plain(self.got), "what": self.what}
        wanted = [name for name in values if "{" + name + "}" in with_numbers]
        if any(values[name] is None for name in wanted):
            return without
        return with_numbers.format(**values)

    def as_json(self) -> dict[str, Any]:
        """The stored form: ``{"abstained": code, "reason": …, "needed"?, "got"?, "what"?}``."""
        stored: dict[str, Any] = {"abstained": self.code, "reason": self.reason}
        for name in ("needed", "got", "what"):
            if getattr(self, name) is not None:
                stored[name] = getattr(self, name)
        return stored

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Abstained:
        """The inverse of :meth:`as_json`."""
        return cls(stored["abstained"], needed=stored.get("needed"), got=stored.get("got"), what=stored.get("what"))


def _plain(value: float | None) -> str | None:
    return None if value is None else f"{value:g}" if abs(value) < 1e6 else str(value)


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of time a number was computed from; both ends aware, the end excluded."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a window has aware ends")


@dataclass(frozen=True, slots=True)
class Measure:
    """A number that was computed, with what a reader needs to trust it.

    Parameters
    ----------
    value : float
        Never NaN: a number that could not be computed is :class:`Abstained`.
    unit : str
        As shown: ``min``, ``h``, ``counts/min``, ``%``; the empty string is dimensionless.
    method : str
        The named method and its parameters, e.g. ``Cole-Kripke 1992 (ActiLife: axis 1 / 100, cap 300)``.
    window : Window, optional
        What it was computed from.
    n : int, optional
        How many nights, days or pairs stand behind it.
    coverage : float, optional
        Share of the window with valid data, 0 to 1.
    low, high : float, optional
        An interval, in the same unit; the method says which.
    record_id : UUID, optional
        The row whose provenance page explains the number.
    name : str, optional
        Which number of that row it is; the provenance page shows it first.
    """

    value: float
    unit: str
    method: str
    window: Window | None = None
    n: int | None = None
    coverage: float | None = None
    low: float | None = None
    high: float | None = None
    record_id: UUID | None = field(default=None, compare=False)
    name: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if self.value != self.value:
            raise ValueError("a Measure is never NaN; raise Abstained")


Shown = Measure | Abstained
