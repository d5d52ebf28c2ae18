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
