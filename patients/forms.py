"""The chart's head, as a form."""

from __future__ import annotations

from typing import Any

from django import forms

from novamind import clock
from patients.models import CareTeam, Patient, is_zone


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
        self.fields["teams"].queryset = CareTeam.objects.filter(memberships__user=user)  # type: ignore[attr-defined]

    def clean_date_of_birth(self) -> Any:
        born = self.cleaned_data["date_of_birth"]
        today = clock.now().date()
        if born > today or born.year < today.year - 130:
            raise forms.ValidationError("This cannot be a date of birth.")
        return born

    @staticmethod
    def initial_of(patient: Patient) -> dict[str, Any]:
        """What the form starts from when a chart is edited."""
        names = ("first_name", "last_name", "date_of_birth", "mrn", "sex", "pronouns", "zone", "phone", "email")
        return {name: getattr(patient, name) for name in (*names, "version")}
