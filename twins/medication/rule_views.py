"""What a clinical admin answers for among the rules about drugs."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from novamind.accounts.rights import requires
from novamind.accounts.second_factor import fresh_second_factor
from patients.services import StaleEdit
from patients.vocabularies import drugs
from twins.medication.confirming import RIGHT, AlreadySo, newest_of, say
from twins.medication.forms import MultipliersForm, SiteRuleChangeForm, SiteRuleForm
from twins.medication.own_rules import WrongRule, write_rule
from twins.models import MultiplierConfirmation, SiteRule
from twins.science.pgx import shipped_conversions

LIST: Final = "medication-rules:list"
NAV: Final = {"current_nav": LIST}


@require_GET
@requires(RIGHT)
def rules_page(request: HttpRequest) -> HttpResponse:
    """The multipliers and what was said of them, the clinic's own contraindications with all their versions."""
    standing = list(SiteRule.objects.standing().select_related("by"))
    every = SiteRule.objects.select_related("by").order_by("-at")
    return render(request, "twins/rules.html", _multipliers() | NAV | {"rules": standing, "versions": every})


@require_http_methods(["GET", "POST"])
@requires(RIGHT)
@fresh_second_factor
def new_rule(request: HttpRequest) -> HttpResponse:
    """Enter a contraindication; asked for with a fresh second factor."""
    return _written(request, SiteRuleForm(request.POST if request.method == "POST" else None), None)


@require_http_methods(["GET", "POST"])
@requires(RIGHT)
@fresh_second_factor
def change_rule(request: HttpRequest, own_rule_id: UUID) -> HttpResponse:
    """The next version of one, or the end of it."""
    row = SiteRule.objects.standing().filter(rule=own_rule_id).first()
    if row is None:
        raise Http404
    names = ("against", "value", "severity", "text", "source", "version")
    start = {name: getattr(row, name) for name in names} | {"name": row.drug}
    return _written(request, SiteRuleChangeForm(request.POST if request.method == "POST" else None, initial=start), row)


def _written(request: HttpRequest, form: SiteRuleForm, row: SiteRule | None) -> HttpResponse:
    status = 422 if form.is_bound else 200
    if form.is_valid():
        try:
            write_rule(by=request.user, known=row.rule if row else None, **form.said)  # type: ignore[arg-type]
            messages.success(request, "Kept. Charts are being looked at by it.")
            return redirect(LIST)
        except WrongRule as error:
            form.add_error(error.field, error.detail)
        except StaleEdit:
            form.add_error(None, "Somebody changed this meanwhile. Open it again and compare.")
            status = 409
    context: dict[str, Any] = {"form": form, "drugs": drugs().values(), "rule": row}
    return render(request, "twins/rule_form.html", context | NAV, status=status)


@require_http_methods(["GET", "POST"])
@requires(RIGHT)
@fresh_second_factor
def multipliers(request: HttpRequest) -> HttpResponse:
    """Confirm the multipliers at their source, or take that back; asked for with a fresh second factor."""
    known = _multipliers()
    form = MultipliersForm(request.POST if request.method == "POST" else None, known=known)
    status = 422 if form.is_bound else 200
    if form.is_valid():
        sent = form.cleaned_data
        try:
            row = say(confirmed=sent["confirmed"] == "yes", reason=sent["reason"], by=request.user)  # type: ignore[arg-type]
            messages.success(request, "Confirmed." if row.confirmed else "Taken back.")
            return redirect(LIST)
        except AlreadySo:
            form.add_error(None, "Somebody has said the same meanwhile.")
            status = 409
    return render(request, "twins/multipliers.html", known | NAV | {"form": form}, status=status)


def _multipliers() -> dict[str, Any]:
    known = shipped_conversions()
    newest = newest_of(known)
    return {
        "data": known,
        "holds": newest if newest and newest.confirmed else None,
        "decisions": MultiplierConfirmation.objects.select_related("by"),
    }
