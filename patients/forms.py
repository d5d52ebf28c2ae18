"""What is typed about a patient: the chart's head, consents, emergencies, notes, answers to alerts, schedules."""

from __future__ import annotations

from typing import Any

from django import forms

from novamind import clock
from novamind.accounts.models import User
from novamind.delivery.models import Channel
from novamind.limits import NOTE_CHARACTERS
from patients.devices import DeviceKind
from patients.models import (
    Alert,
    CareTeam,
    Consent,
    ConsentPurpose,
    ConsentStream,
    CoverageHours,
    EmergencyAccess,
    EmergencyReason,
    Patient,
    Schedule,
    is_zone,
)
from patients.schedules import EDITABLE, TASKS, wrong_in
from patients.snoozing import SNOOZES


class PatientForm(forms.Form):
    """Everything about a patient that is typed by a person."""

    first_name = forms.CharField(max_length=80)
    last_name = forms.CharField(max_length=80)
    date_of_birth = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}))
    mrn = forms.CharField(label="Medical record number", max_length=40, required=False)
    sex = forms.ChoiceField(choices=Patient.Sex.choices, initial=Patient.Sex.UNKNOWN)
    pronouns = forms.CharField(max_length=40, required=False)
    zone = forms.CharField(
        label="Time zone", max_length=64, validators=[is_zone], widget=forms.TextInput(attrs={"list": "zones"})
    )
    phone = forms.CharField(max_length=40, required=False)
    email = forms.EmailField(label="E-mail", required=False)
    teams = forms.ModelMultipleChoiceField(
        queryset=CareTeam.objects.none(), required=False, widget=forms.CheckboxSelectMultiple
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = CareTeam.objects.filter(memberships__user=user)
        self.fields["teams"].queryset = own  # type: ignore[attr-defined]
        self.fields["teams"].initial = own
        self._in_teams = own.exists()

    def clean_date_of_birth(self) -> Any:
        born = self.cleaned_data["date_of_birth"]
        today = clock.now().date()
        if born > today or born.year < today.year - 130:
            raise forms.ValidationError("This cannot be a date of birth.")
        return born

    def clean_teams(self) -> Any:
        chosen = self.cleaned_data["teams"]
        if self._in_teams and not chosen:
            raise forms.ValidationError("Choose at least one of your teams, or nobody there sees the chart any more.")
        return chosen

    @staticmethod
    def initial_of(patient: Patient) -> dict[str, Any]:
        """What the form starts from when a chart is edited."""
        names = ("first_name", "last_name", "date_of_birth", "mrn", "sex", "pronouns", "zone", "phone", "email")
        teams = [assignment.team_id for assignment in patient.assignments.all()]
        return {name: getattr(patient, name) for name in (*names, "version")} | {"teams": teams}


class EmergencyForm(forms.Form):
    """Whom to find and why; nothing is looked up before all of it is there."""

    mrn = forms.CharField(
        label="Medical record number", max_length=40, required=False, help_text="exact; or the two fields below"
    )
    last_name = forms.CharField(label="Surname", max_length=80, required=False)
    date_of_birth = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    reason = forms.ChoiceField(choices=EmergencyReason.choices, widget=forms.RadioSelect)
    explanation = forms.CharField(
        min_length=20,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="at least 20 characters; the reviewer reads it",
    )

    def clean(self) -> dict[str, Any]:
        sent = super().clean() or {}
        if not sent.get("mrn") and not (sent.get("last_name") and sent.get("date_of_birth")):
            raise forms.ValidationError("Give the record number, or the surname and the birth date.")
        return sent


class ReviewForm(forms.Form):
    """What a reviewer found."""

    verdict = forms.ChoiceField(choices=EmergencyAccess.Verdict.choices, widget=forms.RadioSelect)
    note = forms.CharField(max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def clean(self) -> dict[str, Any]:
        sent = super().clean() or {}
        if sent.get("verdict") == EmergencyAccess.Verdict.NOT_JUSTIFIED and not sent.get("note"):
            self.add_error("note", "Say what was wrong with it.")
        return sent


class TakeOnForm(forms.Form):
    """The team that takes a patient on."""

    patient = forms.UUIDField()
    team = forms.ModelChoiceField(queryset=CareTeam.objects.none())

    def __init__(self, *args: Any, teams: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = teams  # type: ignore[attr-defined]


class ConsentForm(forms.Form):
    """A decision of the patient about one purpose and any number of streams."""

    purpose = forms.ChoiceField(choices=ConsentPurpose.choices)
    streams = forms.MultipleChoiceField(choices=ConsentStream.choices, widget=forms.CheckboxSelectMultiple)
    decision = forms.ChoiceField(
        choices=[("given", "The patient consents"), ("withdrawn", "The patient does not, or no longer")],
        widget=forms.RadioSelect,
    )
    how = forms.ChoiceField(label="How the patient said so", choices=Consent.How.choices)
    valid_until = forms.DateField(
        label="Ends after",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="a consent for Part 2 records names its end where it has one",
    )
    remark = forms.CharField(max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def clean_valid_until(self) -> Any:
        until = self.cleaned_data["valid_until"]
        if until is not None and until < clock.now().date():
            raise forms.ValidationError("This day has passed.")
        return until


class NoteForm(forms.Form):
    """A psychotherapy note."""

    text = forms.CharField(max_length=NOTE_CHARACTERS, widget=forms.Textarea(attrs={"rows": 16}))
    part2 = forms.BooleanField(label="About substance use treatment (42 CFR Part 2)", required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)


class AuthorizationForm(forms.Form):
    """The patient's written authorization that one colleague reads one note."""

    reader = forms.ModelChoiceField(queryset=User.objects.none(), label="Who may read it")
    signed_on = forms.DateField(
        label="Signed by the patient on", widget=forms.DateInput(attrs={"type": "date"}), help_text="on paper, kept"
    )
    valid_until = forms.DateField(label="Ends after", required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, readers: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reader"].queryset = readers  # type: ignore[attr-defined]

    def clean_signed_on(self) -> Any:
        signed = self.cleaned_data["signed_on"]
        if signed > clock.now().date():
            raise forms.ValidationError("This day is still to come.")
        return signed


class DeviceForm(forms.Form):
    """What kind of device is to send."""

    kind = forms.ChoiceField(label="Kind", choices=DeviceKind.choices)


class AnswerForm(forms.Form):
    """What somebody did about an alert, from the version that was on the page."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    note = forms.CharField(
        max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2}), label="What was done"
    )
    outcome = forms.ChoiceField(choices=[("", "No answer"), *Alert.SAID_OUTCOMES], required=False)


class SnoozeForm(forms.Form):
    """For how long; or that it ends now."""

    until = forms.ChoiceField(choices=[*SNOOZES.items(), ("now", "Show them again")])


class ScheduleForm(forms.Form):
    """What a patient is asked to do, when, and how they are reminded of it."""

    WINDOWS = ((60, "1 hour"), (120, "2 hours"), (240, "4 hours"), (480, "8 hours"), (720, "12 hours"),
               (1440, "1 day"), (4320, "3 days"), (10080, "7 days"))  # fmt: skip

    what = forms.ChoiceField(label="What", choices=[(code, words) for code, words in TASKS.items()])
    local_time = forms.TimeField(
        label="At", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"), help_text="where the patient is"
    )
    every_days = forms.IntegerField(label="Every so many days", min_value=1, max_value=366, initial=1)
    weekdays = forms.TypedMultipleChoiceField(
        label="Only on",
        coerce=int,
        required=False,
        choices=CoverageHours.Weekday.choices[:7],
        widget=forms.CheckboxSelectMultiple,
    )
    window_min = forms.TypedChoiceField(label="Can be done for", coerce=int, choices=WINDOWS, initial=720)
    starts_on = forms.DateField(label="From", widget=forms.DateInput(attrs={"type": "date"}))
    ends_on = forms.DateField(label="Until", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    channel = forms.ChoiceField(
        label="Reminder",
        required=False,
        choices=[("", "None: it waits on the patient's page"), *Channel.choices],
        help_text="says that something waits, never what",
    )
    quiet_from = forms.TimeField(
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text="empty: the clinic's quiet hours",
    )
    quiet_to = forms.TimeField(required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    active = forms.BooleanField(label="Goes on", required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, patient: Patient, schedule: Schedule | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._patient = patient
        if schedule is None:
            self.fields["starts_on"].initial = clock.now().astimezone(patient.tz).date()
            del self.fields["active"], self.fields["version"]
        else:
            del self.fields["what"]

    @staticmethod
    def initial_of(schedule: Schedule) -> dict[str, Any]:
        """What the form starts from when a schedule is edited."""
        return {name: getattr(schedule, name) for name in (*EDITABLE, "version")}

    def clean(self) -> dict[str, Any]:
        sent = super().clean() or {}
        for name, sentence in wrong_in(self._patient, sent).items():
            self.add_error(name, sentence)
        return sent

    def planned(self) -> dict[str, Any]:
        """For :func:`patients.schedules.plan_schedule`."""
        return self.changed() | {"what": self.cleaned_data["what"]}

    def changed(self) -> dict[str, Any]:
        """For :func:`patients.schedules.change_schedule`."""
        return {name: value for name, value in self.cleaned_data.items() if name in EDITABLE}
