"""What is typed about findings and incidents."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone

from novamind import clock
from novamind.accounts.models import User
from novamind.compliance.clocks import today
from novamind.compliance.models import Incident
from novamind.limits import NOTE_CHARACTERS


class ClinicMoment(forms.DateTimeField):
    """A moment as the clinic's clocks show it, as the trail's pages do."""

    def to_python(self, value: Any) -> Any:
        with timezone.override(settings.CLINIC_TIME_ZONE):
            return super().to_python(value)


def _moment(label: str, *, required: bool = True, help_text: str = "") -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return ClinicMoment(label=label, required=required, widget=widget, help_text=help_text)


def _day(label: str) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=False, widget=widget)


class AcknowledgeForm(forms.Form):
    """What is being done about a finding."""

    notes = forms.CharField(max_length=2000, widget=forms.Textarea(attrs={"rows": 2}), label="What is done about it")


class IncidentForm(forms.Form):
    """A new incident; what happened is kept encrypted, the title is not."""

    title = forms.CharField(max_length=120, help_text="names nobody: lists and e-mails show it")
    what = forms.CharField(
        max_length=NOTE_CHARACTERS, widget=forms.Textarea(attrs={"rows": 8}), label="What happened",
        help_text="kept encrypted",
    )  # fmt: skip
    discovered_at = _moment("Discovered", help_text="every date counts from here")
    account = forms.ModelChoiceField(
        queryset=User.objects.none(), required=False, label="Account that was misused",
        help_text="whose reads the trail is asked for",
    )  # fmt: skip
    since = _moment("From", required=False)
    until = _moment("To", required=False, help_text="empty: until now")
    others_affected = forms.IntegerField(
        min_value=0, max_value=100_000_000, initial=0, label="People affected beside those in the trail",
        help_text="a lost paper list, a lost laptop",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Patients are not to be read off a list of accounts, and see no chart but their own.
        self.fields["account"].queryset = User.objects.staff().order_by("email")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        sent = super().clean() or {}
        if (at := sent.get("discovered_at")) and at > clock.now():
            self.add_error("discovered_at", "This has not been yet.")
        if bool(sent.get("account")) != bool(sent.get("since")):
            self.add_error("since", "An account and the time from which it was misused go together.")
        if sent.get("since") and sent.get("until") and sent["until"] < sent["since"]:
            self.add_error("until", "This is before the beginning.")
        return sent


class NoticesForm(forms.Form):
    """The judgement, and who was told when."""

    judgement = forms.ChoiceField(choices=Incident.Judgement.choices, widget=forms.RadioSelect)
    reasons = forms.CharField(
        max_length=NOTE_CHARACTERS, required=False, widget=forms.Textarea(attrs={"rows": 4}),
        help_text="why probably nothing was compromised (164.402): what it was, who had it, if it was seen, the cure",
    )  # fmt: skip
    others_affected = forms.IntegerField(min_value=0, max_value=100_000_000, label="Others affected")
    individuals_told_on = _day("Everybody affected was told")
    hhs_told_on = _day("HHS was told")
    media_told_on = _day("The media were told")
    close = forms.BooleanField(required=False, label="Close the incident")

    def clean(self) -> dict[str, Any]:
        sent = super().clean() or {}
        for name in ("individuals_told_on", "hhs_told_on", "media_told_on"):
            if sent.get(name) and sent[name] > today():
                self.add_error(name, "This day has not been yet.")
        if sent.get("judgement") == Incident.Judgement.LOW and not sent.get("reasons"):
            self.add_error("reasons", "A low probability needs its reasons.")
        return sent
