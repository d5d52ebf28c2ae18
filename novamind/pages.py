"""Pages that belong to no single app: where a sign-in lands, help, and the page behind every number."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.decorators.http import require_GET
from django.views.defaults import bad_request, server_error
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request
from rest_framework.views import APIView

from novamind import frame
from novamind.accounts.rights import Refused, requires


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The first thing this role may open."""
    items = frame.context(request)["nav"]
    return redirect(items[0]["url"] if items else "help")


@require_GET
@login_not_required
def favicon(request: HttpRequest) -> HttpResponse:
    """The mark in the browser's tab, for pages that name none (Django admin)."""
    return redirect(static("favicon.svg"))


@require_GET
def help_page(request: HttpRequest) -> HttpResponse:
    """How to read what Novamind shows, and the keys."""
    return render(request, "help.html")


@require_GET
@requires("see_patients")
def provenance(request: HttpRequest, record_id: UUID) -> HttpResponse:
    """Where a number comes from: inputs, method, versions, who asked and when. Hidden is 404."""
    record = frame.provenance_of(record_id, request.user, request.GET.get("number", ""))
    if record is None:
        raise Http404
    return render(request, "provenance.html", record)


class SchemaView(SpectacularAPIView):
    """The description for programs, which has one version: what an address asks for would go into a header."""

    def _get_version_parameter(self, request: Any) -> None:
        return None


def refused(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: the role does not include it, or the sentence of a refusal of another kind."""
    refusal = exception.detail if isinstance(exception, Refused) else None
    return render(request, "403.html", {"refusal": refusal}, status=403)


def malformed(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400 before any view: a host that is not ours, too many parameters. Nothing of the request is trusted."""
    if _of_the_api(request):
        return _as_json(request, 400, "parse_error", "The host, the parameters or the fields are malformed.")
    return bad_request(request, exception)


def broken(request: HttpRequest) -> HttpResponse:
    """500 that no view of the API could say itself."""
    if _of_the_api(request):
        return _as_json(request, 500, "unexpected", "Something went wrong here. The administrators were told.")
    return server_error(request)


def _of_the_api(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")


def _as_json(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse:
    body = {"code": code, "detail": detail, "request_id": getattr(request, "request_id", None)}
    return JsonResponse(body, status=status)


class UnmatchedView(APIView):
    """An address of the API that does not exist: 401 for a stranger, 404 for anybody else."""

    schema = None
    http_method_names = ("get", "post", "put", "patch", "delete", "head", "options")

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise Http404
