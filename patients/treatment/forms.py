"""What is typed about a treatment."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

from django import forms
from django.utils import timezone

from patients.models import (
    LINE_LENGTH,
    MOST_COPIES,
    TEXT_LENGTH,
    AppointmentKind,
    AppointmentStatus,
    Certainty,
    ClinicalStatus,
    Patient,
    Place,
    Route,
    StopReason,
)
from patients.treatment.services import today
from patients.vocabularies import FREQUENCIES, UNITS, Dose, PartialDate, WrongDate
from patients.vocabularies.genes import LONGEST

PART2_HELP = "a record of a substance use programme; others read it only with the patient's consent"


class PartialDateField(forms.CharField):
    """A date of which the day, or the month too, may not be known."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "2027-03-05; or 2027-03 or 2027 where only that is known")
        super().__init__(max_length=10, widget=forms.TextInput(attrs={"autocomplete": "off"}), **kwargs)

    def clean(self, value: Any) -> PartialDate | None:  # type: ignore[override]
        text = super().clean(value)
        try:
            return PartialDate.parse(text) if text else None
        except WrongDate as error:
            raise forms.ValidationError(str(error)) from None


def _text(label: str, *, long: bool = False, **more: Any) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": 2}) if long else forms.TextInput()
    length = TEXT_LENGTH if long else LINE_LENGTH
    return forms.CharField(label=label, max_length=length, widget=widget, **({"required": False} | more))


def _choice(label: str, choices: Any, **more: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, error_messages={"invalid_choice": "Choose one."}, **more)


def _day(label: str) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=False, widget=widget)


class OfPatient(forms.Form):
    """A form about a patient that may be sent twice and counts once: ``once`` stays while it is filled in."""

    once = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def __init__(self, *args: Any, patient: Patient, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.patient = patient

    @property
    def said(self) -> dict[str, Any]:
        """What the service takes."""
        return {name: value for name, value in self.cleaned_data.items() if name not in {"once", "version"}}


class Changing(OfPatient):
    """A change, made from the version that was on the page."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)


class DoseFields(OfPatient):
    """A dose: all three, or none of them."""

    amount = forms.DecimalField(label="Dose", max_digits=10, decimal_places=4, required=False)
    unit = _choice("Unit", list(UNITS.items()), initial="mg", required=False)
    frequency = _choice("How often", [(code, words) for code, (words, _) in FREQUENCIES.items()], required=False)

    def clean_amount(self) -> Any:
        amount = self.cleaned_data["amount"]
        if amount is not None and amount <= 0:
            raise forms.ValidationError("A dose is more than nothing.")
        return amount

    @property
    def dose(self) -> Dose | None:
        """``None`` where no amount was given."""
        said = self.cleaned_data
        return (
            None if said["amount"] is None else Dose(said["amount"], said["unit"] or "mg", said["frequency"] or "daily")
        )


class MedicationForm(DoseFields):
    """A course of a drug."""

    name = _text("Drug", required=True, help_text="generic name; what is not in the list is kept as written, not coded")
    started = PartialDateField(label="Since")
    route = _choice("Route", Route.choices, initial=Route.ORAL)
    ended = PartialDateField(label="Until", required=False, help_text="only of a course that has ended or will")
    stop_reason = _choice("Why it ended", [("", ""), *StopReason.choices], required=False)
    indication = _text("For what")
    prescriber_text = _text("Prescribed by somebody else", help_text="empty: by you, if it begins today or later")
    note = _text("Note", long=True)
    part2 = forms.BooleanField(label="42 CFR Part 2", required=False, help_text=PART2_HELP)
    beside = forms.BooleanField(label="Given beside the same drug, on purpose", required=False)
    seen = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)

    field_order = ["name", "amount", "unit", "frequency", "started", "route"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs |= {"list": "drugs", "autocomplete": "off"}
        self.fields["started"].initial = str(today(self.patient))
        self.fields["beside"].widget = (
            forms.HiddenInput() if not self.data.get("beside") else self.fields["beside"].widget
        )

    def offer_beside(self) -> None:
        """Let the next try say that it is on purpose."""
        self.fields["beside"].widget = forms.CheckboxInput()

    def shows(self, mark: str) -> bool:
        """Whether what speaks against the drug was on the page already; if not, the next try says that it was."""
        if self.cleaned_data["seen"] == mark:
            return True
        self.data = self.data.copy()
        self.data["seen"] = mark
        return False

    @property
    def said(self) -> dict[str, Any]:
        left = {"amount", "unit", "frequency", "seen"}
        said = {name: value for name, value in super().said.items() if name not in left}
        return said | {"dose": self.dose, "part2": said["part2"] or None}


class DoseForm(DoseFields, Changing):
    """Another dose."""

    since = PartialDateField(label="From", help_text="on the day of a dose that is there, it corrects that one")
    why = _text("Why", long=True)

    field_order = ["amount", "unit", "frequency", "since"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].required = True
        self.fields["since"].initial = str(today(self.patient))

    @property
    def said(self) -> dict[str, Any]:
        return {"since": self.cleaned_data["since"], "why": self.cleaned_data["why"], "dose": self.dose}


class StopForm(Changing):
    """The end of a course."""

    ended = PartialDateField(label="Last taken")
    reason = _choice("Why", [("", "Choose…"), *StopReason.choices])
    why = _text("Remark", long=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["ended"].initial = str(today(self.patient))


class CorrectionForm(Changing):
    """What was written wrongly, or was not known."""

    started = PartialDateField(label="Since")
    route = _choice("Route", Route.choices)
    ended = PartialDateField(label="Until", required=False, help_text="empty: it goes on")
    stop_reason = _choice("Why it ended", [("", ""), *StopReason.choices], required=False)
    indication = _text("For what")
    prescriber_text = _text("Prescribed by somebody else")
    note = _text("Note", long=True)
    why = _text("Why this is corrected", long=True)


class ErrorForm(Changing):
    """That something should never have been written."""

    why = _text("What happened", long=True, required=True, help_text="it stays in sight, marked as an error")


class ConditionForm(OfPatient):
    """A condition."""

    text = _text("Condition", required=True)
    code = forms.CharField(label="ICD-10 code", max_length=9, required=False, help_text="such as F33.1")
    status = _choice("Status", ClinicalStatus.choices)
    certainty = _choice("Certainty", Certainty.choices, initial=Certainty.CONFIRMED)
    onset = PartialDateField(label="Since", required=False)
    resolved = PartialDateField(label="Resolved", required=False, help_text="only of a condition that is resolved")
    note = _text("Note", long=True)
    part2 = forms.BooleanField(label="42 CFR Part 2", required=False, help_text=PART2_HELP)

    @property
    def said(self) -> dict[str, Any]:
        return super().said | {"part2": self.cleaned_data["part2"] or None}


class ConditionChangeForm(ConditionForm, Changing):
    """A change of one."""

    why = _text("Why it is changed", long=True)

    @property
    def said(self) -> dict[str, Any]:
        return super().said | {"part2": self.cleaned_data["part2"]}


class PatientMoment(forms.DateTimeField):
    """A moment as the patient's clocks show it."""

    zone: Any = None

    def to_python(self, value: Any) -> Any:
        with timezone.override(self.zone):
            return super().to_python(value)


class AppointmentForm(OfPatient):
    """A visit."""

    at = PatientMoment(
        label="When", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    kind = _choice("What for", AppointmentKind.choices, initial=AppointmentKind.FOLLOW_UP)
    place = _choice("Where", Place.choices)
    status = _choice("Status", AppointmentStatus.choices)
    with_text = _text("With somebody else", help_text="empty: with you")
    note = _text("Note", long=True)
    part2 = forms.BooleanField(label="42 CFR Part 2", required=False, help_text=PART2_HELP)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        at = self.fields["at"]
        at.zone = self.patient.tz  # type: ignore[attr-defined]
        at.help_text = f"where the patient is ({self.patient.zone})"
        if isinstance(self.initial.get("at"), datetime):
            self.initial["at"] = self.initial["at"].astimezone(self.patient.tz).replace(tzinfo=None)


class AppointmentChangeForm(AppointmentForm, Changing):
    """A change of one."""

    why = _text("Why it is changed", long=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["with_text"].help_text = ""


class ReportFields(OfPatient):
    """Where a result comes from."""

    lab = _text("Laboratory")
    method = _text("Method", help_text="such as the name of the panel")
    sampled_on = _day("Sample taken on")
    reported_on = _day("Reported on")


class GenotypeForm(ReportFields):
    """One result."""

    gene = forms.CharField(
        max_length=20,
        widget=forms.TextInput(attrs={"list": "genes", "autocomplete": "off", "autocapitalize": "characters"}),
    )
    diplotype = forms.CharField(
        max_length=LONGEST, help_text="as reported: *1/*4, *15:02 negative; or “not tested”, “indeterminate”"
    )
    copy_number = forms.IntegerField(label="Copies of the gene", min_value=0, max_value=MOST_COPIES, required=False)
    phenotype = _text("Phenotype, as the laboratory reported it")

    field_order = ["gene", "diplotype", "copy_number", "phenotype"]


class GenotypeUploadForm(ReportFields):
    """A laboratory's table of results, or a report of PharmCAT."""

    file = forms.FileField(
        label="Table, or PharmCAT's report",
        help_text="a table with comma, semicolon or tab: columns gene, diplotype; maybe phenotype, copy number, lab or "
        "date; or PharmCAT's report as JSON, of which the genes known here are taken",
    )

    field_order = ["file"]

    @property
    def said(self) -> dict[str, Any]:
        return {name: value for name, value in super().said.items() if name != "file"}
