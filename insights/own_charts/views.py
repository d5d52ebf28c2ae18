"""One's own charts: kept, renamed, deleted, and opened on a patient."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from insights.models import OwnChart
from insights.own_charts.forms import NameForm, OwnChartForm
from insights.own_charts.page import chart_of, in_words
from novamind.accounts.rights import requires
from patients.pages import patient_page

LIST = "insights:own-charts"


@require_http_methods(["GET", "POST"])
@requires("see_patients")
def own_charts(request: HttpRequest) -> HttpResponse:
    """The charts that one keeps, and a new one."""
    mine = OwnChart.objects.filter(user=request.user)
    sent = request.POST if request.method == "POST" else None
    form = OwnChartForm(sent, instance=OwnChart(user=request.user), held=mine.count())  # type: ignore[misc]
    if form.is_valid():
        form.save()
        messages.success(request, "Kept. Open it under “Own charts” of a patient.")
        return redirect(LIST)
    lines = [{"chart": one, "words": in_words(one), "form": NameForm(instance=one, prefix=str(one.pk))} for one in mine]
    status = 422 if form.is_bound else 200
    return render(request, "insights/own_charts.html", {"lines": lines, "form": form}, status=status)


@require_POST
@requires("see_patients")
def rename(request: HttpRequest, chart_id: UUID) -> HttpResponse:
    """Call one's own chart something else."""
    found = get_object_or_404(OwnChart, pk=chart_id, user=request.user)
    form = NameForm(request.POST, instance=found, prefix=str(found.pk))
    if form.is_valid():
        form.save()
        messages.success(request, "Renamed.")
    else:
        messages.error(request, "Not renamed: a name has 1 to 60 characters.")
    return redirect(LIST)


@require_POST
@requires("see_patients")
def delete(request: HttpRequest, chart_id: UUID) -> HttpResponse:
    """Delete one's own chart; of no patient anything is lost."""
    get_object_or_404(OwnChart, pk=chart_id, user=request.user).delete()
    messages.success(request, "Deleted.")
    return redirect(LIST)


@require_GET
@requires("see_patients")
def patient_chart(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """One of one's own charts, drawn of this patient; the first where none is asked for."""
    patient, context = patient_page(request, patient_id, "insights:patient-chart")
    mine = list(OwnChart.objects.filter(user=request.user))
    asked = request.GET.get("chart", "")
    chosen = next((one for one in mine if str(one.pk) == asked), mine[0] if mine else None)
    drawn = chart_of(chosen, patient) if chosen else []
    return render(request, "insights/patient_chart.html", context | {"charts": mine, "chosen": chosen, "drawn": drawn})
