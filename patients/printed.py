"""A report of one patient: a page, the same template as a PDF, the same numbers as a table; taken out on record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse

from novamind import clock
from novamind.audit.exporting import Ending, csv_answer
from novamind.audit.models import EventType, Outcome
from novamind.audit.recording import note_object
from novamind.printing import CannotPrint, printed, why_not
from novamind.throttle.callers import count_export
from patients.models import Patient


@dataclass(frozen=True, slots=True)
class Report:
    """What a report is called, and where it is.

    ``name`` begins its file's name, which holds no name of a patient; ``body`` is the template of its contents;
    ``page``, ``pdf`` and ``table`` are names of URLs that take the patient's id (``table`` empty: there is none);
    ``asked`` are the parameters that say which of several it is.
    """

    title: str
    name: str
    body: str
    page: str
    pdf: str
    table: str = ""
    asked: tuple[str, ...] = ()


def report_page(request: HttpRequest, report: Report, context: dict[str, Any], *, problem: str = "") -> HttpResponse:
    """The report on a page, with what takes it out; ``problem`` says why a PDF could not be made."""
    patient = context["patient"]
    may_export = context["may_change"] and request.user.may("export")  # type: ignore[union-attr]
    context |= _head(request, report, patient) | {
        "pdf_url": reverse(report.pdf, args=[patient.pk]),
        "table_url": reverse(report.table, args=[patient.pk]) if report.table else "",
        "asked": {name: request.GET[name] for name in report.asked if request.GET.get(name)},
        "may_export": may_export,
        "why_not": why_not() if may_export else "",
        "problem": problem,
    }
    return render(request, "print/page.html", context, status=503 if problem else 200)


def report_pdf(request: HttpRequest, report: Report, context: dict[str, Any]) -> HttpResponse:
    """The same as a PDF, on record with its patient and its SHA-256. For a view with ``@own_transaction``."""
    patient: Patient = context["patient"]
    count_export(request.user.pk, patients=1)  # type: ignore[union-attr, arg-type]
    try:
        content = printed(render_to_string("print/document.html", context | _head(request, report, patient), request))
    except CannotPrint as why:
        return report_page(request, report, context, problem=str(why))
    note_object(EventType.EXPORT, report.name, patient.pk)
    request.ledger.identify()  # type: ignore[attr-defined]
    ending = Ending(request.ledger, report.name, str(patient.pk))  # type: ignore[attr-defined]
    ending.rows = 1
    ending.hash.update(content)
    ending.write(Outcome.SUCCESS)
    answer = HttpResponse(content, content_type="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="{_reference(request, report)}.pdf"'
    return answer


def report_table(
    request: HttpRequest, report: Report, patient: Patient, head: list[str], rows: list[list[Any]]
) -> HttpResponseBase:
    """Its numbers as CSV. For a view with ``@own_transaction``."""
    return csv_answer(
        request, head=head, rows=rows, name=_reference(request, report), label=report.name, object_id=patient.pk,
        patients=1,
    )  # fmt: skip


def _head(request: HttpRequest, report: Report, patient: Patient) -> dict[str, Any]:
    return {
        "report": report,
        "reference": _reference(request, report),
        "printed_at": clock.now(),
        "printed_by": str(request.user),
    }


def _reference(request: HttpRequest, report: Report) -> str:
    """What the file and its metadata are called: the report and the request of the trail, never a patient."""
    return f"{report.name}-{request.request_id[:8]}"  # type: ignore[attr-defined]
