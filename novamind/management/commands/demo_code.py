"""``manage.py demo_code EMAIL``: the second factor of somebody of the demo clinic, for whoever tries it out."""

import os
import sys
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError

from novamind.accounts.demo import code_of
from novamind.audit.commands import WatchedCommand
from novamind.management.commands.demo import MARKER, demo_environment


class Command(WatchedCommand):
    """Only beside a demo: of real people nobody prints codes."""

    help = "Print the current one-time code of a person of the demo clinic."
    requires_system_checks = ()  # the settings that count are those after the restart below

    def add_arguments(self, parser):
        parser.add_argument("email")
        parser.add_argument("--data-dir", type=Path, default=settings.BASE_DIR / "var", help="where the demo keeps it")

    def handle(self, *args, **options):
        folder = options["data_dir"].resolve()
        if not (folder / MARKER).is_file():
            raise CommandError(f"No demo was made in {folder}. `make demo` makes one.")
        env = demo_environment(folder, "127.0.0.1")
        if any(os.environ.get(name) != value for name, value in env.items()):
            os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | env)
        try:
            code, wait_s = code_of(options["email"])
        except LookupError:
            raise CommandError("Nobody of the demo has this address. `make demo` prints who is there.") from None
        self.stdout.write(code + (f"   (counts in {wait_s} s)" if wait_s else ""))
