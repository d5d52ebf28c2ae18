"""What is typed into messages, and the clinic's own replies."""

from __future__ import annotations

import re
from typing import Any

from django import forms

from patients.models import NOTE_LENGTH, SUBJECT_LENGTH, ReplyTemplate
from patients.reports.forms import SentOnce
from patients.reports.services import KeyReused

#: Nothing fills a reply of the clinic in; what looks as if something did would be sent as it stands.
_PLACEHOLDER = re.compile(r"[{}<>\[\]]|%[(\w]|\$\w")


class SeenForm(forms.Form):
    """The newest message that was shown when somebody answered, or said that it is read."""

    seen = forms.UUIDField(required=False, widget=forms.HiddenInput)


class ReplyForm(SeenForm, SentOnce):
    """A message in a thread."""

    text = forms.CharField(
        label="Message", max_length=NOTE_LENGTH, widget=forms.Textarea(attrs={"rows": 5, "autocomplete": "off"})
    )


class NewThreadForm(SentOnce):
    """A thread's subject and first message."""

    subject = forms.CharField(
        label="Subject", max_length=SUBJECT_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    text = forms.CharField(
        label="Message", max_length=NOTE_LENGTH, widget=forms.Textarea(attrs={"rows": 6, "autocomplete": "off"})
    )


class StaffThreadForm(NewThreadForm):
    """The same by a clinician, who may label it."""

    part2 = forms.BooleanField(
        label="Substance use treatment (42 CFR Part 2): only who may have such records reads it", required=False
    )


class LabelForm(forms.Form):
    """Whether a thread is labelled."""

    part2 = forms.BooleanField(required=False)


class ErrorForm(forms.Form):
    """Why a message was sent in error."""

    why = forms.CharField(label="Why", max_length=500, required=False)


class ReplyTemplateForm(forms.ModelForm):  # type: ignore[type-arg]
    """A reply that the clinic keeps."""

    class Meta:
        model = ReplyTemplate
        fields = ["name", "text"]
        labels = {"name": "Name", "text": "Words"}
        help_texts = {
            "text": "plain words, the same for every patient: no name and no placeholder, nothing is filled in"
        }
        widgets = {"text": forms.Textarea(attrs={"rows": 5})}

    def clean(self) -> dict[str, Any]:
        sent = super().clean() or {}
        for name in ("name", "text"):
            if _PLACEHOLDER.search(sent.get(name) or ""):
                self.add_error(name, "Placeholders are not filled in: write plain words without {}, <>, [], % or $.")
        return sent


def with_template(text: str, template_id: str) -> str:
    """What was typed, and beneath it the words of a reply of the clinic; unchanged where there is no such reply."""
    try:
        found = ReplyTemplate.objects.filter(withdrawn_at=None, pk=template_id).first()
    except (ValueError, forms.ValidationError):
        found = None
    if found is None:
        return text
    return f"{text.rstrip()}\n\n{found.text}".lstrip("\n")


def refused(form: forms.Form, error: Exception) -> int:
    """Say on the form why nothing was sent, and with which status."""
    if isinstance(error, KeyReused):
        form.add_error(None, "This page was sent before with other words. Open it anew to send more.")
        return 409
    form.add_error(None, getattr(error, "detail", str(error)))
    return 403
