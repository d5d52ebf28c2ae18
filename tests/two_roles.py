"""A database of its own on the test server, with the two roles that ``deploy/postgres-init.sh`` makes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from environ import Env

SCRIPT = Path(__file__).resolve().parents[1] / "deploy" / "postgres-init.sh"
OWNER_PASSWORD, APP_PASSWORD = "owner", "app"  # noqa: S105


@dataclass
class TwoRoles:
    """The database by name, and how to reach it; ``admin`` is a superuser's connection to another one."""

    name: str
    where: dict[str, Any]
    admin: Any

    def connect(self, role: str, database: str = "") -> Any:
        """As ``owner`` or ``app``, signed in as that role, not switched to it."""
        import psycopg

        more = {"user": f"{self.name}_{role}", "password": {"owner": OWNER_PASSWORD, "app": APP_PASSWORD}[role]}
        return psycopg.connect(dbname=database or self.name, autocommit=True, **(self.where | more))

    def url(self, role: str, database: str = "") -> str:
        password = {"owner": OWNER_PASSWORD, "app": APP_PASSWORD}[role]
        host = f"{self.where['host']}:{self.where['port']}"
        return f"postgresql://{self.name}_{role}:{password}@{host}/{database or self.name}"


@contextmanager
def two_roles(folder: Path) -> Iterator[TwoRoles]:
    """Make it and drop it, as the suite's role or TEST_SUPERUSER_URL's: skips without a superuser, who makes roles."""
    import psycopg

    name = f"novatest{uuid4().hex[:8]}"
    server = Env().db_url("TEST_SUPERUSER_URL", default="") or settings.DATABASES["default"]
    where = {"host": server["HOST"], "port": server["PORT"] or 5432, "user": server["USER"]}
    where["password"] = server["PASSWORD"] or ""
    with psycopg.connect(dbname="postgres", autocommit=True, **where) as admin:
        if not admin.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()[0]:
            pytest.skip("needs a superuser: roles are made")
        admin.execute(f"CREATE DATABASE {name}")
        try:
            environment = {
                "PGHOST": str(where["host"]),
                "PGPORT": str(where["port"]),
                "PGPASSWORD": where["password"],
                "POSTGRES_USER": where["user"],
                "POSTGRES_DB": name,
                "OWNER_PASSWORD": OWNER_PASSWORD,
                "APP_PASSWORD": APP_PASSWORD,
                "PGDATA": str(folder),
            }
            script = SCRIPT.read_text(encoding="utf-8").replace("novamind", name)
            subprocess.run(["bash", "-c", script], env=os.environ | environment, check=True, capture_output=True)
            yield TwoRoles(name, where, admin)
        finally:
            copies = admin.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{name}%"]).fetchall()
            for (copy,) in copies:
                admin.execute(f"DROP DATABASE {copy} WITH (FORCE)")
            for role in (f"{name}_app", f"{name}_owner"):
                admin.execute(f"DROP ROLE IF EXISTS {role}")
