"""``python -m benchmarks [NAME …]``: measure, print, and with ``--record`` write results.json."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.throwaway import NotHere

RESULTS = Path(__file__).with_name("results.json")
NAMES = (
    "science",
    "acceleration",
    "correlation",
    "warning",
    "whatif",
    "insights",
    "rules",
    "signals",
    "ingest",
    "exports",
    "pat",
    "queue",
    "simulator",
    "phi",
    "panel",
    "patients",
    "cohort",
    "load",
    "overhead",
    "trail",
    "page",
    "forecast",
    "twins",
)


def main() -> int:
    """Run what was asked for; several in a process each, because settings and libraries are set up once per process."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all by default")
    parser.add_argument("--record", action="store_true", help=f"write {RESULTS.name}")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(NAMES))
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}")
    if len(options.names) == 1:
        return one(options.names[0], record=options.record)
    flags = ["--record"] if options.record else []
    commands = [[sys.executable, "-m", "benchmarks", name, *flags] for name in options.names or NAMES]
    return max([subprocess.run(command, check=False).returncode for command in commands])


def one(name: str, *, record: bool) -> int:
    """Run one benchmark in this process; 2 when it cannot run here."""
    print(f"{name}: {(import_module(f'benchmarks.{name}').__doc__ or '').splitlines()[0]}", flush=True)
    try:
        figures: list[Figure] = import_module(f"benchmarks.{name}").measure()
    except NotHere as why:
        print(f"  not run: {why}")
        return 2
    for figure in figures:
        print(f"  {figure.line()}", flush=True)
    if record:
        held = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        held[name] = {
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
            "python": platform.python_version(),
            "figures": [figure.as_json() for figure in figures],
        }
        RESULTS.write_text(json.dumps(dict(sorted(held.items())), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
