"""The devices that send for a patient: which there are, a new one, the end of one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from novamind.accounts.models import User
from novamind.accounts.rights import requires
from patients.devices import DeviceKind, devices_of, enrol, renew, revoke
from patients.forms import DeviceForm
from patients.pages import patient_page

TAB = "patients:devices"


@require_http_methods(["GET", "POST"])
@requires("manage_devices")
def devices(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """What sends for this patient; a new device's token is on the answer to the form, and nowhere else."""
    sent = request.method == "POST"
    patient, context = patient_page(request, patient_id, TAB, changing=sent)
    form = DeviceForm(request.POST if sent else None)
    more: dict[str, Any] = {"form": form}
    if sent and form.is_valid():
        more |= {"token": enrol(patient=patient, kind=DeviceKind(form.cleaned_data["kind"])), "form": DeviceForm()}
    status = 422 if sent and "token" not in more else 200
    return render(request, "patients/devices.html", context | more | {"devices": devices_of(patient)}, status=status)


@require_POST
@requires("manage_devices")
def new_token(request: HttpRequest, patient_id: UUID, device_id: UUID) -> HttpResponse:
    """Another token for a device that is here; on the answer to the form, and nowhere else."""
    patient, context = patient_page(request, patient_id, TAB, changing=True)
    try:
        token = renew(patient=patient, device_id=device_id)
    except User.DoesNotExist:
        raise Http404 from None
    shown = {"token": token, "form": DeviceForm(), "devices": devices_of(patient)}
    return render(request, "patients/devices.html", context | shown)


@require_POST
@requires("manage_devices")
def end(request: HttpRequest, patient_id: UUID, device_id: UUID) -> HttpResponse:
    """This device sends no more."""
    patient, _ = patient_page(request, patient_id, TAB, changing=True)
    try:
        revoke(patient=patient, device_id=device_id)
    except User.DoesNotExist:
        raise Http404 from None
    return redirect(TAB, patient.pk)
