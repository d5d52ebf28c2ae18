"""Attack 4: reads of charts that nobody stands for, planted on every road into the database, and each is found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from threading import Thread
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.contrib import admin
from django.core.management import call_command, get_commands, load_command_class
from django.db import connection, connections, transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView

from novamind.audit.commands import WatchedCommand
from novamind.audit.models import AuditEvent
from novamind.audit.recording import IncompleteAudit, saw, watched
from novamind.jobs import kinds
from novamind.jobs.kinds import KINDS, PERIODIC, job
from novamind.jobs.models import Job
from novamind.jobs.runner import run_waiting
from novamind.jobs.services import enqueue
from novamind.urls import urlpatterns as of_novamind
from patients.models import CareTeam, Patient
from tests.test_role_url_table import visitor
from tests.urls_of_novamind import every_url, values_for

Read = Callable[[], Any]
#: What the planted code does: set by each test, called by whatever is planted.
planted: dict[str, Read] = {}


def read() -> None:
    planted["read"]()


def a_page(request: HttpRequest) -> HttpResponse:
    read()
    return HttpResponse()


def a_stream(request: HttpRequest) -> StreamingHttpResponse:
    def lines() -> Iterator[bytes]:
        read()
        yield b"one"

    return StreamingHttpResponse(lines())


def a_thread(request: HttpRequest) -> HttpResponse:
    failed: list[Exception] = []

    def run() -> None:
        try:
            read()
        except Exception as error:
            failed.append(error)
        finally:
            connections.close_all()

    thread = Thread(target=run)
    thread.start()
    thread.join()
    for error in failed:
        raise error
    return HttpResponse()


def an_async_thread(request: HttpRequest) -> HttpResponse:
    """The context goes with it, the connection does not."""

    def run() -> None:
        try:
            read()
        finally:
            connections.close_all()

    async_to_sync(asyncio.to_thread)(run)
    return HttpResponse()


class AnEndpoint(APIView):
    def get(self, request: Any) -> Response:
        read()
        return Response()

    post = get


urlpatterns = [
    path("planted/page/", a_page),
    path("planted/stream/", a_stream),
    path("planted/thread/", a_thread),
    path("planted/async/", an_async_thread),
    path("planted/endpoint", AnEndpoint.as_view(permission_classes=[])),
    *of_novamind,
]


class PlantedCommand(WatchedCommand):
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        read()


def get(client: Client, address: str) -> None:
    """The whole answer, as a browser takes it."""
    b"".join(client.get(address))


def run_a_job() -> None:
    @job("audit.planted")
    def run() -> None:
        read()

    enqueue("audit.planted", key="audit.planted")
    run_waiting(limit=1)
    if Job.objects.get(kind="audit.planted").state != Job.State.DONE:
        raise IncompleteAudit(AuditEvent.objects.get(action="audit.planted").outcome)


ROADS: dict[str, Callable[[Client], Any]] = {
    "a page": lambda client: get(client, "/planted/page/"),
    "a page that is posted to": lambda client: client.post("/planted/page/"),
    "an endpoint": lambda client: get(client, "/planted/endpoint"),
    "an endpoint that is posted to": lambda client: client.post("/planted/endpoint"),
    "an admin page": lambda client: get(client, "/admin/patients/careteam/"),
    "a streamed answer": lambda client: get(client, "/planted/stream/"),
    "a thread of a page": lambda client: get(client, "/planted/thread/"),
    "a thread that is given the page's context": lambda client: get(client, "/planted/async/"),
    "a command": lambda client: call_command(PlantedCommand()),
    "a job": lambda client: run_a_job(),
}
UNAUDITED: dict[str, Read] = {
    "values": lambda: list(Patient.objects.values("sex")),
    "a count": lambda: Patient.objects.count(),
    "raw SQL": lambda: connection.cursor().execute("SELECT sex FROM patients_patient"),
}
#: Where a row that is loaded whole notes itself in a ledger; on the other roads there is none to note it in.
WITH_A_LEDGER = set(ROADS) - {"a streamed answer", "a thread of a page", "a command"}


@pytest.fixture
def roads(transactional_db: None, patient: Any, clinical_admin: Any, monkeypatch: Any, settings: Any) -> Any:
    """A served process with code planted in it; a function that takes one of the roads."""
    settings.ROOT_URLCONF = __name__
    monkeypatch.setattr(kinds, "KINDS", dict(kinds.KINDS))
    team_admin = type(admin.site._registry[CareTeam])
    rows = team_admin.get_queryset

    def get_queryset(self: Any, request: HttpRequest) -> Any:
        read()
        return rows(self, request)

    monkeypatch.setattr(team_admin, "get_queryset", get_queryset)
    client = Client()
    client.force_login(clinical_admin)

    @contextmanager
    def doing(what: Read) -> Iterator[Client]:
        planted["read"] = what
        with watched():
            yield client

    return doing


@pytest.mark.parametrize("what", UNAUDITED)
@pytest.mark.parametrize("road", ROADS)
def test_an_unaudited_read_is_found_on_every_road(roads, road, what):
    with roads(UNAUDITED[what]) as client, pytest.raises(IncompleteAudit):
        ROADS[road](client)


@pytest.mark.parametrize("road", ROADS)
def test_a_row_is_noted_or_its_reading_is_found(roads, road, patient):
    with roads(lambda: list(Patient.objects.all())) as client:
        if road in WITH_A_LEDGER:
            ROADS[road](client)
            assert AuditEvent.objects.filter(patients__patient_id=patient.pk).count() == 1
        else:
            with pytest.raises(IncompleteAudit):
                ROADS[road](client)


@pytest.mark.parametrize("road", ROADS)
def test_no_road_is_closed_to_who_reads_no_chart(roads, road):
    with roads(lambda: list(CareTeam.objects.all())) as client:
        ROADS[road](client)


def test_in_production_it_is_an_alert_and_the_page_is_served(roads, settings, caplog):
    settings.ENVIRONMENT = "production"
    with roads(UNAUDITED["raw SQL"]) as client:
        get(client, "/planted/thread/")
    alerts = [record.levelname for record in caplog.records if record.name == settings.ADMINS_ALERT_LOGGER]
    assert alerts == ["CRITICAL"]
    assert "SELECT" not in caplog.text


def test_a_chart_that_is_shown_to_a_stranger_is_found(roads):
    with roads(lambda: list(Patient.objects.all())), pytest.raises(IncompleteAudit, match="by nobody"):
        get(Client(), "/planted/endpoint")


def test_a_ledger_that_was_closed_notes_nobody_any_more(roads, patient):
    late: list[Callable[..., Any]] = []
    with roads(lambda: late.append(copy_context().run)) as client:
        get(client, "/planted/page/")
        with pytest.raises(IncompleteAudit):
            late[0](saw, patient.pk)


def test_every_command_of_ours_is_watched():
    own = {config.name for config in apps.get_app_configs()} & {app for app in set(get_commands().values())}
    ours = {name: app for name, app in get_commands().items() if app in own and app.startswith(OURS)}
    assert len(ours) >= 12
    assert [name for name, app in ours.items() if not isinstance(load_command_class(app, name), WatchedCommand)] == []


OURS = ("novamind", "patients", "actigraphy", "twins", "insights")


def stands_for_it(event: AuditEvent) -> bool:
    """Whether somebody is named: a person, or what acts by itself; a stranger only where no chart was touched."""
    if event.actor_id is not None or event.actor_label.startswith(("system:", "manage.py ")):
        return True
    return event.actor_label in {"anonymous", "unknown address"} and not event.patients.exists()


@pytest.mark.slow
@pytest.mark.exhaustive
def test_every_event_of_every_url_and_job_has_an_actor(chart, request):
    written, of_charts, nobody = 0, 0, []
    for who in (None, "psychiatrist", "clinical_admin"):
        user = request.getfixturevalue(who) if who else None
        client = visitor(user)
        known = set(AuditEvent.objects.values_list("pk", flat=True))
        for url in every_url():
            with transaction.atomic():
                b"".join(client.get(url.of(values_for(url, chart, user or chart.patient))))
                events = list(AuditEvent.objects.exclude(pk__in=known).prefetch_related("patients"))
                written += len(events)
                of_charts += sum(bool(event.patients.all()) for event in events)
                nobody += [f"{who} {url.name}" for event in events if not stands_for_it(event)]
                transaction.set_rollback(True)
    assert nobody == []
    assert written > len(every_url())
    assert of_charts > 20


@pytest.mark.slow
def test_every_event_of_every_job_that_recurs_has_an_actor(chart):
    before = set(AuditEvent.objects.values_list("pk", flat=True))
    for name in PERIODIC:
        enqueue(name, key=f"{name}:now")
    run_waiting()
    events = AuditEvent.objects.exclude(pk__in=before)
    assert set(PERIODIC) <= set(events.values_list("action", flat=True)) & set(KINDS)
    assert [event.action for event in events if not stands_for_it(event)] == []
