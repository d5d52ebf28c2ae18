"""The Models pages: what is in use, what each version is for, how it fares, and the form that moves one."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from novamind import clock
from novamind.accounts.rights import requires
from novamind.accounts.second_factor import fresh_second_factor
from novamind.measures import REASONS
from novamind.registry import cards
from novamind.registry.forms import MoveForm
from novamind.registry.models import ModelVersion
from novamind.registry.monitoring import compare, drift, runs_of
from novamind.registry.services import NEXT, RIGHT, MoveRefused, move

DAYS: Final = 30
NAV: Final = {"current_nav": "models:list"}
_ORDER: Final = {stage: place for place, stage in enumerate(("production", "shadow", "draft", "retired"))}


@require_GET
@requires("see_models")
def list_page(request: HttpRequest) -> HttpResponse:
    """Every version by the name of its model, the one that serves first."""
    versions = ModelVersion.objects.with_last_move().defer("reference_statistics").order_by("name", "-created_at")
    named = [(name, list(group)) for name, group in groupby(versions, key=lambda version: version.name)]
    models = [{"name": name, "versions": sorted(group, key=lambda each: _ORDER[each.stage])} for name, group in named]
    return render(request, "models/list.html", {"models": models} | NAV)


@require_GET
@requires("see_models")
def version_page(request: HttpRequest, version_id: UUID) -> HttpResponse:
    """One version: what it does, its card, its history, how it fares. No patient is named or counted by name."""
    version = _version(version_id)
    since = clock.now() - timedelta(days=DAYS)
    runs = runs_of(version, since)
    context = _about(version) | {
        "card": cards.read(version.card),
        "missing": cards.problems(version.card),
        "changes": version.changes.all(),
        "runs": runs,
        "abstained": [(REASONS[code][1] if code in REASONS else code, n) for code, n in runs.abstained.most_common()],
        "batch": runs.batch(0.5),
        "p50": runs.took(0.5),
        "p95": runs.took(0.95),
        "drift": drift(version, since),
        "days": DAYS,
        "may_move": request.user.may(RIGHT) and NEXT[ModelVersion.Stage(version.stage)],  # type: ignore[union-attr]
    }
    if version.stage == ModelVersion.Stage.SHADOW:
        context["serving"] = serving = ModelVersion.objects.serving(version.name).first()
        context["comparison"] = compare(version, serving) if serving else None
    return render(request, "models/version.html", context)


@require_http_methods(["GET", "POST"])
@requires(RIGHT)
@fresh_second_factor
def move_page(request: HttpRequest, version_id: UUID) -> HttpResponse:
    """The form that moves a version; asked for with a fresh second factor, so that nothing typed is lost."""
    version = _version(version_id)
    form = MoveForm(request.POST if request.method == "POST" else None, version=version)
    missing, status = cards.problems(version.card), 422 if form.is_bound else 200
    if form.is_valid():
        sent = form.cleaned_data
        version.stage = sent["seen"]
        try:
            moved = move(version, to=sent["to"], by=request.user, reason=sent["reason"])  # type: ignore[arg-type]
            messages.success(request, f"{moved} is in {moved.get_stage_display().lower()} now.")
            return redirect("models:version", moved.pk)
        except MoveRefused as refusal:
            version.refresh_from_db(fields=["stage"])
            form = MoveForm(request.POST.dict() | {"seen": version.stage}, version=version)
            form.full_clean()
            form.add_error(None, refusal.detail)
            status = 409 if refusal.code == "stage_changed" else 422
    context = _about(version) | {"form": form, "missing": missing}
    return render(request, "models/move.html", context, status=status)


def _version(version_id: UUID) -> ModelVersion:
    return get_object_or_404(ModelVersion.objects.with_last_move(), pk=version_id)


def _about(version: ModelVersion) -> dict[str, Any]:
    """The head of both pages: a card's two sentences, if it has them."""
    answers = {key: version.card.get(key) for key in ("does", "must_not")}
    said = {key: answer if isinstance(answer, str) else "" for key, answer in answers.items()}
    return {"model": version} | said | NAV  # not "version": the frame shows the one of Novamind
