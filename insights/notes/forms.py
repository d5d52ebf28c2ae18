"""Forms of encounter notes."""

from __future__ import annotations

from typing import Any

from django import forms

from insights.models import EncounterNote
from insights.notes.formats import format_of, formats
from insights.notes.writing import is_drafted
from novamind import clock
from novamind.limits import ATTACHMENT_BYTES, MB, NOTE_CHARACTERS

PART2 = "About substance use treatment (42 CFR Part 2)"


def _date() -> forms.DateField:
    return forms.DateField(label="Encounter on", widget=forms.DateInput(attrs={"type": "date"}))


class NewNoteForm(forms.Form):
    """Which format, and of which day or visit."""

    format = forms.ChoiceField(label="Format")
    encounter_on = _date()
    appointment = forms.ModelChoiceField(queryset=None, label="Visit", required=False)
    part2 = forms.BooleanField(label=PART2, required=False)

    def __init__(self, *args: Any, visits: Any, patient: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["format"].choices = [(one.id, one.title) for one in formats()]  # type: ignore[attr-defined]
        self.fields["appointment"].queryset = visits  # type: ignore[attr-defined]
        self.fields["appointment"].label_from_instance = lambda visit: (  # type: ignore[attr-defined]
            f"{clock.local(visit.at, patient.tz):%Y-%m-%d %H:%M}, {visit.get_kind_display().lower()}"
        )


class EncounterNoteForm(forms.Form):
    """A draft: one field for each section of its format."""

    encounter_on = _date()
    part2 = forms.BooleanField(label=PART2, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, note: EncounterNote, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        helps = _helps(note)
        for one in note.sections:
            self.fields[f"section_{one['id']}"] = forms.CharField(
                label=one["title"], help_text=helps.get(one["id"], ""), required=False, strip=False,
                max_length=NOTE_CHARACTERS, widget=forms.Textarea(attrs={"rows": 8}),
            )  # fmt: skip
        self.order_fields([name for name in self.fields if name != "part2"] + ["part2"])

    @property
    def texts(self) -> dict[str, str]:
        """What was typed, by the id of its section; line ends as one sign."""
        sent = self.cleaned_data
        return {
            name.removeprefix("section_"): text.replace("\r\n", "\n").rstrip()
            for name, text in sent.items()
            if name.startswith("section_")
        }


class VersionForm(forms.Form):
    """The version that was read."""

    version = forms.IntegerField(widget=forms.HiddenInput)


class SignForm(VersionForm):
    """With what a program drafted, it is signed only by who says to have checked it."""

    checked = forms.BooleanField(label="I have read and checked every sentence that a program drafted", required=False)

    def __init__(self, *args: Any, note: EncounterNote, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_drafted(note):
            del self.fields["checked"]


class DiscardForm(VersionForm):
    """A draft is thrown away only by who says so."""

    discard = forms.BooleanField(label="Throw this draft away; its words cannot be brought back")


class AttachForm(VersionForm):
    """A file for one's own draft."""

    file = forms.FileField(
        label="Attach a file", help_text=f"PDF, PNG, JPEG or plain text, at most {ATTACHMENT_BYTES // MB} MB"
    )


class AddendumForm(forms.Form):
    """What is added to a signed note."""

    text = forms.CharField(label="Addendum", max_length=NOTE_CHARACTERS, widget=forms.Textarea(attrs={"rows": 5}))


def _helps(note: EncounterNote) -> dict[str, str]:
    try:
        return {one.id: one.help for one in format_of(note.format, note.format_version).sections}
    except KeyError:  # a site's format that was taken away; its notes keep their titles
        return {}
