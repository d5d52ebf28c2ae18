"""``manage.py build_reference_cohort OUT``: the people against whom a device's weeks are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from actigraphy import training
from actigraphy.science import pat
from actigraphy.science.devices import DEVICES
from novamind import clock
from novamind.audit.commands import WatchedCommand


class Command(WatchedCommand):
    """One file is one person, and one week of each counts; files without a week are named and left out."""

    help = "Build a reference cohort (JSON) from recordings of one device, or from simulated people."
    requires_system_checks = ()

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("out", metavar="OUT", type=Path)
        parser.add_argument("paths", nargs="*", metavar="FOLDER|FILE", type=Path)
        parser.add_argument("--device", required=True, choices=sorted(DEVICES))
        parser.add_argument("--label", required=True, help="who, which device, where worn, which unit; no names")
        parser.add_argument("--simulated", type=int, default=0, metavar="N", help="N simulated people instead")
        parser.add_argument("--first-seed", type=int, default=0, help="of the simulated people")
        parser.add_argument("--tz", default=settings.CLINIC_TIME_ZONE, help="IANA zone of the devices' clocks")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["paths"]) == bool(options["simulated"]):
            raise CommandError("Name recordings, or --simulated N people; not both.")
        if options["simulated"] and options["device"] != training.DEVICE:
            raise CommandError(f"The simulator counts as {training.DEVICE} does; --device is {options['device']}.")
        try:
            people = self._people(options)
            cohort = pat.build_cohort(
                people.first_weeks(), device=people.device, label=options["label"], synthetic=people.simulated
            )
        except (training.NoWeeks, pat.CohortError, ValueError) as error:
            raise CommandError(f"No cohort: {error}.") from None
        content = pat.cohort_bytes(cohort)
        options["out"].parent.mkdir(parents=True, exist_ok=True)
        options["out"].write_bytes(content)
        how = "smoothed over an hour" if cohort.smoothed else "minute by minute"
        self.stdout.write(f"{cohort.people} people, {how}; sha256 {pat.load_cohort(content).sha256}.")

    def _people(self, options: dict[str, Any]) -> training.People:
        if options["simulated"]:
            return training.simulated_people(options["simulated"], weeks=1, first_seed=options["first_seed"])
        return training.recorded_people(
            options["paths"], tz=clock.zone(options["tz"]), device=options["device"], refuse=self._refuse
        )

    def _refuse(self, path: Path, why: str) -> None:
        self.stderr.write(f"{path.name}: left out. {why}")
