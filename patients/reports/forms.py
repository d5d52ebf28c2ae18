"""What is typed into questionnaires, check-ins and symptom reports, by a patient or for one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

from django import forms

from novamind import clock
from patients.instruments import Instrument, Item
from patients.models import MOST, NOTE_LENGTH, CheckIn, SymptomType
from patients.reports.refused import endorses, reports_harm

_WHOLE = {"invalid_choice": "Choose one of the printed answers."}


class SentOnce(forms.Form):
    """A form that may be sent twice and counts once: ``once`` stays the same while it is filled in.

    Not an Idempotency-Key: a browser sends a form with a new CSRF token each time, so its body never comes twice, and a
    tab that has no network for two weeks still holds its answers. So the key is kept with the report, for as long.
    """

    once = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    said_at = forms.DateTimeField(widget=forms.HiddenInput, required=False)

    @property
    def sent_key(self) -> str:
        """Under what the service keeps it."""
        return f"page:{self.cleaned_data['once']}"

    @property
    def at(self) -> datetime | None:
        """When the last answer was given, as the page says; never later than now. ``None`` from a page without a
        script, or one that was not changed."""
        told: datetime | None = self.cleaned_data.get("said_at")
        return told and min(told, clock.now())

    @property
    def speaks_of_harm(self) -> bool:
        """Whether what was sent, valid or not, can be read as a yes about self-harm."""
        return False


class QuestionnaireForm(SentOnce):
    """One instrument, a group of radio buttons for each item; any may be left out."""

    version = forms.CharField(widget=forms.HiddenInput, max_length=20)

    def __init__(self, *args: Any, instrument: Instrument, **kwargs: Any) -> None:
        kwargs["initial"] = {"version": instrument.version} | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
        self.instrument = instrument
        for item in instrument.items:
            self.fields[_name(item)] = forms.TypedChoiceField(
                label=item.text,
                choices=[(place, choice.text) for place, choice in enumerate(item.choices)],
                coerce=int,
                empty_value=None,
                required=False,
                widget=forms.RadioSelect,
                error_messages=_WHOLE,
                help_text=_condition(item, instrument),
            )

    @property
    def questions(self) -> list[dict[str, Any]]:
        """The items in order: the bound field, whether it may alert, and after which answers it is asked at all."""
        alerts = {rule.item for rule in self.instrument.safety}
        return [
            {"field": self[_name(item)], "is_safety": item.id in alerts} | _asked_after(item, self.instrument)
            for item in self.instrument.items
        ]

    @property
    def answers(self) -> dict[str, int]:
        """Item id -> place of the chosen answer, of those that were answered."""
        given = {item.id: self.cleaned_data.get(_name(item)) for item in self.instrument.items}
        return {item: place for item, place in given.items() if place is not None}

    @property
    def speaks_of_harm(self) -> bool:
        return endorses(self.instrument, {item.id: self.data.get(_name(item)) for item in self.instrument.items})

    def clean(self) -> dict[str, Any]:
        sent = super().clean() or {}
        if not self.errors and sent["version"] != self.instrument.version:
            raise forms.ValidationError("The wording has changed since you opened this page. Open it anew.")
        if not self.errors and not self.answers:
            raise forms.ValidationError("Nothing is answered yet.")
        return sent


def _name(item: Item) -> str:
    return f"item_{item.id}"


def _condition(item: Item, instrument: Instrument) -> str:
    if item.asked_if is None:
        return ""
    asked = instrument.item(item.asked_if.item)
    least = [choice.text for choice in asked.choices if choice.score >= item.asked_if.at_least]
    if len(least) == 1:
        return f"Only if your answer to question {asked.id} was “{least[0]}”."
    return f"Only if your answer to question {asked.id} was not “{asked.choices[0].text}”."


def _asked_after(item: Item, instrument: Instrument) -> dict[str, str]:
    """The field that decides whether this one is asked, and its deciding answers: for a page that steps over it."""
    if item.asked_if is None:
        return {}
    asked, least = instrument.item(item.asked_if.item), item.asked_if.at_least
    places = [str(place) for place, choice in enumerate(asked.choices) if choice.score >= least]
    return {"asked_after": _name(asked), "asked_at": " ".join(places)}


def _scale(label: str, low: str, high: str) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=label,
        choices=[(number, str(number)) for number in range(MOST + 1)],
        coerce=int,
        empty_value=None,
        required=False,
        widget=forms.RadioSelect,
        error_messages=_WHOLE,
        help_text=f"0 {low}, 10 {high}",
    )


class CheckInForm(SentOnce):
    """The daily check-in: five scales and a note, any of which may be left out."""

    mood = _scale("Mood", "very low", "very good")
    anxiety = _scale("Anxiety", "none", "extreme")
    sleep_quality = _scale("Sleep last night", "very bad", "very good")
    energy = _scale("Energy", "none", "full of it")
    irritability = _scale("Irritability", "none", "extreme")
    note = forms.CharField(
        label="In your own words",
        max_length=NOTE_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="nobody is told of it, and it may be read only later: ask about it at your next visit",
    )

    def clean(self) -> dict[str, Any]:
        sent = super().clean() or {}
        if not self.errors and not any(sent.get(name) not in (None, "") for name in (*CheckIn.SCALES, "note")):
            raise forms.ValidationError("Nothing is answered yet.")
        return sent

    @property
    def said(self) -> dict[str, Any]:
        """What the service takes."""
        return {name: self.cleaned_data.get(name) for name in (*CheckIn.SCALES, "note")}

    @staticmethod
    def initial_of(check_in: CheckIn) -> dict[str, Any]:
        """What a correction starts from."""
        return {name: getattr(check_in, name) for name in (*CheckIn.SCALES, "note")}


class SymptomForm(SentOnce):
    """One symptom."""

    type = forms.ChoiceField(label="What is it?", choices=SymptomType.choices, error_messages=_WHOLE)
    severity = _scale("How bad is it?", "not there", "as bad as can be")
    context = forms.CharField(label="What was going on?", max_length=NOTE_LENGTH, required=False)
    triggers = forms.CharField(label="What set it off?", max_length=NOTE_LENGTH, required=False)
    notes = forms.CharField(
        label="Anything else", max_length=NOTE_LENGTH, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    @property
    def speaks_of_harm(self) -> bool:
        return reports_harm(self.data)

    def clean_severity(self) -> int:
        severity = self.cleaned_data["severity"]
        if severity is None:
            raise forms.ValidationError("Say how bad it is.")
        return severity

    @property
    def said(self) -> dict[str, Any]:
        """What the service takes."""
        return {name: self.cleaned_data.get(name) for name in ("type", "severity", "context", "triggers", "notes")}
