"""Memory and speed of reading an Apple Health export: 220 MB, and 1 GB, generated as they are read."""

from __future__ import annotations

import subprocess
import sys
import textwrap

from benchmarks.figures import Figure

SIZES_MB = (220, 1024)
LIMIT_MB = 300
#: Run in a process of its own, whose peak is this reading's alone; says (peak MB, grown MB, seconds, samples).
SCRIPT = """
    import resource, sys, time
    from datetime import datetime, timedelta, UTC
    from actigraphy.exports import Asked, Collected
    from actigraphy.exports.apple import read_apple
    from benchmarks.exports import Records

    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    before, began = peak(), time.process_time()
    taken = Collected(0, 2**33)
    read_apple(Records(int(sys.argv[1])), Asked(0, 2**33), taken)
    batch = taken.batch()
    n = sum(len(at_s) for parts in batch.columns.values() for at_s, _ in parts)
    print(peak(), peak() - before, time.process_time() - began, n, len(batch.sessions))
"""


class Records:
    """An export of one watch and one phone, as long as is asked for, as a file that is written while it is read.

    Of each hour 12 heart rates, 12 counts of steps by either, one variability, one oxygen, one respiration, 8 records
    of energy; of each night 24 stages of sleep: what a watch writes in a year takes 50 to 100 MB.
    """

    def __init__(self, size_mb: int) -> None:
        self._left, self._hour, self._held = size_mb << 20, 0, b'<?xml version="1.0"?>\n<HealthData locale="en_NO">\n'

    def read(self, n_bytes: int) -> bytes:
        """The next bytes of the file."""
        while len(self._held) < n_bytes and self._left > 0:
            hour = self._of_hour()
            self._left -= len(hour)
            self._held += hour if self._left > 0 else hour + b"</HealthData>\n"
        piece, self._held = self._held[:n_bytes], self._held[n_bytes:]
        return piece

    def _of_hour(self) -> bytes:
        day, hour = divmod(self._hour, 24)
        self._hour += 1
        date = f"{2000 + day // 336:04}-{day // 28 % 12 + 1:02}-{day % 28 + 1:02}"
        quantity, said = "HKQuantityTypeIdentifier", []
        for k in range(12):
            at, to = f"{date} {hour:02}:{5 * k:02}:{k + 3:02} +0100", f"{date} {hour:02}:{5 * k + 4:02}:59 +0100"
            said.append(_record(f"{quantity}HeartRate", "count/min", at, at, 50 + (self._hour * 7 + k) % 90))
            said.append(_record(f"{quantity}StepCount", "count", at, to, (self._hour + k) % 400))
            said.append(_record(f"{quantity}StepCount", "count", at, to, (self._hour + k) % 300, PHONE))
            if k < 8:
                said.append(_record(f"{quantity}ActiveEnergyBurned", "kcal", at, to, k))
            if hour < 6 and k % 3 == 0:
                stage = ("AsleepCore", "AsleepDeep", "AsleepREM", "Awake")[(k // 3 + hour) % 4]
                said.append(
                    _record("HKCategoryTypeIdentifierSleepAnalysis", "", at, to, f"HKCategoryValueSleepAnalysis{stage}")
                )
        for kind, unit, value in (("HeartRateVariabilitySDNN", "ms", 44.5), ("OxygenSaturation", "%", 0.97),
                                  ("RespiratoryRate", "count/min", 14.5)):  # fmt: skip
            said.append(_record(f"{quantity}{kind}", unit, at, to, value))
        return "".join(said).encode()


WATCH = (
    "Ada's Apple\xa0Watch",
    "&lt;&lt;HKDevice: 0x3012772a0&gt;, name:Apple Watch, manufacturer:Apple Inc., "
    "model:Watch, hardware:Watch6,7, software:10.2&gt;",
)
PHONE = (
    "Ada's iPhone",
    "&lt;&lt;HKDevice: 0x3012772b0&gt;, name:iPhone, manufacturer:Apple Inc., "
    "model:iPhone, hardware:iPhone15,2, software:17.2&gt;",
)


def _record(kind: str, unit: str, start: str, end: str, value: object, sender: tuple[str, str] = WATCH) -> str:
    name, device = sender
    return (f' <Record type="{kind}" sourceName="{name}" sourceVersion="10.2" device="{device}" unit="{unit}" '
            f'creationDate="{end}" startDate="{start}" endDate="{end}" value="{value}">\n'
            '  <MetadataEntry key="HKMetadataKeyHeartRateMotionContext" value="1"/>\n </Record>\n')  # fmt: skip


def measure() -> list[Figure]:
    """Peak memory of a process that reads each, what reading added to it, and its speed."""
    figures = []
    for size_mb in SIZES_MB:
        command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(size_mb)]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        peak_mb, grown_mb, cpu_s, samples, sessions = map(float, said)
        what = f"{size_mb} MB, {samples:,.0f} samples, {sessions:,.0f} nights"
        figures += _figures(what, size_mb, peak_mb, grown_mb, cpu_s)
    return figures


def _figures(what: str, size_mb: int, peak_mb: float, grown_mb: float, cpu_s: float) -> list[Figure]:
    return [
        Figure(f"peak memory of the process, {what}", peak_mb, peak_mb, "MB", peak_mb / LIMIT_MB, "the target",
               f"<= {LIMIT_MB}", peak_mb <= LIMIT_MB),
        Figure(f"memory that reading adds, {size_mb} MB", grown_mb, grown_mb, "MB"),
        Figure(f"read {size_mb} MB", cpu_s, cpu_s, "s of processor"),
    ]  # fmt: skip
