"""The upload form."""

from __future__ import annotations

from django import forms

from actigraphy.science.devices import DEVICES

ANY_DEVICE = [("", "As the file says"), *((key, profile.label) for key, profile in DEVICES.items())]


class ColumnsField(forms.CharField):
    """``time=Date time, activity=Counts`` as a mapping; empty is none."""

    def clean(self, value: str) -> dict[str, str] | None:  # type: ignore[override]
        text = super().clean(value)
        return parse_columns(text) if text else None


def parse_columns(text: str) -> dict[str, str]:
    """A stated column mapping; ``forms.ValidationError`` when it names no time or no activity."""
    columns = dict(part.split("=", 1) for part in text.split(",") if "=" in part)
    columns = {name.strip(): column.strip() for name, column in columns.items()}
    if not {"time", "activity"} <= set(columns) <= {"time", "activity", "date", "delimiter"}:
        raise forms.ValidationError("Write it as time=…, activity=… with the names of the file's columns.")
    return columns


class UploadForm(forms.Form):
    """A recording's file, and what the file may not say itself."""

    file = forms.FileField(
        label="Recording", help_text="Actiwatch .awd, ActiGraph .agd, ActiLife .csv or a table with one row an epoch"
    )
    device_type = forms.ChoiceField(label="Device", choices=ANY_DEVICE, required=False)
    columns = ColumnsField(
        label="Columns of another table",
        required=False,
        max_length=300,
        help_text="Only for a table of another kind: time=Date/Time, activity=Counts",
    )
