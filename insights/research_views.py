"""Files for research: the page, asking for one, taking one out."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from insights.deidentified import CUT_DAYS
from insights.forms import ResearchExportForm
from insights.models import ResearchExport
from insights.research_columns import OLDEST_TOLD
from insights.research_exports import KEPT, LABEL, ask_export, take_out
from novamind.accounts.rights import requires
from novamind.accounts.second_factor import fresh_second_factor
from novamind.audit.exporting import Ending
from novamind.audit.middleware import own_transaction
from novamind.audit.models import EventType, Outcome
from novamind.audit.recording import note_object
from novamind.throttle.callers import count_export

SHOWN = 50


@require_GET
@requires("export_research")
def research_exports(request: HttpRequest) -> HttpResponse:
    """What a file holds, what it does not protect from, and the user's own files."""
    return _page(request, ResearchExportForm())


def _page(request: HttpRequest, form: ResearchExportForm, *, status: int = 200) -> HttpResponse:
    own = ResearchExport.objects.of(request.user).defer("content")[:SHOWN]
    context = {"exports": own, "form": form, "kept_days": KEPT.days, "oldest_told": OLDEST_TOLD, "cut_days": CUT_DAYS}
    return render(request, "insights/research_exports.html", context, status=status)


@require_http_methods(["GET", "POST"])
@requires("export_research")
@fresh_second_factor
def new_research_export(request: HttpRequest) -> HttpResponse:
    """Ask for a file, with what it is for; GET, after the second factor, is the page."""
    if request.method == "GET":
        return redirect("insights:research-exports")
    form = ResearchExportForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    ask_export(why=form.cleaned_data["why"], by=request.user)  # type: ignore[arg-type]
    return redirect("insights:research-exports")


@own_transaction
@require_http_methods(["GET", "POST"])
@requires("export_research")
@fresh_second_factor
def research_export_file(request: HttpRequest, export_id: UUID) -> HttpResponse:
    """The zip, for whoever asked for it; GET, after the second factor, is the page."""
    export = get_object_or_404(ResearchExport.objects.of(request.user), pk=export_id)
    if request.method == "GET":
        return redirect("insights:research-exports")
    content = take_out(export)
    if content is None:
        raise Http404
    count_export(request.user.pk, patients=export.people or 1, in_one_piece=True)  # type: ignore[union-attr, arg-type]
    note_object(EventType.EXPORT, LABEL, export.pk)
    request.ledger.identify()  # type: ignore[attr-defined]
    ending = Ending(request.ledger, LABEL, str(export.pk))  # type: ignore[attr-defined]
    ending.rows = export.rows or 0
    ending.hash.update(content)
    ending.write(Outcome.SUCCESS)
    answer = HttpResponse(content, content_type="application/zip")
    answer.headers["Content-Disposition"] = f'attachment; filename="research-{str(export.pk)[:8]}.zip"'
    return answer
