"""Looks for known weaknesses: bandit in our code, pip-audit in the packages of requirements/base.lock.

A finding of bandit of medium severity or more fails, and so does a package with a known weakness. Where nobody could
be asked about the packages (no network, an index without advisories) that is said aloud, and is never taken for "none".
What was found is kept in DATA_DIR/checks/security.json, for the compliance page.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CODE = ("novamind", "patients", "actigraphy", "twins", "insights", "deploy", "manage.py")
PATIENCE_S = 180

#: Advisories that no newer version mends: id -> why it does not concern us, until when.
IGNORED: dict[str, str] = {}


def bandit() -> int:
    """How many places of our code bandit thinks weak, each printed; what is not is marked ``nosec`` with its reason."""
    command = [sys.executable, "-m", "bandit", "-q", "-c", "pyproject.toml", "-ll", "-f", "json", "-r", *CODE]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S)
    told = json.loads(answer.stdout)
    if told["errors"]:
        raise SystemExit(f"bandit could not read {told['errors']}")
    return report_code(told)


def report_code(told: dict[str, Any]) -> int:
    """Print what bandit told; how much it was."""
    for found in told["results"]:
        where = f"{found['filename']}:{found['line_number']}"
        print(f"  {where}: {found['test_id']} {found['issue_severity'].lower()}: {found['issue_text']}")
    return len(told["results"])


def pip_audit() -> int | None:
    """How many packages have a known weakness; ``None`` where nobody could be asked."""
    command = [sys.executable, "-m", "pip_audit", "-r", "requirements/base.lock", "--require-hashes", "--disable-pip"]
    command += ["--progress-spinner", "off", "-f", "json"]
    for name in IGNORED:
        command += ["--ignore-vuln", name]
    try:
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S)
        told = json.loads(answer.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        print("  PACKAGES WERE NOT COMPARED: nobody could be asked about them (no network?). This is no result.")
        return None
    return report_packages(told)


def report_packages(told: dict[str, Any]) -> int | None:
    """Print what pip-audit told; how many are weak, ``None`` if it was told about none or not about all."""
    packages = told["dependencies"]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    weak = [package for package in packages if package.get("vulns")]
    for package in weak:
        for known in package["vulns"]:
            fixed = ", ".join(known["fix_versions"]) or "nothing yet"
            print(f"  {package['name']} {package['version']}: {known['id']}, mended in {fixed}")
    if skipped or not packages:
        print(
            f"  PACKAGES WERE NOT COMPARED: {len(skipped)} of {len(packages)} are unknown to the index that was asked "
            "(a mirror without advisories?). This is no result."
        )
    return len(weak) if weak or not skipped else None


def keep(weak_code: int, weak_packages: int | None) -> None:
    """For the compliance page of this machine."""
    folder = Path(os.environ.get("DATA_DIR") or ROOT / "var") / "checks"
    folder.mkdir(parents=True, exist_ok=True)
    result = {"at": datetime.now(UTC).isoformat(), "bandit": weak_code, "pip_audit": weak_packages}
    (folder / "security.json").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    for ignored, reason in IGNORED.items():
        print(f"  {ignored} is ignored: {reason}")
    found = bandit(), pip_audit()
    keep(*found)
    sys.exit(bool(found[0] or found[1]))
