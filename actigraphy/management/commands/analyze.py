"""``manage.py analyze FILE…``: the pipeline of an upload, without a patient and without a database."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any, TextIO

from django import forms
from django.conf import settings
from django.core.management.base import CommandError

from actigraphy import pat
from actigraphy.analysis import EmptyWindow, WrongDevice, analyze, cut
from actigraphy.forms import parse_columns
from actigraphy.readers import UnreadableRecording, read_recording
from actigraphy.report import as_html, as_json, nights_table
from actigraphy.science.devices import DEVICES
from actigraphy.services import column_mapping
from novamind import clock
from novamind.audit.commands import WatchedCommand

BAR = 30


class Command(WatchedCommand):
    """One bad file does not stop the others; the exit status is 1 when there was one."""

    help = "Analyze recordings: nights, rhythm and PAT's view as JSON, as a page, or the nights as CSV."
    requires_system_checks = ()

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
        parser.add_argument("--tz", default=settings.CLINIC_TIME_ZONE, help="IANA zone of the device's clock")
        parser.add_argument("--days", type=int, help="keep only the first N days of each recording")
        parser.add_argument("--device", choices=sorted(DEVICES), help="where the file does not say it")
        parser.add_argument("--columns", help="of a generic table: time=…,activity=…")
        parser.add_argument("--assume-worn", action="store_true", help="mask and trim nothing (for validation)")
        parser.add_argument("--format", choices=["json", "html", "csv"], default="json")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            options["zone"] = clock.zone(options["tz"])
            options["mapping"] = column_mapping(parse_columns(options["columns"]) if options["columns"] else None)
        except ValueError as error:
            raise CommandError(str(error)) from None
        except forms.ValidationError as error:
            raise CommandError(f"--columns: {error.messages[0]}") from None
        if options["days"] is not None and options["days"] < 1:
            raise CommandError("--days is at least 1")
        weights = pat.mounted()
        items, progress = [], Progress(len(options["files"]), sys.stderr)
        for path in options["files"]:
            items.append(self._one(path, weights, options))
            progress.step(path.name)
        progress.close()
        self._print(items, options)
        if any("error" in item for item in items):
            sys.exit(1)

    def _one(self, path: Path, weights: pat.Installed | None, options: dict[str, Any]) -> dict[str, Any]:
        try:
            read = read_recording(path, tz=options["zone"], columns=options["mapping"])
            if options["days"] is not None:
                read = cut(read, None, clock.from_epoch(read.start_s) + timedelta(days=options["days"]))
            analyzed = analyze(read, device_type=options["device"], assume_worn=options["assume_worn"])
        except UnreadableRecording as error:
            return _refused(path, error.code, error.detail)
        except WrongDevice as error:
            return _refused(path, "wrong_device", str(error))
        except EmptyWindow as error:
            return _refused(path, "empty_window", str(error))
        except OSError as error:
            return _refused(path, "cannot_open", f"The file cannot be opened: {error.strerror}.")
        view = pat.view(analyzed.device, weights)
        if options["format"] == "html":
            return {"file": str(path), "html": as_html(analyzed, view, file=path.name)}
        return as_json(analyzed, view, file=str(path))

    def _print(self, items: list[dict[str, Any]], options: dict[str, Any]) -> None:
        if options["format"] == "json":
            answer = items if len(items) > 1 else items[0]
            self.stdout.write(json.dumps(answer, indent=2, ensure_ascii=False, allow_nan=False))
            return
        if options["format"] == "csv":
            self.stdout.write(nights_table(items), ending="")
        for item in items:
            if "html" in item:
                self.stdout.write(item["html"])
            elif "error" in item:
                self.stderr.write(f"{item['file']}: {item['error']['detail']}")


def _refused(path: Path, code: str, detail: str) -> dict[str, Any]:
    return {"file": str(path), "error": {"code": code, "detail": detail}}


class Progress:
    """A bar on a terminal, nothing elsewhere but for a last line."""

    def __init__(self, total: int, out: TextIO) -> None:
        self.total, self.out, self.done = total, out, 0
        self.draws = total > 1 and out.isatty()

    def step(self, name: str) -> None:
        """One more file is done."""
        self.done += 1
        if self.draws:
            filled = BAR * self.done // self.total
            self.out.write(f"\r[{'#' * filled}{'.' * (BAR - filled)}] {self.done}/{self.total} {name[:40]:<40}")
            self.out.flush()

    def close(self) -> None:
        """End the line."""
        if self.draws:
            self.out.write("\n")
        elif self.total > 1:
            self.out.write(f"{self.done} files\n")
