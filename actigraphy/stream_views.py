"""The Data page: what devices have sent, how good it is, and why a total is what it is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from actigraphy.catalogue import TYPES, DataType, Form
from actigraphy.forms import SourceOrderForm
from actigraphy.pages.exports import exports_context
from actigraphy.pages.streams import coverage_context, days_context
from actigraphy.streams.ordering import OrderChanged, in_order, order_of, set_order, streaming, told_apart
from actigraphy.streams.reading import require_type
from novamind.accounts.rights import requires
from patients.models import Patient
from patients.pages import patient_page

TAB = "data:patient"


@require_GET
@requires("see_patients")
def data(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Four weeks by day and type of data, with the reasons of gaps, and the measures of quality."""
    patient, context = patient_page(request, patient_id, TAB)
    return render(request, "actigraphy/data.html", context | coverage_context(patient) | exports_context(patient))


@require_GET
@requires("see_patients")
def days(request: HttpRequest, patient_id: UUID, data_type: str) -> HttpResponse:
    """Four weeks of one type by day: the total, and what each source gave to it."""
    patient, context = patient_page(request, patient_id, TAB)
    return _days_page(request, patient, context, _signal_type(patient, data_type))


@require_POST
@requires("manage_devices")
def order(request: HttpRequest, patient_id: UUID, data_type: str, data_key: str) -> HttpResponse:
    """Set which source counts first for this patient; a form made from an older order is answered 409."""
    patient, context = patient_page(request, patient_id, TAB, changing=True)
    kind = _signal_type(patient, data_type)
    if data_key not in kind.by_name:
        raise Http404
    channel = kind.by_name[data_key].channel
    sources = in_order(channel, streaming(patient, channel), order_of(patient, channel))
    names = told_apart(sources)
    form = SourceOrderForm(request.POST, prefix=channel, sources=[(one.pk, names[one.pk]) for one in sources])
    status = 422
    if form.is_valid():
        sent = form.cleaned_data
        wanted = {name: sent[name] for name in ("sources", "reason", "version")}
        try:
            set_order(patient=patient, channel=channel, by=request.user, **wanted)  # type: ignore[arg-type]
        except OrderChanged:
            form.add_error(None, "Somebody set another order meanwhile. Open the page again and compare.")
            status = 409
        else:
            messages.success(request, "Set; the totals below follow it.")
            return redirect("data:days", patient.pk, kind.name)
    return _days_page(request, patient, context, kind, sent_form=form, status=status)


def _days_page(
    request: HttpRequest, patient: Patient, context: dict[str, Any], kind: DataType, *,
    sent_form: SourceOrderForm | None = None, status: int = 200,
) -> HttpResponse:  # fmt: skip
    """The page, with a form for each channel of which several sources stream; one that was refused in its place."""
    shown = days_context(patient, kind)
    may_order = context["may_change"] and request.user.may("manage_devices")  # type: ignore[union-attr]
    for part in shown["parts"]:
        channel = part["key"].channel
        if sent_form is not None and sent_form.prefix == channel:
            part["form"] = sent_form
        elif may_order and len(part["streams"]) > 1:
            part["form"] = SourceOrderForm(
                prefix=channel, sources=part["streams"], initial={"version": part["version"]}
            )
    return render(request, "actigraphy/data_days.html", context | shown, status=status)


def _signal_type(patient: Patient, data_type: str) -> DataType:
    kind = TYPES.get(data_type)
    if kind is None or kind.form is not Form.SIGNAL:
        raise Http404
    require_type(patient, kind)
    return kind
