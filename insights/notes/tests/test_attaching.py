"""Files of notes: told by their bytes, sealed, their author's until signed, then fixed; given back as files."""

from __future__ import annotations

import re
import struct
import zlib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from insights.models import Content, EncounterNote, NoteAttachment
from insights.notes.attaching import attach_file, read_file
from insights.notes.contents import Unsuitable, content_of, name_as
from insights.notes.formats import format_of
from insights.notes.writing import WrongNote, change_note, discard_note, is_as_signed, sign_note, start_note
from novamind.audit.models import AuditEvent
from novamind.limits import ATTACHMENTS
from novamind.phi.models import ErasedFile
from novamind.phi.uploads import erase_due, sealed_upload
from patients.consent import record_consent
from patients.disposal import Reason, dispose
from patients.services import assign_patient, join_team

pytestmark = pytest.mark.django_db
ON = date(2026, 3, 2)
PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /OpenAction [2 0 R /Fit] >>\nendobj\ntrailer\n<< >>\n%%EOF\n"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00 and so on \xff\xd9"
TEXT = b"Letter of the surgery: Zqxletter.\n"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


#: One black point.
PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\x00\x00"))
    + _chunk(b"IEND", b"")
)


def packed(objects: bytes) -> bytes:
    """A PDF with objects in a packed stream."""
    inner = zlib.compress(objects)
    return PDF.replace(
        b"trailer", b"3 0 obj\n<< /Type /ObjStm /Filter /FlateDecode >>\nstream\n" + inner + b"\nendstream\ntrailer"
    )


@pytest.fixture
def note(patient: Any, psychiatrist: Any) -> EncounterNote:
    made = start_note(patient=patient, author=psychiatrist, form=format_of("contact"), encounter_on=ON)
    first = made.sections[0]["id"]
    change_note(made, version=1, texts={first: "Zqxwords."}, encounter_on=ON, part2=False)
    return EncounterNote.objects.get(pk=made.pk)


@pytest.fixture
def page(note: EncounterNote) -> str:
    return f"/patients/{note.patient_id}/notes/{note.pk}/"


@pytest.fixture
def attached(note: EncounterNote) -> NoteAttachment:
    """A letter; the note is of version 3 now."""
    return attach_file(note, sealed_upload(TEXT, "letter.txt"), version=2)


def file(content: bytes, name: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


@pytest.mark.parametrize(
    ("data", "content"),
    [(PDF, Content.PDF), (PNG, Content.PNG), (JPEG, Content.JPEG), (TEXT, Content.TEXT),
     ("\ufeffÅse, 3 < 5 and 7 > 2\r\n".encode(), Content.TEXT), (packed(b"<< /Type /Font >>"), Content.PDF),
     (PDF.replace(b"trailer", b"4 0 obj << >> stream\n\x00/JS \xff/XFA \nendstream\ntrailer"), Content.PDF)],
)  # fmt: skip
def test_a_file_is_what_its_bytes_say(data, content):
    assert content_of(data) is content


@pytest.mark.parametrize(
    "data",
    [b"", b" \n", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", b"\xef\xbb\xbf<!DOCTYPE html><p>",
     b"Dear colleague\n< ScRiPt >alert(1)</script>", b"<?xml version='1.0'?><a/>", b"MZ\x90\x00\x03", b"PK\x03\x04zip",
     b"a\x00b", b"\xff\xfeU\x00T\x00F\x00", b"\x89PNG\r\n\x1a\nnot a header of one", b"GIF89a\x01\x00",
     b" %PDF-1.7 not at its start \xff", PDF[:-7], PDF.replace(b"/OpenAction", b"/JavaScript"),
     PDF.replace(b"/OpenAction", b"/#4A#61vaScript"), PDF.replace(b"/OpenAction", b"/XFA "),
     PDF.replace(b"endobj", b"endobj\n%stream\n4 0 obj << /S /JavaScript /JS (x) >> endobj\n%endstream"),
     packed(b" " * 3000 + b"/Launch "), packed(b"x" * 65_530 + b"/JavaScript "),
     packed(b"x").replace(b"/FlateDecode", b"[/ASCIIHexDecode /FlateDecode]"),
     PDF.replace(b"trailer", b"stream\n" + zlib.compress(b"endstream /Launch ", 0) + b"\nendstream\ntrailer"),
     packed(b" " * 2**24).replace(b"trailer", b"stream\n" + zlib.compress(b" " * 2**27) + b"\nendstream\ntrailer"),
     PDF.replace(b"/OpenAction", b"/Launch"), PDF.replace(b"/OpenAction", b"/EmbeddedFile"),
     PDF.replace(b"/OpenAction", b"/Encrypt"), packed(b"<< /S /JavaScript /JS (app.alert(1)) >>"),
     PDF.replace(b"/OpenAction", b"/RichMedia")],
)  # fmt: skip
def test_what_a_program_would_run_and_what_is_none_of_the_four_is_refused(data):
    with pytest.raises(Unsuitable):
        content_of(data)


@pytest.mark.parametrize(
    ("name", "content", "shown"),
    [("letter.TXT", Content.TEXT, "letter.TXT"), ("page.html", Content.TEXT, "page.html.txt"),
     ("scan.jpg", Content.PDF, "scan.jpg.pdf"), ("a\u202etxt.exe", Content.PNG, "atxt.exe.png"),
     ("", Content.JPEG, "file.jpg"), ("x" * 400, Content.PDF, "x" * 200 + ".pdf")],
)  # fmt: skip
def test_a_name_ends_as_its_content_says(name, content, shown):
    assert name_as(name, content) == shown


def test_the_whole_way_of_a_file_by_its_pages(note, page, signed_in, psychiatrist, therapist):
    browser = signed_in(psychiatrist)
    sent = {"version": 2, "file": file(TEXT, "page.html")}
    assert browser.post(f"{page}files/", sent).url == page
    row = NoteAttachment.objects.get()
    assert "page.html.txt" in browser.get(page).content.decode()
    assert browser.post(f"{page}sign/", {"version": 3}).url == page
    shown = browser.get(page).content.decode()
    assert "Attach a file" not in shown
    assert "Remove page.html.txt" not in shown
    answer = signed_in(therapist).get(f"{page}files/{row.pk}/")
    assert answer.content == TEXT
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"] == 'attachment; filename="page.html.txt"'
    event = AuditEvent.objects.get(action="insights:attachment")
    assert (event.object_label, event.object_id) == ("insights.NoteAttachment", str(row.pk))


def test_wrong_files_are_refused_in_words_and_leave_nothing(note, page, signed_in, psychiatrist, settings):
    browser = signed_in(psychiatrist)
    for content, said in ((b"<svg/>", "HTML, SVG"), (b"x" * (10 * 1024**2 + 1), "10 MB"), (b"\x00", "Only PDF")):
        answer = browser.post(f"{page}files/", {"version": 2, "file": file(content, "a.pdf")})
        assert answer.status_code == 422
        assert said in answer.content.decode()
    assert browser.post(f"{page}files/", {"version": 2}).status_code == 422
    assert browser.post(f"{page}files/", {"version": 1, "file": file(TEXT, "a.txt")}).status_code == 409
    assert not NoteAttachment.objects.exists()
    assert not _stored(settings)


def test_the_same_file_twice_and_one_too_many_are_refused(note, attached):
    def send(content: bytes, version: int) -> str:
        with pytest.raises(WrongNote) as error:
            attach_file(note, sealed_upload(content, "a.txt"), version=version)
        return str(error.value)

    assert "attached already" in send(TEXT, 3)
    for number in range(ATTACHMENTS - 1):
        attach_file(note, sealed_upload(b"page %d" % number, "a.txt"), version=3 + number)
    assert f"at most {ATTACHMENTS} files" in send(b"one more", 3 + ATTACHMENTS - 1)


def test_a_file_and_its_name_are_sealed(attached, settings):
    stored = _stored(settings)[0].read_bytes()
    assert b"Zqxletter" not in stored
    with connection.cursor() as cursor:
        cursor.execute("SELECT file_name, file_key FROM insights_noteattachment")
        name, key = cursor.fetchone()
    assert b"letter" not in bytes(name)
    assert len(bytes(key)) > 32
    assert read_file(attached) == TEXT


def test_of_a_draft_the_files_are_its_authors_alone(attached, page, signed_in, psychiatrist, therapist):
    where = f"{page}files/{attached.pk}/"
    colleague = signed_in(therapist)
    assert colleague.get(where).status_code == 404
    assert colleague.post(f"{page}files/", {"version": 3, "file": file(PDF, "b.pdf")}).status_code == 404
    assert colleague.post(f"{where}remove/", {"version": 3}).status_code == 404
    author = signed_in(psychiatrist)
    assert author.get(where).status_code == 200
    assert author.post(f"{where}remove/", {"version": 2}).status_code == 302  # of an older version: nothing happens
    assert NoteAttachment.objects.exists()
    author.post(f"{where}remove/", {"version": 3})
    assert not NoteAttachment.objects.exists()


def test_signing_fixes_the_files(note, attached, page, signed_in, psychiatrist):
    fresh = EncounterNote.objects.get(pk=note.pk)
    sign_note(fresh, version=3, by=psychiatrist)
    assert is_as_signed(EncounterNote.objects.get(pk=note.pk))
    browser = signed_in(psychiatrist)
    assert browser.post(f"{page}files/", {"version": 4, "file": file(PDF, "b.pdf")}).status_code == 404
    assert browser.post(f"{page}files/{attached.pk}/remove/", {"version": 4}).status_code == 404
    NoteAttachment.objects.get().delete()
    assert "This is not what was signed" in browser.get(page).content.decode()


def test_what_is_taken_off_or_discarded_is_erased_from_storage(note, attached, page, signed_in, psychiatrist, settings):
    signed_in(psychiatrist).post(f"{page}files/{attached.pk}/remove/", {"version": 3})
    attach_file(EncounterNote.objects.get(pk=note.pk), sealed_upload(PDF, "b.pdf"), version=4)
    discard_note(EncounterNote.objects.get(pk=note.pk), version=5)
    assert not NoteAttachment.objects.exists()
    assert len(_stored(settings)) == ErasedFile.objects.count() == 2
    erase_due()
    assert not _stored(settings)


def test_a_chart_that_is_destroyed_leaves_no_file(note, attached, settings):
    dispose(note.patient_id, reason=Reason.ERROR, by="t")
    assert not NoteAttachment.objects.exists()
    assert not _stored(settings)


def test_consent_and_the_label_of_the_note_are_those_of_its_files(
    note, attached, page, signed_in, psychiatrist, therapist, other_team, patient
):
    where = f"{page}files/{attached.pk}/"
    other_team.part2_programme = True
    other_team.save()
    join_team(team=other_team, user=psychiatrist)
    assign_patient(team=other_team, patient=patient)
    fresh = EncounterNote.objects.get(pk=note.pk)
    change_note(fresh, version=3, texts={}, encounter_on=ON, part2=True)
    assert NoteAttachment.objects.get().part2
    sign_note(fresh, version=4, by=psychiatrist)
    assert signed_in(psychiatrist).get(where).status_code == 200
    assert signed_in(therapist).get(where).status_code == 404
    record_consent(patient=patient, purpose="treatment", stream="notes", given=False, how="spoken", by=psychiatrist)
    assert signed_in(psychiatrist).get(where).status_code == 403


def test_a_file_that_storage_has_lost_is_said_so(attached, page, signed_in, psychiatrist, settings):
    _stored(settings)[0].unlink()
    answer = signed_in(psychiatrist).get(f"{page}files/{attached.pk}/", follow=True)
    assert re.search("not in storage any more", answer.content.decode())


def _stored(settings: Any) -> list[Path]:
    folder = Path(settings.STORAGES["default"]["OPTIONS"]["location"])
    return [path for path in folder.rglob("*") if path.is_file()]
