"""A question to a twin, as it is typed."""

from __future__ import annotations

from typing import Any

from django import forms

from patients.vocabularies import drugs
from twins.whatif.told import ACTIVITY_PERCENT, DAYS, DAYS_UNLESS_ASKED, SHIFT_MIN, SLEEP_MIN, problem


class WhatIfForm(forms.Form):
    """A change that is kept up on each of the coming days."""

    sleep_min = forms.IntegerField(
        label="Sleep a night, minutes more or less", required=False, min_value=-SLEEP_MIN, max_value=SLEEP_MIN
    )
    shift_min = forms.IntegerField(
        label="Middle of sleep, minutes later or earlier", required=False, min_value=-SHIFT_MIN, max_value=SHIFT_MIN,
        help_text="a minus sign is earlier",
    )  # fmt: skip
    activity_percent = forms.IntegerField(
        label="Movement, per cent more or less", required=False, min_value=ACTIVITY_PERCENT[0],
        max_value=ACTIVITY_PERCENT[1], help_text="of the patient's own usual",
    )  # fmt: skip
    drug = forms.ChoiceField(label="A medicine to be begun", required=False)
    days = forms.IntegerField(label="Coming days", min_value=DAYS[0], max_value=DAYS[1], initial=DAYS_UNLESS_ASKED)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["drug"].choices = [("", "none"), *((one.id, one.name) for one in drugs().values())]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if not self.errors and (why := problem(said)):
            raise forms.ValidationError(why)
        return said

    @property
    def asked(self) -> dict[str, Any]:
        """What was typed, without what was left out."""
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}
