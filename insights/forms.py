"""What a clinician makes of a statement, as a form."""

from django import forms

from insights.models import Feedback, ResearchExport


class VerdictForm(forms.Form):
    """One of the four answers."""

    verdict = forms.ChoiceField(choices=Feedback.Verdict.choices)


class ResearchExportForm(forms.Form):
    """What a file for research is for, and that its limits were read."""

    why = forms.ChoiceField(label="What for", choices=ResearchExport.Why.choices)
    read = forms.BooleanField(
        label="I have read what de-identified does not mean, and know no way to tell who somebody is"
    )
