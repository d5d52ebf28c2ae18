"""What every page that writes about a treatment does: show a form, hand it to a service once, say what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from novamind.jobs.idempotency import KeyReused, once
from patients.models import Patient
from patients.services import StaleEdit
from patients.treatment.forms import OfPatient
from patients.treatment.prescribing import Beside
from patients.treatment.services import WrongEntry
from patients.treatment.tables import UnreadableTable

TAB = "patients:treatment"
TEMPLATE = "patients/treatment_form.html"


def written(
    request: HttpRequest, patient: Patient, context: dict[str, Any], form: OfPatient, send: Callable[[], Any], *,
    about: dict[str, Any], then: str = "",
) -> HttpResponse:  # fmt: skip
    """The form; or, sent and good, the patient's page. 422 for what is wrong, 409 for what was changed meanwhile.

    ``then`` is said where it was sent now; empty where ``send`` says it itself.
    """
    status = 200
    if form.is_bound:
        status = 422
        if form.is_valid():
            try:
                if _send_once(request, form, send) and then:
                    messages.success(request, then)
                return redirect(TAB, patient.pk)
            except StaleEdit:
                form.add_error(None, "Somebody changed this meanwhile. Open it again and compare.")
                status = 409
            except KeyReused:
                form.add_error(None, "This page was sent before with something else. Open it anew to send more.")
                status = 409
            except Beside as error:
                form.offer_beside()  # type: ignore[attr-defined]
                form.add_error(None, f"{error} Change that one, or say that it is given beside it.")
                status = 409
            except UnreadableTable as error:
                form.add_error("file", f"Line {error.line}: {error.detail}" if error.line else error.detail)
            except WrongEntry as error:
                form.add_error(error.field if error.field in form.fields else None, error.detail)
    return render(request, TEMPLATE, context | about | {"form": form, "back": TAB}, status=status)


def _send_once(request: HttpRequest, form: OfPatient, send: Callable[[], Any]) -> bool:
    """Whether it was sent now; false where the same form came before."""
    body = repr(sorted((name, request.POST.getlist(name)) for name in request.POST if name != "csrfmiddlewaretoken"))
    view = request.resolver_match.view_name  # type: ignore[union-attr]
    claim = once(
        user=request.user, view=view, key=str(form.cleaned_data["once"]), body=f"{request.path}{body}".encode()
    )
    if claim.object_id is not None:
        return False
    claim.keep(status=302, object_id=send().pk)
    return True
