"""What keys, ciphertext and the search for identifiers can say of themselves, as lines of the compliance page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import Min

from novamind.clock import now
from novamind.frame import Check
from novamind.phi import cipher
from novamind.phi.columns import Columns, columns
from novamind.phi.documents import SealedJSON, documents
from novamind.phi.keys import KeyLost, KeyUnavailable, master_key_id
from novamind.phi.models import DataKey, PhiScan
from novamind.phi.uploads import MAGIC

AT_LEAST_EVERY = timedelta(days=2)
SAMPLE = 20
OWNER = "clinical admin"


def phi_scan() -> Iterator[Check]:
    """Fails when something was found, or when nobody has looked for two days."""
    last = PhiScan.objects.first()
    if last is None:
        state, fact = "not configured", "never searched"
    else:
        hits = ", ".join(f"{place}: {count}" for place, count in sorted(last.findings.items())) or "nothing found"
        state = "holds" if not last.findings and last.finished_at > now() - AT_LEAST_EVERY else "fails"
        fact = f"{last.finished_at:%Y-%m-%d %H:%M} UTC, {last.patients} patients, {last.characters} characters: {hits}"
    yield Check(
        key="phi_scan",
        title="No identifier stands where none may",
        state=state,
        fact=fact,
        remedy="Run manage.py phi_audit; remove what was found at its source and in the place named.",
        owner="clinical admin",
        due_days=1,
    )


def keys() -> Iterator[Check]:
    """What is encrypted opens; keys are young enough; who holds the master key; files are sealed."""
    yield _opens()
    yield _master_age()
    yield _data_keys_age()
    yield _kms()
    yield _files()


def _opens() -> Check:
    tried, damaged = 0, []
    try:
        for place in columns():
            opened = list(_sample(place))
            tried += len(opened)
            damaged += [f"{place.model._meta.label}: {opened.count(False)}"] if False in opened else []
        for document in documents():
            opened = list(_sample_of(document))
            tried += len(opened)
            damaged += [f"{document.model}: {opened.count(False)}"] if False in opened else []
        state, fact = ("fails" if damaged else "holds"), ", ".join(damaged) or "all of them open"
        fact = f"{tried} values of the {SAMPLE} newest rows of each table: {fact}"
    except KeyUnavailable:
        state, fact = "fails", "the master key cannot be read"
    return Check(
        key="encryption_opens",
        title="What is encrypted can be opened",
        state=state,
        fact=fact,
        remedy="Restore the rows or the keys named from a backup; find out who wrote past Novamind.",
        owner=OWNER,
        due_days=1,
    )


def _sample(place: Columns) -> Iterator[bool]:
    """Whether each ciphertext of the newest rows opens; what was disposed of is empty and is no ciphertext."""
    table = place.model._meta.db_table
    named = {field.name for field in place.model._meta.local_concrete_fields}
    newest = next((f"-{name}" for name in ("created_at", "at", "opened_at", "expires_at") if name in named), "-pk")
    rows = place.rows.order_by(newest).values_list("pk", *(field.attname for field in place.sealed))
    for pk, *values in rows[:SAMPLE]:
        for field, value in zip(place.sealed, values, strict=True):
            if value:
                yield _is_open(bytes(value), table=table, column=field.column, row=pk)


def _sample_of(place: SealedJSON) -> Iterator[bool]:
    """The same of values that stand in JSON."""
    rows = place.rows.order_by("-pk").values_list(place.bound_to, place.column)
    for row, document in rows[:SAMPLE]:
        for kept in place.texts(document):
            try:
                place.open(kept, row)
            except (cipher.Altered, KeyLost):
                yield False
            else:
                yield True


def _is_open(stored: bytes, **place: Any) -> bool:
    try:
        cipher.decrypt(stored, **place)
    except (cipher.Altered, KeyLost):
        return False
    return True


def _master_age() -> Check:
    try:
        since = DataKey.objects.filter(master_key_id=master_key_id()).aggregate(at=Min("wrapped_at"))["at"]
        others = DataKey.objects.filter(destroyed_at=None).exclude(master_key_id=master_key_id()).count()
    except KeyUnavailable:
        since, others = None, DataKey.objects.filter(destroyed_at=None).count()
    fact = f"in use since {since:%Y-%m-%d}" if since else "it cannot be read, or has wrapped nothing yet"
    late = since is not None and since < now() - timedelta(days=settings.KEY_MAX_AGE_DAYS)
    return Check(
        key="master_key_age",
        title=f"The master key is at most {settings.KEY_MAX_AGE_DAYS} days old and wraps every key",
        state="fails" if late or others else "holds",
        fact=f"{fact}; {others} keys are wrapped by another",
        remedy='Follow "Rotation of the master key" in docs/encryption.md: manage.py rotate_keys --master.',
        owner=OWNER,
    )


def _data_keys_age() -> Check:
    limit = now() - timedelta(days=settings.KEY_MAX_AGE_DAYS)
    living = DataKey.objects.living()
    old, total = living.filter(created_at__lt=limit).count(), living.count()
    stuck = DataKey.objects.retired().filter(retired_at__lt=now() - AT_LEAST_EVERY).count()
    return Check(
        key="data_key_age",
        title=f"Data keys are at most {settings.KEY_MAX_AGE_DAYS} days old",
        state="fails" if old or stuck else "holds",
        fact=f"{old} of {total} keys are older; {stuck} were retired more than two days ago and are still needed",
        remedy="Run manage.py rotate_keys --all; without a choice it goes on with one and says what is in the way.",
        owner=OWNER,
    )


def _kms() -> Check:
    return Check(
        key="kms",
        title="The master key is wrapped by a key management service",
        state="holds" if settings.KMS_KEY_ID else "not configured",
        fact="MASTER_KEY_FILE holds what KMS wrapped"
        if settings.KMS_KEY_ID
        else "MASTER_KEY_FILE holds the key itself",
        remedy="Set KMS_KEY_ID and wrap the master key: docs/encryption.md.",
        owner=OWNER,
    )


def _files() -> Check:
    looked = missing = plain = 0
    for place in columns():
        for column in place.files:
            newest = "-created_at" if any(f.name == "created_at" for f in place.model._meta.fields) else "-pk"
            for name in place.rows.exclude(**{column: ""}).order_by(newest).values_list(column, flat=True)[:SAMPLE]:
                looked += 1
                try:
                    with default_storage.open(name, "rb") as stored:
                        plain += stored.read(len(MAGIC)) != MAGIC
                except Exception:  # every store says it in its own way, and none may break the page
                    missing += 1
    return Check(
        key="files_encrypted",
        title="Stored files are encrypted",
        state="fails" if plain or missing else "holds",
        fact=f"of the {looked} newest files {plain} are not sealed and {missing} are not in storage",
        remedy="Take the file out of storage and upload it again; restore what is missing from a backup.",
        owner=OWNER,
        due_days=1,
    )
