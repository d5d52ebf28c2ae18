"""The answer to a request to analyze: how far it is, or the results by analysis type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from actigraphy.analysis_types import asks_models, light_readings, raw_metrics, results_of, visualizations
from actigraphy.analyzing import is_unfinished
from actigraphy.models import Analysis, Recording
from actigraphy.serializers import RecordingSerializer, provenance_of

OPTIONS = ("include_raw_metrics", "generate_visualizations")


def answer_of(request: Request, recording: Recording, asked: Mapping[str, Any]) -> Response:
    """200 with the results, 202 while they are being computed, 409 with the reason when there will be none.

    ``asked`` holds ``analysis_types`` and the two options.
    """
    types = asked["analysis_types"]
    unfinished = is_unfinished(recording, models_too=asks_models(types))
    found = Analysis.objects.filter(source=recording.source_id).select_related("source__recording")
    analysis = found.prefetch_related("nights", light_readings()).order_by("-created_at").first()
    body = _state(request, recording, asked)
    if analysis is None or unfinished:
        waiting = unfinished or body["status"] in {"pending", "running"}
        return Response(body, status=status.HTTP_202_ACCEPTED if waiting else status.HTTP_409_CONFLICT)
    results, abstentions = results_of(analysis, types, unfinished=unfinished)
    body |= {
        "analysis_id": analysis.pk,
        "results": results,
        "abstentions": abstentions,
        "provenance": provenance_of(analysis),
    }
    if asked["include_raw_metrics"]:
        body["raw_metrics"] = raw_metrics(analysis)
    if asked["generate_visualizations"]:
        body["visualizations"] = visualizations(analysis, abstentions)
    return Response(body)


def _state(request: Request, recording: Recording, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Where it stands, and the address that gives these same results later."""
    said = RecordingSerializer(recording, context={"request": request}).data
    query = [("analysis_types", name) for name in asked["analysis_types"]]
    query += [(name, "true") for name in OPTIONS if asked[name]]
    results = reverse("api:recording-analysis", args=[recording.pk], request=request)
    return {
        "patient_id": recording.patient_id,
        "recording_id": recording.pk,
        "analysis_id": None,
        "status": said["status"],
        "detail": said["detail"],
        "status_url": said["status_url"],
        "results_url": f"{results}?{urlencode(query)}",
    }
