"""A rule as a form: up to four conditions, how they go together, how soon somebody must look."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from insights.alerting.definition import (
    MOST_PARTS,
    WAYS,
    Wrong,
    checked,
    from_form,
    in_form,
    offered,
    parts_of,
    unit_of,
)
from insights.alerting.services import SEVERITIES
from insights.models import RuleWhy

KINDS: Final = (
    ("threshold", "is beyond a value on each of so many days"),
    ("trend", "falls or rises by so much a week"),
    ("deviation", "is so many times its day-to-day spread from its usual"),
    ("missing", "is missing for so many days"),
)
#: Kinds whose value is in the unit of the series, and not in spreads.
IN_UNITS: Final = frozenset({"threshold", "trend"})
#: What the form calls a way, whatever the kind.
DOWN, UP = "down", "up"


def series_choices() -> list[tuple[str, str]]:
    """Everything a rule may ask about."""
    return [("", "Choose one"), *((name, f"{one.label} ({unit_of(name)})") for name, one in offered().items())]


class ConditionForm(forms.Form):
    """One condition; left empty, it is none."""

    series = forms.ChoiceField(label="What", choices=series_choices, required=False)
    kind = forms.ChoiceField(label="Condition", choices=KINDS, required=False)
    way = forms.ChoiceField(label="Which way", choices=[(DOWN, "below, or falling"), (UP, "above, or rising")])
    value = forms.FloatField(
        label="By or beyond",
        required=False,
        help_text="the value, the change in a week, or how many times the spread; empty for missing data",
    )
    days = forms.IntegerField(label="Days", min_value=1, max_value=56, required=False)

    def said(self) -> dict[str, Any]:
        """As the schema has it; its errors are the schema's."""
        sent = self.cleaned_data
        kind = sent["kind"] or "threshold"
        value = sent["value"]
        if kind in IN_UNITS and value is not None:
            value = from_form(sent["series"], value)
        more = {"way": WAYS[kind][sent["way"] == UP], "value": value} if WAYS[kind] else {}
        return {"kind": kind, "series": sent["series"], "days": sent["days"], **more}


class RuleForm(forms.Form):
    """The rule around its conditions, which are forms of their own (``conditions``)."""

    together = forms.ChoiceField(
        label="Alert when", choices=[("all", "all of these conditions hold"), ("any", "one of them holds")]
    )
    severity = forms.ChoiceField(label="How soon", choices=[(one.value, one.label) for one in SEVERITIES])

    def __init__(self, data: Any = None, *, start: dict[str, Any] | None = None, severity: str = "low") -> None:
        parts = parts_of(start) if start else []
        super().__init__(data, initial={"together": start["kind"] if start else "all", "severity": severity})
        self.conditions = [
            ConditionForm(data, prefix=f"c{place}", initial=_shown(parts[place]) if place < len(parts) else {})
            for place in range(MOST_PARTS)
        ]

    def is_valid(self) -> bool:
        return all([super().is_valid(), *(one.is_valid() for one in self.conditions)]) and self._is_a_rule()

    def _is_a_rule(self) -> bool:
        parts = [one.said() for one in self.conditions if one.cleaned_data.get("series")]
        whole = {"kind": self.cleaned_data["together"], "of": parts} if len(parts) != 1 else parts[0]
        try:
            self.definition = checked(whole)
        except Wrong as why:
            self.add_error(None, f"This is no rule yet: {why}." if parts else "Choose what the rule is about.")
            return False
        return True


def _shown(part: dict[str, Any]) -> dict[str, Any]:
    way = part.get("way")
    shown = {"value": in_form(part["series"], part["value"])} if part["kind"] in IN_UNITS else {}
    return part | shown | {"way": UP if way and WAYS[part["kind"]].index(way) else DOWN}


class KeepForm(forms.Form):
    """Keep a rule that was tried: why, and whether it alerts from now on."""

    why = forms.ChoiceField(choices=[one for one in RuleWhy.choices if one[0] != RuleWhy.SHIPPED])
    active = forms.ChoiceField(
        label="From now on", choices=[("on", "it alerts"), ("off", "it is kept, and does not alert")]
    )


class StopForm(forms.Form):
    """Why a rule stops."""

    why = forms.ChoiceField(choices=[one for one in RuleWhy.choices if one[0] != RuleWhy.SHIPPED])
