"""Every URL that the resolver knows, and how to ask for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.urls import get_resolver, reverse
from django.urls.resolvers import URLResolver

_PARAMETER = re.compile(r"\(\?P<(\w+)>[^)]*\)|<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Url:
    """One pattern: its name (or its route where it has none) and the parameters it takes."""

    name: str
    route: str
    named: bool

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(regex or plain for regex, plain in _PARAMETER.findall(self.route))

    @property
    def model(self) -> str:
        """``app_model`` of an admin page or an API object, where there is one."""
        if self.name.startswith("api:"):
            noun = self.name.removeprefix("api:").split("-")[0]
            own = {"patient": "patients_patient", "alert": "patients_alert", "model": "registry_modelversion"}
            return own.get(noun, f"actigraphy_{noun}")
        if self.name == "admin:auth_user_password_change":
            return "accounts_user"
        found = re.search(r"admin/(\w+)/(\w+)/", self.route)
        return f"{found[1]}_{found[2]}" if found else ""

    def of(self, values: dict[str, Any]) -> str:
        """The address with these values in the place of its parameters."""
        if self.named:
            return reverse(self.name, kwargs={name: values[name] for name in self.parameters})
        bare = _PARAMETER.sub(lambda found: str(values[found[1] or found[2]]), self.route)
        return "/" + bare.replace("^", "").replace("$", "")


def every_url() -> list[Url]:
    """All patterns of the project."""
    return [url for url, _ in every_view()]


def every_view() -> list[tuple[Url, Any]]:
    """All of them, each with its view."""
    return sorted(_walk(get_resolver(), "", ""), key=lambda found: found[0].name)


def _walk(resolver: URLResolver, namespace: str, prefix: str) -> Iterator[tuple[Url, Any]]:
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern, namespace + (f"{pattern.namespace}:" if pattern.namespace else ""), route)
        else:
            yield Url(namespace + pattern.name if pattern.name else route, route, bool(pattern.name)), pattern.callback


def values_for(url: Url, chart: Any, user: Any) -> dict[str, Any]:
    """Parameters that name rows of this chart."""
    row = chart.rows.get(url.model, user)
    return {
        "patient_id": chart.patient.pk,
        "recording_id": chart.recording.pk,
        "record_id": chart.analysis.pk,
        "access_id": chart.access.pk,
        "note_id": chart.note.pk,
        "authorization_id": chart.authorization.pk,
        "finding_id": chart.finding.pk,
        "incident_id": chart.incident.pk,
        "version_id": chart.version.pk,
        "job_id": chart.job.pk,
        "alert_id": chart.alert.pk,
        "assessment_id": chart.assessment.pk,
        "check_in_id": chart.check_in.pk,
        "report_id": chart.symptom.pk if "symptom" in url.name else chart.check_in.pk,
        "instrument_id": "phq9",
        "patient_alert_id": chart.patient_alert.pk,
        "schedule_id": chart.schedule.pk,
        "thread_id": chart.thread.pk,
        "message_id": chart.message.pk,
        "template_id": chart.reply_template.pk,
        "insight_id": chart.insight.pk,
        "encounter_id": chart.encounter.pk,
        "rule_id": chart.rule.pk,
        "trial_id": chart.trial.pk,
        "what_if_id": chart.what_if.pk,
        "own_rule_id": chart.site_rule.rule,
        "draft_id": chart.note_draft.pk,
        "attachment_id": chart.attachment.pk,
        "chart_id": chart.own_chart.pk,
        "view_id": chart.saved_view.pk,
        "export_id": chart.research_export.pk,
        "medication_id": chart.medication.pk,
        "condition_id": chart.condition.pk,
        "genotype_id": chart.genotype.pk,
        "appointment_id": chart.appointment.pk,
        "entry_id": _entry(url, chart).pk,
        "change": "error",
        "delivery_id": chart.delivery.pk,
        "pk": 0 if url.name.startswith("mfa_") else row.pk,
        "object_id": row.pk,
        "id": row.pk,
        "device_id": user.pk,
        "provider_id": "nobody",
        "data_type": "heart_rate",
        "data_key": "bpm",
        "app_label": "patients",
        "content_type_id": 1,
        "url": "nowhere",
        "unmatched": "nowhere",
    }


def _entry(url: Url, chart: Any) -> Any:
    """The entry of a treatment that an address of the API names."""
    nouns = {"condition": chart.condition, "genotype": chart.genotype, "appointment": chart.appointment}
    return nouns.get(url.name.removeprefix("api:").removesuffix("-history"), chart.medication)


def unknown(values: dict[str, Any]) -> dict[str, Any]:
    """The same parameters, naming nobody."""
    return {name: UUID(int=7) if isinstance(value, UUID) else value for name, value in values.items()}
