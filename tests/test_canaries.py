"""Attack 10: a patient made of canaries goes through a clinic of real processes; every place of it is searched then."""

from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import pytest
import redis
from pypdf import PdfReader

from actigraphy.tests.recording_files import awd
from novamind.phi.tests.scanning import find_in_bytes, opened
from tests.clinic import Answer, Clinic, id_in

pytestmark = [pytest.mark.processes, pytest.mark.slow]

FIRST, LAST, MRN = "Zqxförsta", "Zqxlåst-Qvist", "ZQX-MRN-7781"
BORN, PHONE, MAIL = date(1931, 2, 17), "+47 9997 7810 7781", "zqx7781@mail.test"
FILE, SERIAL, SUBJECT = "ZQX-FILE-7781", "ZQXSER77810", "Zqxsubject Jane"
METADATA, REMARK, THERAPY = "zqx-metadata-7781", "zqx-remark-7781", "zqx-therapy-7781"
DRUG, WHY_DRUG, LAB = "zqxdrug-7781", "zqx-indication-7781", "zqx-lab-7781"
NOTE, SUBJECT_LINE, WRITTEN, CONTEXT = "zqx-note-7781", "zqx-subject-7781", "zqx-message-7781", "zqx-context-7781"
EXPLANATION, INCIDENT, QUERY = "zqx-explanation-7781 covering tonight", "zqx-incident-7781", "zqx-query-7781"
TYPED, WORD = "zqx-typed@mail.test", "zqx-password-7781"
BIRTHDAYS = [f"{BORN:{form}}" for form in ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d %B %Y", "%B %d, %Y")]
CANARIES = [
    *(FIRST, LAST, MRN, PHONE, PHONE.replace(" ", ""), MAIL, FILE, SERIAL, SUBJECT, METADATA, REMARK, THERAPY),
    *(DRUG, WHY_DRUG, LAB, NOTE, SUBJECT_LINE, WRITTEN, CONTEXT),
    *(EXPLANATION, INCIDENT, QUERY, TYPED, WORD, *BIRTHDAYS, "Feb. 17, 1931", repr(BORN)),
]
HEAD = {"first_name": FIRST, "last_name": LAST, "date_of_birth": BORN, "mrn": MRN, "phone": PHONE, "email": MAIL}
DAYS = ["--from", "2000-01-01", "--to", "2199-12-31"]
SIGN_IN = "/accounts/login/"  # gives the typed address back to whoever typed it
CHART_OWNERS = {"ada.north"}  # whose pages may show it
COUNTS = [(at * 37) % 400 if 480 < at % 1440 < 1380 else 0 for at in range(7 * 1440)]


def recording(serial: str = SERIAL, shift: int = 0) -> bytes:
    return awd([count + shift for count in COUNTS], serial=serial).replace(b"Jane Doe", SUBJECT.encode())


class Tour:
    """A day of the clinic; each step says what it must have been answered, so that none is skipped unseen."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic = clinic
        self.exports: dict[str, bytes] = {}
        self.register()
        self.measure()
        self.write_down()
        self.treat()
        self.correspond()
        self.look()
        self.refuse()
        self.fail()
        self.print_out()
        self.emergency()
        self.ask_outside()
        self.take_out()
        self.leave_messages()

    def ask(self, status: int, who: str, method: str, path: str, *args: Any, **more: Any) -> Any:
        answer = self.clinic.ask(who, method, path, *args, **more)
        assert answer.status == status, (
            f"{answer.asked}: {answer.status}\n{answer.body.decode()}\n{self.clinic.evidence()}"
        )
        return answer

    def register(self) -> None:
        form = self.ask(200, "ada.north", "GET", "/patients/new/").body.decode()
        team = re.search(r'name="teams" value="([\w-]+)"', form)
        assert team, form
        more = {"sex": "female", "pronouns": "she/her", "zone": "Europe/Oslo", "teams": team[1]}
        made = self.ask(302, "ada.north", "POST", "/patients/new/", HEAD | more)
        self.patient = id_in(made.location)
        self.chart, self.api = f"/patients/{self.patient}/", f"/api/v1/patients/{self.patient}"
        version = json.loads(self.ask(200, "ada.north", "GET", self.api).body)["version"]
        change = json.dumps({"version": version, "phone": PHONE, "first_name": FIRST}).encode()
        self.ask(200, "ada.north", "PATCH", self.api, body=change)

    def measure(self) -> None:
        sent = {"patient_id": self.patient, "metadata": json.dumps({"note": METADATA})}
        more = {"file": (f"{FILE}.awd", recording())}
        made = self.ask(201, "ada.north", "POST", "/api/v1/actigraphy/upload", sent, **more)
        self.recording = json.loads(made.body)["recording_id"]
        self.ask(
            302, "ada.north", "POST", f"{self.chart}actigraphy/upload/", {}, file=(f"{FILE}-2.awd", recording(shift=1))
        )
        status = f"{self.chart}actigraphy/recordings/{self.recording}/status/"
        self.clinic.until(lambda: b"is analyzed" in self.ask(200, "ada.north", "GET", status).body)

    def write_down(self) -> None:
        decision = {"purpose": "research", "streams": ["actigraphy"], "decision": "given", "how": "written"}
        self.ask(302, "ada.north", "POST", f"{self.chart}consents/record/", decision | {"remark": REMARK})
        self.ask(302, "ada.north", "POST", f"{self.chart}psychotherapy/new/", {"text": f"{THERAPY}: {LAST} cried."})
        incident = {"title": "A list was lost", "what": f"{INCIDENT} {LAST}", "discovered_at": "2026-03-01T10:00"}
        self.ask(302, "admin", "POST", "/compliance/incidents/new/", incident | {"others_affected": 1})

    def treat(self) -> None:
        """A drug, a file of a laboratory, a note that is signed, a questionnaire and a symptom."""

        def send(what: str, body: dict[str, Any]) -> None:
            self.ask(201, "ada.north", "POST", f"{self.api}/{what}", body=json.dumps(body).encode())

        send("medications", {"name": DRUG, "started": "2026-01-05", "indication": WHY_DRUG, "note": f"{LAST} asked."})
        table = f"gene,diplotype,phenotype\nCYP2C19,*1/*2,Intermediate Metabolizer {LAST}\n".encode()
        upload = f"{self.api}/genotypes/upload"
        self.ask(201, "ada.north", "POST", upload, {"lab": LAB}, file=(f"{FILE}-genes.csv", table))
        begun = self.ask(
            302, "ada.north", "POST", f"{self.chart}notes/new/", {"format": "soap", "encounter_on": "2026-03-02"}
        )
        typed = {
            "version": 1,
            "encounter_on": "2026-03-02",
            "section_subjective": f"{NOTE}: {FIRST} {LAST} sleeps badly.",
        }
        self.ask(302, "ada.north", "POST", begun.location, typed)
        self.ask(302, "ada.north", "POST", begun.location.replace("edit/", "sign/"), {"version": 2})
        send("assessments", {"instrument": "phq2", "answers": {"1": 3, "2": 3}})
        send("symptoms", {"type": "panic", "severity": 7, "context": CONTEXT, "notes": f"{CONTEXT} {LAST}"})

    def correspond(self) -> None:
        """To the patient's own account, who hears by e-mail that a message waits."""
        self.clinic.django(
            "from django.contrib.auth.models import Group\n"
            "from novamind.accounts.models import User\n"
            "from patients.models import Patient\n"
            "from patients.services import link_own_account\n"
            "user = User.objects.create_user('own.account@novamind.test')\n"
            "user.groups.add(Group.objects.get(name='patient'))\n"
            f"link_own_account(patient=Patient.objects.get(pk={self.patient!r}), user=user)\n"
        )
        said = json.dumps({"subject": SUBJECT_LINE, "text": f"{WRITTEN} {FIRST}"}).encode()
        self.ask(201, "ada.north", "POST", f"{self.api}/messages", body=said)

    def look(self) -> None:
        for page in ("", "edit/", "actigraphy/", "consents/", "psychotherapy/", "devices/", "access/"):
            self.ask(302 if page == "" else 200, "ada.north", "GET", self.chart + page)
        assert LAST.encode() in self.ask(200, "ada.north", "GET", f"{self.chart}actigraphy/").body
        for page in ("/patients/", "/api/v1/patients", f"/api/v1/actigraphy/recordings/{self.recording}/results"):
            self.ask(200, "ada.north", "GET", page)
        self.ask(302, "ada.north", "POST", "/patients/search/", {"q": LAST})
        self.ask(200, "ada.north", "POST", "/patients/search/", {"q": QUERY})
        for page in ("/audit/", "/audit/account/", "/audit/activity/", "/jobs/", "/compliance/", "/admin/"):
            self.ask(200, "admin", "GET", page)

    def refuse(self) -> None:
        for who, status in (("sam.south", 404), ("nobody", 302)):
            for page in ("edit/", "actigraphy/", "consents/", "access/"):
                self.ask(status, who, "GET", f"{self.chart}{page}?q={quote(LAST)}")
        for who, status in (("sam.south", 404), ("nobody", 401)):
            self.ask(status, who, "PATCH", self.api, body=json.dumps({"version": 1, "last_name": LAST}).encode())
        self.ask(409, "ada.north", "PATCH", self.api, body=json.dumps({"version": 1, "last_name": LAST}).encode())
        self.ask(409, "sam.south", "POST", "/api/v1/patients", body=json.dumps(HEAD, default=str).encode())
        self.ask(404, "ada.north", "GET", f"/patients/{quote(LAST)}/{MRN}")
        broken = (f"{FILE}.csv", f"{SUBJECT},{SERIAL}\n".encode() * 50)
        self.ask(422, "ada.north", "POST", f"{self.chart}actigraphy/upload/", {}, file=broken)
        form = self.ask(200, "nobody", "POST", SIGN_IN, {"username": TYPED, "password": WORD})
        assert WORD.encode() not in form.body
        login = json.dumps({"email": TYPED, "password": WORD, "code": "000000"}).encode()
        self.ask(401, "nobody", "POST", "/api/v1/auth/login", body=login)

    def fail(self) -> None:
        """Errors that quote the whole head of the chart: on pages, at the API, in a job until it is set aside."""
        accident = {"X-Accident": self.patient}
        for method, path in (("GET", f"{self.chart}actigraphy/"), ("GET", self.api), ("POST", f"{self.chart}edit/")):
            self.ask(500, "ada.north", method, path, HEAD if method == "POST" else None, **accident)
        self._enqueue("accidents.quote", attempts=2)  # the third is the last
        jobs = "from novamind.jobs.models import Job; print(*Job.objects.values_list('kind', 'state'), sep='\\n')"
        self.clinic.until(lambda: "('accidents.quote', 'quarantined')" in self.clinic.django(jobs))
        assert b"accidents.quote" in self.ask(200, "admin", "GET", "/jobs/").body

    def emergency(self) -> None:
        asked = {"mrn": MRN, "reason": "covering", "explanation": EXPLANATION}
        self.ask(302, "sam.south", "POST", "/patients/emergency/", asked)
        self.ask(302, "sam.south", "POST", f"{self.chart}emergency/end/", {})
        self.ask(200, "admin", "GET", "/patients/emergency/reviews/")
        self.clinic.until(lambda: any(b"Emergency access" in body for body in self.clinic.sink.of("/mail")))

    def ask_outside(self) -> None:
        self._enqueue("accidents.outside")
        self.clinic.until(lambda: self.clinic.sink.of("/model"))

    def take_out(self) -> None:
        account = self.clinic.django(
            "from novamind.accounts.models import User; print(User.objects.get(email__startswith='ada.').pk)"
        ).strip()
        made = self.ask(200, "admin", "POST", "/audit/account/export/", {"account": account})
        self.exports["an account's trail as CSV"] = made.body
        self.exports["the trail as FHIR"] = self.clinic.python("manage.py", "export_audit", *DAYS).encode()
        self.exports["phi_audit"] = self.clinic.python("manage.py", "phi_audit").encode()
        self.exports["verify_audit"] = self.clinic.python("manage.py", "verify_audit").encode()
        assert self.patient.encode() in self.exports["an account's trail as CSV"]
        assert self.patient.encode() in self.exports["the trail as FHIR"]

    def leave_messages(self) -> None:
        """Without a worker, what an upload sends stays where messages wait."""
        self.clinic.end("The worker")
        self.ask(
            302, "ada.north", "POST", f"{self.chart}actigraphy/upload/", {}, file=(f"{FILE}-3.awd", recording(shift=2))
        )
        self.clinic.until(lambda: any(messages(self.clinic)))

    def print_out(self) -> None:
        """Reports are the chart's own pages and show its head; what is around them must not."""
        for address in ("actigraphy/report", "brief/report", "brief/shared"):
            assert LAST.encode() in self.ask(200, "ada.north", "GET", f"{self.chart}{address}/").body
            pdf = self.ask(200, "ada.north", "POST", f"{self.chart}{address}/pdf/", {}).body
            page = PdfReader(io.BytesIO(pdf))
            assert LAST in "".join(one.extract_text() for one in page.pages), "the whole page was printed"
            self.exports[f"{address}, what its PDF says of itself"] = repr(dict(page.metadata or {})).encode()
            if address.endswith("report"):
                table = self.ask(200, "ada.north", "POST", f"{self.chart}{address}/csv/", {})
                self.exports[f"{address} as CSV"] = table.body

    def _enqueue(self, kind: str, attempts: int = 0) -> None:
        self.clinic.django(
            "from django.db import transaction\n"
            "from novamind.jobs.models import Job\n"
            "from novamind.jobs.services import enqueue\n"
            "with transaction.atomic():\n"
            f"    job = enqueue({kind!r}, key={kind!r}, patient_id={self.patient!r})\n"
            f"    Job.objects.filter(pk=job.pk).update(attempts={attempts})\n"
        )


def messages(clinic: Clinic) -> Iterator[bytes]:
    """Keys and values of the broker's and the cache's Redis; or the broker's folder."""
    for url in {clinic.environment.get("REDIS_URL"), clinic.environment.get("CACHE_URL")} - {None, ""}:
        client = redis.Redis.from_url(str(url))
        for key in client.scan_iter(count=1000):
            yield key
            yield from READ[client.type(key)](client, key)
        client.close()
    for path in (clinic.folder / "var" / "broker").rglob("*"):
        if path.is_file():
            yield path.read_bytes()


READ: dict[bytes, Callable[[Any, bytes], list[bytes]]] = {
    b"none": lambda client, key: [],
    b"string": lambda client, key: [client.get(key) or b""],
    b"list": lambda client, key: client.lrange(key, 0, -1),
    b"set": lambda client, key: list(client.smembers(key)),
    b"zset": lambda client, key: client.zrange(key, 0, -1),
    b"hash": lambda client, key: [part for pair in client.hgetall(key).items() for part in pair],
}


def places(tour: Tour) -> dict[str, list[bytes]]:
    """Everything outside the chart that this clinic has written, said or sent."""
    clinic = tour.clinic

    def files(folder: str) -> list[bytes]:
        found = [path for path in (clinic.folder / folder).rglob("*") if path.is_file()]
        return [str(path).encode() + b"\n" + path.read_bytes() for path in found]

    strangers = [one for one in clinic.answers if one.who not in {*CHART_OWNERS, "admin"} and SIGN_IN not in one.asked]
    refusals = [one for one in clinic.answers if one.status >= 400 and one.status != 422]  # 422: the sender's own form
    return {
        "logs": files("var/log"),
        "messages": list(messages(clinic)),
        "database": [clinic.dump()],
        "stored files": files("var/files"),
        "temporary files": files("tmp"),
        "error reports": clinic.sink.of("/api/"),
        "the model outside": clinic.sink.of("/model"),
        "e-mail": [body.replace(MAIL.encode(), b"") for body in clinic.sink.of("/mail")],  # but whom it is for
        "answers to strangers": [one.body for one in strangers],
        "refusals": [one.body for one in refusals],
        "heads": [f"{one.head} {one.location}".encode() for one in clinic.answers],
        "exports": list(tour.exports.values()),
    }


def found(tour: Tour) -> set[str]:
    """``place: canary`` for all of them."""
    return {
        f"{place}: {canary}"
        for place, contents in places(tour).items()
        for canary in find_in_bytes(b"\n\n".join(contents), CANARIES)
    }


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tour]:
    clinic = Clinic(tmp_path_factory.mktemp("clinic"), "tests.accidents.settings")
    try:
        yield Tour(clinic)
    finally:
        clinic.stop()


def test_a_patient_is_found_nowhere_but_in_their_chart(tour: Tour) -> None:
    searched = {place: sum(map(len, contents)) for place, contents in places(tour).items()}
    assert min(searched[place] for place in searched if place != "temporary files") > 0, searched
    reports = b"".join(b"".join(opened(report)) for report in tour.clinic.sink.of("/api/"))
    assert b"ValueError" in reports  # those that quote the patient have arrived
    assert b"[NAME-1]" in b"".join(tour.clinic.sink.of("/model"))
    assert found(tour) == set()


def test_nothing_was_touched_while_no_record_was_open(tour: Tour) -> None:
    logs = b"".join(places(tour)["logs"])
    assert b"incomplete audit" not in logs
    assert b"outside any request" not in logs
    assert b"nobody known" not in logs


def send(address: str, body: bytes) -> None:
    with urlopen(address, body, timeout=60) as answer:
        answer.read()


def cached(clinic: Clinic) -> None:
    if url := clinic.environment.get("CACHE_URL") or clinic.environment.get("REDIS_URL"):
        client = redis.Redis.from_url(url)
        client.set("canary-test", gzip.compress(f"<td>{LAST}</td>".encode()), ex=60)
        client.close()
    else:
        (clinic.folder / "var" / "broker" / "planted").write_bytes(gzip.compress(LAST.encode()))


def answered(tour: Tour, *, status: int, location: str = "", body: bytes = b"") -> None:
    tour.clinic.answers.append(Answer("ada.north", "GET /", status, "", location, body))


LEAKS: dict[str, Callable[[Tour], Any]] = {
    "logs": lambda tour: tour.clinic.python("-c", f"import sys; sys.stderr.write({json.dumps(LAST)!r})"),
    "messages": lambda tour: cached(tour.clinic),
    "database": lambda tour: tour.clinic.sql(f"UPDATE jobs_job SET error_detail = '{MRN.lower()}'"),
    "stored files": lambda tour: (tour.clinic.folder / "var" / "files" / "plain").write_bytes(SUBJECT.encode("utf-16")),
    "temporary files": lambda tour: (tour.clinic.folder / "tmp" / "upload").write_bytes(gzip.compress(SERIAL.encode())),
    "e-mail": lambda tour: send(f"http://127.0.0.1:{tour.clinic.sink.port}/mail/x", f"about {FIRST}".encode()),
    "error reports": lambda tour: send(
        f"http://127.0.0.1:{tour.clinic.sink.port}/api/1/envelope/", gzip.compress(json.dumps({"m": FIRST}).encode())
    ),
    "the model outside": lambda tour: send(f"http://127.0.0.1:{tour.clinic.sink.port}/model", str(BORN).encode()),
    "answers to strangers": lambda tour: tour.clinic.ask("sam.south", "POST", "/patients/search/", {"q": QUERY}),
    "refusals": lambda tour: answered(tour, status=500, body=f"<p>{MAIL}</p>".encode()),
    "heads": lambda tour: answered(tour, status=302, location=f"/patients/?q={quote(LAST)}"),
    "exports": lambda tour: tour.exports.update({"planted": PHONE.encode().hex().encode()}),
}


def test_a_leak_that_is_planted_is_found_in_every_place(tour: Tour) -> None:
    assert set(LEAKS) == set(places(tour))
    for place, plant in LEAKS.items():
        assert not [hit for hit in found(tour) if hit.startswith(place)]
        plant(tour)
        assert [hit for hit in found(tour) if hit.startswith(place)], place
