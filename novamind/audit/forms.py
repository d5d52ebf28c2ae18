"""What a page of the trail is narrowed by."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from novamind.accounts.models import User
from novamind.accounts.roles import DEVICE, PATIENT
from novamind.audit.activity import Week
from novamind.audit.models import ActivityReview, EventType
from novamind.audit.questions import Days, Narrowed


class Day(forms.DateField):
    """A day near enough to now to be reckoned with in every zone."""

    default_validators = (
        MinValueValidator(date(2000, 1, 1), "No trail is as old as that."),
        MaxValueValidator(date(2199, 12, 31), "No trail reaches as far as that."),
    )


class DaysForm(forms.Form):
    """From one day to another, both included."""

    first = Day(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    last = Day(label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def clean(self) -> dict[str, Any]:
        sent = super().clean() or {}
        if sent.get("first") and sent.get("last") and sent["first"] > sent["last"]:
            raise forms.ValidationError("The first day is after the last.")
        return sent

    def understood(self) -> dict[str, Any]:
        """The fields that could be read; of the others the form says what is wrong."""
        self.is_valid()
        return getattr(self, "cleaned_data", {})

    def days(self, tz: ZoneInfo) -> Days:
        """The days asked for; open where nothing readable was sent."""
        sent = self.understood()
        return Days(sent.get("first"), sent.get("last"), tz)


class WhoSawForm(DaysForm):
    """Narrows the trail of one chart."""

    who = forms.TypedChoiceField(required=False, coerce=UUID, empty_value=None)
    what = forms.ChoiceField(required=False, choices=[("", "everything"), *EventType.choices])

    def __init__(self, *args: Any, people: list[tuple[UUID, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["who"].choices = [("", "everybody"), *people]  # type: ignore[attr-defined]

    def narrowed(self, tz: ZoneInfo) -> Narrowed:
        """What was asked for."""
        sent = self.understood()
        return Narrowed(self.days(tz), kind=sent.get("what", ""), actor=sent.get("who"))


class ReviewForm(forms.Form):
    """That a week was looked through."""

    week = Day(widget=forms.HiddenInput)
    notes = forms.CharField(
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What was done about the findings. No names of patients.",
    )

    def clean_week(self) -> date:
        week = Week(self.cleaned_data["week"])
        if week.monday.weekday() or not week.is_over:
            raise forms.ValidationError("Only a week that is over can be reviewed.")
        if ActivityReview.objects.filter(week=week.monday).exists():
            raise forms.ValidationError("This week was reviewed before.")
        return week.monday


class AccountForm(DaysForm):
    """An account of the clinic and the days; leavers stay in the list."""

    account = forms.ModelChoiceField(queryset=User.objects.none(), empty_label="choose an account")

    field_order = ("account", "first", "last")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A patient's address is the patient's: only who works here is offered by name.
        staff = User.objects.exclude(groups__name__in=[PATIENT, DEVICE])
        self.fields["account"].queryset = staff.order_by("display_name", "email")  # type: ignore[attr-defined]
