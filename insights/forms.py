"""What a clinician makes of a statement, as a form."""

from django import forms

from insights.models import Feedback


class VerdictForm(forms.Form):
    """One of the four answers."""

    verdict = forms.ChoiceField(choices=Feedback.Verdict.choices)
