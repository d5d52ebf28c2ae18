"""``manage.py rotate_keys``: new data keys, everything encrypted anew; or data keys wrapped by a new master key."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import CommandError

from novamind.audit import keys
from novamind.audit.commands import WatchedCommand
from novamind.phi.master import create_next_master_key
from novamind.phi.models import DataKey
from novamind.phi.rotation import KEPT, Counts

BY = "manage.py rotate_keys"


class Command(WatchedCommand):
    """Goes on where it stopped, however it was stopped; prints counts and nothing else."""

    help = (
        "Encrypt a patient, the clinic or everything under new keys; without a choice, go on with what has begun. "
        "Exits 1 while something is left to do that another run is needed for."
    )

    def add_arguments(self, parser: Any) -> None:
        chosen = parser.add_mutually_exclusive_group()
        chosen.add_argument("--all", action="store_true", help="every patient's keys and the clinic's")
        chosen.add_argument("--patient", type=UUID, metavar="UUID", help="one patient's keys")
        chosen.add_argument("--clinic", action="store_true", help="the clinic's key and the key of the blind indexes")
        chosen.add_argument("--master", action="store_true", help="wrap every data key by the current master key")
        chosen.add_argument("--new-master", type=Path, metavar="FILE", help="write the next master key there")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["new_master"]:
            self._write_master(options["new_master"])
        elif options["master"]:
            self._rewrap()
        else:
            self._rotate(options["all"], options["patient"], options["clinic"])

    def _write_master(self, path: Path) -> None:
        try:
            create_next_master_key(path)
        except FileExistsError as error:
            raise CommandError(str(error)) from None
        self.stdout.write("the next master key is written, wrapped by KMS" if settings.KMS_KEY_ID else "written")

    def _rewrap(self) -> None:
        done, lost = keys.rewrap_all(by=BY)
        self.stdout.write(f"{done} keys wrapped by the current master key, {lost} could not be opened")
        if lost:
            sys.exit(1)

    def _rotate(self, everybody: bool, patient_id: UUID | None, clinic: bool) -> None:
        if everybody or patient_id or clinic:
            owners = DataKey.objects.all() if everybody else DataKey.objects.filter(patient_id=patient_id)
            if not owners.living().exists():
                raise CommandError("there is no key of that owner")
            self.stdout.write(f"{keys.rotate(owners, by=BY)} keys retired")
        counts = keys.reencrypt(patient_id)
        self._say(counts)
        destroyed, last = keys.destroy_retired(by=BY)
        waiting = DataKey.objects.retired().count()
        hours = f"{KEPT.total_seconds() / 3600:g} h"
        self.stdout.write(f"{destroyed} retired keys destroyed, {waiting} kept (each at least {hours})")
        if destroyed or last.rows:
            self._say(last)
        if counts.busy or counts.unreadable or counts.clashes:
            sys.exit(1)

    def _say(self, counts: Counts) -> None:
        self.stdout.write(
            f"{counts.rows} rows looked at, {counts.renewed} encrypted anew, {counts.files} files; "
            f"{counts.busy} in use, {counts.unreadable} columns unreadable, {counts.lost_files} files lost, "
            f"{counts.clashes} record numbers in two charts"
        )
