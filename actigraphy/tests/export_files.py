"""Exports of Apple Health, written by hand for tests, and the plainest look at one."""

from __future__ import annotations

import io
import zipfile
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

DTD = "<!DOCTYPE HealthData [\n<!ELEMENT HealthData (Record*)>\n<!ATTLIST Record type CDATA #REQUIRED>\n]>\n"
WATCH = "Ada's Apple\xa0Watch"


def record(kind: str, value: object, start: str, end: str = "", unit: str = "count/min", /, **more: str) -> str:
    """One record; ``start`` and ``end`` with their offset."""
    said = {"type": kind if kind.startswith("HK") else f"HKQuantityTypeIdentifier{kind}", "sourceName": WATCH,
            "unit": unit, "startDate": start, "endDate": end or start, "value": str(value)} | more  # fmt: skip
    return f"<Record {' '.join(f'{name}={quoteattr(text)}' for name, text in said.items())}/>"


def sleep(stage: str, start: str, end: str, **more: str) -> str:
    value = f"HKCategoryValueSleepAnalysis{stage}"
    return record("HKCategoryTypeIdentifierSleepAnalysis", value, start, end, "", **more)


def health(*records: str, dtd: str = DTD, encoding: str = "UTF-8") -> bytes:
    """An ``export.xml`` of these records."""
    text = f'<?xml version="1.0" encoding="{encoding}"?>\n{dtd}<HealthData locale="en_NO">\n' + "\n".join(records)
    return f"{text}\n</HealthData>\n".encode(encoding)


def zipped(content: bytes, name: str = "apple_health_export/Exportación.xml", **others: bytes) -> bytes:
    """Apple's ZIP: the export under its name in the phone's language, the clinical document, a workout."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("apple_health_export/export_cda.xml", "<ClinicalDocument xmlns='urn:hl7-org:v3'/>")
        archive.writestr("apple_health_export/workout-routes/route.gpx", "<gpx/>")
        archive.writestr(name, content)
        for other, held in others.items():
            archive.writestr(other, held)
    return file.getvalue()


def plainly(content: bytes, kind: str) -> list[tuple[str, str, float]]:
    """(start, end, value) of every record of a quantity, by a parser that holds the whole document."""
    records = ElementTree.fromstring(content).findall("Record")
    return [(one.get("startDate", ""), one.get("endDate", ""), float(one.get("value", "")))
            for one in records if one.get("type") == f"HKQuantityTypeIdentifier{kind}"]  # fmt: skip
