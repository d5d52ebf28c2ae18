"""What tests ask of the audit trail, and a database that takes no more of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.test import Client

from novamind.accounts import tokens
from novamind.audit.models import AuditEvent

CANARIES = ("Zqxfirst", "Zqxlast", "1931", "ZQX-MRN-7781", "99977810", "zqx7781")
NEW = {"first_name": "Zqxnew", "last_name": "Zqxnewlast", "date_of_birth": "1931-02-17"}
PASSWORD = "correct horse battery staple"  # noqa: S105


def requests() -> Any:
    """The events of requests; signing a test client in has one of its own."""
    return AuditEvent.objects.filter(status_code__isnull=False)


def the_request() -> AuditEvent:
    return requests().get()


def patients_of(event: AuditEvent) -> set[Any]:
    return set(event.patients.values_list("patient_id", flat=True))


def bearer(user: Any) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {tokens.begin(user).access}"}


def new_patient(client: Client, **more: Any) -> Any:
    return client.post("/api/v1/patients", NEW, content_type="application/json", **more)


@contextmanager
def no_audit(table: str = "audit_auditevent") -> Iterator[None]:
    """The database itself refuses new rows of the trail."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "CREATE FUNCTION no_audit() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'disk full'; END $$"
            )
            cursor.execute(f"CREATE TRIGGER no_audit BEFORE INSERT ON {table} EXECUTE FUNCTION no_audit()")
        else:
            cursor.execute(
                f"CREATE TRIGGER no_audit BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                f"DROP TRIGGER no_audit ON {table}" if connection.vendor == "postgresql" else "DROP TRIGGER no_audit"
            )
            if connection.vendor == "postgresql":
                cursor.execute("DROP FUNCTION no_audit()")
