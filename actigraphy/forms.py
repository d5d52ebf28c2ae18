"""The forms of this app: a recording to upload, the order of sources."""

from __future__ import annotations

from typing import Any
from uuid import UUID

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


class SourceOrderForm(forms.Form):
    """Which source counts first, second and so on for one channel of a patient, and why.

    ``sources``: (id, name) in the order that holds now. ``prefix`` tells apart the channels of one page.
    """

    clinic = forms.BooleanField(
        label="The order of the clinic instead", required=False, help_text="the places above are then left aside"
    )
    reason = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 2}), help_text="kept with the order")
    version = forms.IntegerField(min_value=0, max_value=10**9, widget=forms.HiddenInput)

    def __init__(self, *args: Any, sources: list[tuple[UUID, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.data.get(self.add_prefix("clinic"))  # then no place is asked for
        places = [(number, str(number)) for number in range(1, len(sources) + 1)]
        self._places = {f"place-{pk}": pk for pk, _ in sources}
        for number, (pk, name) in enumerate(sources, 1):
            self.fields[f"place-{pk}"] = forms.TypedChoiceField(
                label=name, choices=places, coerce=int, initial=number, required=not chosen
            )
        self.order_fields([*self._places, "clinic", "reason", "version"])

    def clean(self) -> dict[str, Any]:
        """With ``sources``: their ids in the order asked for, none for the clinic's."""
        sent = self.cleaned_data
        place = {pk: sent.get(name) for name, pk in self._places.items()}
        if sent.get("clinic"):
            return sent | {"sources": []}
        if not place:
            raise forms.ValidationError("Nothing streams this kind of data yet.", code="no_sources")
        if sorted(number or 0 for number in place.values()) != list(range(1, len(place) + 1)):
            raise forms.ValidationError("Give each source a place of its own.", code="places")
        return sent | {"sources": sorted(place, key=lambda pk: place[pk] or 0)}


class UploadForm(forms.Form):
    """A recording's file, and what the file may not say itself."""

    file = forms.FileField(
        label="File",
        help_text="Actiwatch .awd, ActiGraph .agd, ActiLife .csv, a table with one row an epoch, or the export of a "
        "wearable",
    )
    device_type = forms.ChoiceField(label="Device", choices=ANY_DEVICE, required=False)
    columns = ColumnsField(
        label="Columns of another table",
        required=False,
        max_length=300,
        help_text="Only for a table of another kind: time=Date/Time, activity=Counts",
    )
