"""What is asked of whoever moves a version."""

from __future__ import annotations

from typing import Any

from django import forms

from novamind.registry.models import ModelVersion
from novamind.registry.services import NEXT

_WORDS = {
    ModelVersion.Stage.SHADOW: "Shadow: it runs beside the one that serves, and nobody is shown what it says",
    ModelVersion.Stage.PRODUCTION: "Production: it serves, and the version that served before retires",
    ModelVersion.Stage.RETIRED: "Retired: it runs for nobody",
}


class MoveForm(forms.Form):
    """Where to, and why; ``seen`` is the stage that the page showed."""

    to = forms.ChoiceField(label="Move it to", widget=forms.RadioSelect)
    reason = forms.CharField(
        max_length=1000, widget=forms.Textarea(attrs={"rows": 3}), label="Why",
        help_text="kept for ever, read by all staff: name no patient",
    )  # fmt: skip
    seen = forms.ChoiceField(choices=ModelVersion.Stage.choices, widget=forms.HiddenInput)

    def __init__(self, *args: Any, version: ModelVersion, **kwargs: Any) -> None:
        super().__init__(*args, initial={"seen": version.stage}, **kwargs)
        seen = self.data.get("seen", version.stage)  # what was offered is judged by what was seen
        choices = NEXT[ModelVersion.Stage(seen if seen in ModelVersion.Stage.values else version.stage)]
        self.fields["to"].choices = [(stage.value, _WORDS[stage]) for stage in choices]  # type: ignore[attr-defined]
