"""What belongs to no single app: keys, the wire, the house, incidents. Counted now, with numbers."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Q

from novamind import clock
from novamind.accounts.models import User
from novamind.accounts.roles import CLINICAL_ADMIN, DEVICE, PATIENT
from novamind.compliance.clocks import overdue
from novamind.compliance.models import Incident
from novamind.frame import Check
from novamind.hardening import CHECKED_SSLMODE, SWITCHES, is_checked_redis
from novamind.phi.models import DataKey

STALE = timedelta(days=90)
SCANNED_WITHIN = timedelta(days=30)


def of_secrets() -> Iterator[Check]:
    """The master key, and what it wraps."""
    path, living = settings.MASTER_KEY_FILE, DataKey.objects.filter(destroyed_at__isnull=True)
    masters = living.order_by().values("master_key_id").distinct().count()
    open_to = stat.S_IMODE(path.stat().st_mode) & 0o077 if path.is_file() else None
    holds = open_to == 0 and masters <= 1
    kms = "KMS" if settings.KMS_KEY_ID else "a file alone"
    readable = {None: "not there", 0: "for its owner alone"}.get(open_to, "readable by others")
    yield Check(
        "encryption",
        "What is stored is encrypted under one master key",
        "holds" if holds else "not configured" if open_to is None and not masters else "fails",
        f"{living.count()} data keys under {masters} master keys; the master key is kept by {kms}, {readable}",
        "chmod 400 MASTER_KEY_FILE; finish a rotation that was begun; keep the master key in KMS (KMS_KEY_ID).",
        CLINICAL_ADMIN,
        due_days=7,
    )


def of_the_wire() -> Iterator[Check]:
    """TLS to the database and to Redis, as the connections are, not as they were meant."""
    yield _database_tls()
    urls = {name: getattr(settings, name) for name in ("REDIS_URL", "CACHE_URL")}
    used = {name: url for name, url in urls.items() if url}
    plain = sorted(name for name, url in used.items() if not is_checked_redis(url))
    yield Check(
        "redis_tls",
        "Redis is reached over TLS with its certificate checked",
        "not configured" if not used else "fails" if plain else "holds",
        f"{len(used) - len(plain)} of {len(used)} addresses" + (f"; not {', '.join(plain)}" if plain else ""),
        "Use rediss:// with ssl_cert_reqs=required.",
        CLINICAL_ADMIN,
        due_days=7,
    )


def _database_tls() -> Check:
    if connection.vendor != "postgresql":
        state, fact = "not configured", f"{connection.vendor}: a file of this machine, no network"
    else:
        with connection.cursor() as cursor:
            cursor.execute("SELECT ssl, version, cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
            encrypted, version, cipher = cursor.fetchone() or (False, None, None)
        mode = settings.DATABASES["default"].get("OPTIONS", {}).get("sslmode", "prefer")
        state = state_of_tls(encrypted, mode)
        fact = f"{version} with {cipher}, sslmode {mode}" if encrypted else f"this connection is not encrypted ({mode})"
    return Check(
        "database_tls",
        "The database is reached over TLS with its certificate checked",
        state,
        fact,
        "Set sslmode=verify-full in DATABASE_URL and give PostgreSQL a certificate.",
        CLINICAL_ADMIN,
        due_days=7,
    )


def state_of_tls(encrypted: bool, mode: str) -> str:
    """Of a connection to PostgreSQL: encrypted, and to the host the certificate is of."""
    return "holds" if encrypted and mode == CHECKED_SSLMODE else "fails"


def of_the_house() -> Iterator[Check]:
    """Switches, accounts, backups, and what the tools that look for weaknesses found."""
    off = [name for name in SWITCHES if not getattr(settings, name)] + (["DEMO is on"] if settings.DEMO else [])
    yield Check(
        "safety_switches",
        "Every safety switch is on",
        "fails" if off else "holds",
        f"{settings.ENVIRONMENT}: " + (", ".join(off) if off else f"{len(SWITCHES)} of {len(SWITCHES)} on, no demo"),
        "Take the lines out of the environment; production does not start with one off.",
        CLINICAL_ADMIN,
        due_days=1,
    )
    since = clock.now() - STALE
    active = User.objects.filter(is_active=True).exclude(groups__name__in=(PATIENT, DEVICE))
    stale = active.filter(Q(last_login__lte=since) | Q(last_login__isnull=True, created_at__lte=since)).count()
    yield Check(
        "stale_accounts",
        "Who has not signed in for 90 days has no active account",
        "fails" if stale else "holds",
        f"{stale} of {active.count()} active accounts, patients' apart",
        "Make them inactive in the admin; they can come back.",
        CLINICAL_ADMIN,
    )
    yield Check(
        "backup",
        "The last backup is less than 48 hours old",
        "not configured",
        "Novamind makes no backup and knows of none",
        "Back up the database, the files and, elsewhere, the master key; try to restore them.",
        CLINICAL_ADMIN,
        due_days=7,
    )
    yield _scans()


def _scans() -> Check:
    """``make check`` keeps what bandit and pip-audit found in DATA_DIR/checks/security.json."""
    try:
        kept = json.loads((settings.DATA_DIR / "checks" / "security.json").read_text(encoding="utf-8"))
        at = datetime.fromisoformat(kept["at"])
        weak, known = kept["bandit"], kept["pip_audit"]
    except (OSError, ValueError, KeyError, TypeError):
        state, fact = "not configured", "no result of bandit and pip-audit is kept here"
    else:
        fresh = at > clock.now() - SCANNED_WITHIN
        state = "holds" if weak == 0 and known == 0 and fresh else "fails"
        packages = "packages not compared" if known is None else f"{known} packages with a known weakness"
        fact = f"{at:%Y-%m-%d}: {weak} places in the code, {packages}"
    return Check(
        "code_scan",
        "No known weakness in code or packages",
        state,
        fact,
        "Run make check with a network, mend what it finds, and deploy.",
        CLINICAL_ADMIN,
        due_days=15,
    )


def of_incidents() -> Iterator[Check]:
    """Notices that the law wants by a date."""
    waiting = list(Incident.objects.filter(closed_at__isnull=True))
    late = sum(1 for incident in waiting if overdue(incident))
    yield Check(
        "incident_notices",
        "After a breach everybody is told in time",
        "fails" if late else "holds",
        f"{late} of {len(waiting)} open incidents overdue",
        "Open the incident, tell whom it names, and write down when.",
        CLINICAL_ADMIN,
        due_days=1,
    )
