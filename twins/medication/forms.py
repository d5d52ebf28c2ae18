"""What is asked of whoever answers for the rules about drugs."""

from __future__ import annotations

from typing import Any

from django import forms

from twins.models import SiteRule

REASON = forms.Textarea(attrs={"rows": 3})


class MultipliersForm(forms.Form):
    """Whether the multipliers were read at their source. ``known``: what the page shows of them."""

    confirmed = forms.ChoiceField(
        label="The multipliers",
        widget=forms.RadioSelect,
        choices=[("yes", "I have read them at their source, and they are these"), ("no", "I take that back")],
    )
    reason = forms.CharField(
        max_length=1000, widget=REASON, label="Where they were read, or why not any more",
        help_text="title, edition and page; kept for ever, read by all staff: name no patient",
    )  # fmt: skip
    data = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, known: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, initial={"data": known["data"].sha256}, **kwargs)
        self._sha256 = known["data"].sha256

    def clean_data(self) -> str:
        """The hash of what was on the page: other data are confirmed by whoever has seen them."""
        if self.cleaned_data["data"] != self._sha256:
            raise forms.ValidationError("The data have changed since this page was opened. Read them again.")
        return self._sha256


class SiteRuleForm(forms.Form):
    """A contraindication of the clinic's own."""

    name = forms.CharField(
        label="Drug", max_length=60, widget=forms.TextInput(attrs={"list": "drugs", "autocomplete": "off"}),
        help_text="one of the catalogue",
    )  # fmt: skip
    against = forms.ChoiceField(label="What speaks against it", choices=SiteRule.Against.choices)
    value = forms.CharField(
        label="Which", max_length=80, help_text="F31 or F31.2; CYP2D6 Poor Metabolizer; a drug of the catalogue"
    )
    severity = forms.ChoiceField(label="How much", choices=SiteRule.Severity.choices)
    text = forms.CharField(
        label="What is to be known", max_length=500, widget=REASON, help_text="shown as this clinic's own"
    )
    source = forms.CharField(label="Where that is written", max_length=300)
    reason = forms.CharField(
        label="Why it is entered", max_length=1000, widget=REASON, help_text="kept for ever: name no patient"
    )

    @property
    def said(self) -> dict[str, Any]:
        """What the service takes."""
        return dict(self.cleaned_data)


class SiteRuleChangeForm(SiteRuleForm):
    """The next version of one, from the version that was on the page."""

    ended = forms.BooleanField(label="It holds no more", required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)

    @property
    def said(self) -> dict[str, Any]:
        said = dict(self.cleaned_data)
        ended = said.pop("ended")
        return said | {"active": not ended}
