"""A chart of one's own as a form: a name, up to three series, a stretch of days."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from insights.models import OwnChart
from insights.own_charts.series import drawable
from novamind.limits import OWN_CHARTS

PLACES: Final = ("first", "second", "third")
FEWEST, MOST = 14, 365  # days


class NameForm(forms.ModelForm):  # type: ignore[type-arg]
    """What it is called."""

    class Meta:
        model = OwnChart
        fields = ["name"]
        help_texts = {"name": "it is of every patient: no patient's name"}


class OwnChartForm(NameForm):
    """What is drawn; ``held``: how many charts the person keeps already."""

    days = forms.IntegerField(
        label="Days back from yesterday", min_value=FEWEST, max_value=MOST, initial=90,
        help_text=f"{FEWEST} to {MOST}",
    )  # fmt: skip

    def __init__(self, *args: Any, held: int = 0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._held = held
        choices = [(name, one.label) for name, one in drawable().items()]
        for place in PLACES:
            required = place == PLACES[0]
            self.fields[place] = forms.ChoiceField(
                label=f"{place.capitalize()} series", required=required,
                choices=choices if required else [("", "none"), *choices],
            )  # fmt: skip
        self.order_fields(["name", *PLACES, "days"])

    def clean(self) -> dict[str, Any]:
        """With ``series``: what was chosen, each once."""
        sent = super().clean() or {}
        if self._held >= OWN_CHARTS:
            raise forms.ValidationError(f"You keep {OWN_CHARTS} charts already; delete one first.")
        return sent | {"series": list(dict.fromkeys(name for place in PLACES if (name := sent.get(place))))}

    def save(self, commit: bool = True) -> OwnChart:
        self.instance.series, self.instance.days = self.cleaned_data["series"], self.cleaned_data["days"]
        saved: OwnChart = super().save(commit)
        return saved
