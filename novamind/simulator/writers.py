"""Files of synthetic patients as real devices write them, so that they can take the road of real uploads."""

from __future__ import annotations

import numpy as np

from novamind import clock
from novamind.simulator.grid import EPOCH_S
from novamind.simulator.patient import SimulatedPatient

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_AWD_ONE_MINUTE = 4  # the format's code for 60-s epochs


def write_depresjon_csv(patient: SimulatedPatient) -> bytes:
    """The watch as a CSV in the form of the Depresjon files: ``timestamp,date,activity``.

    Stamps are wall-clock times at home: in spring an hour is skipped, in autumn an hour comes twice. Minutes without a
    sample have no row. The synthetic origin is only in the upload's name (``patient.label``): the form has no place.
    """
    home = clock.zone(patient.persona.zone)
    local = clock.local_times(int(patient.utc_s[0]), EPOCH_S, len(patient.utc_s), home).local_s
    kept = ~np.isnan(patient.counts)
    stamps = np.datetime_as_string(local[kept].astype("datetime64[s]"), unit="s")
    counts = patient.counts[kept].astype(np.int64)
    rows = [f"{s[:10]} {s[11:]},{s[:10]},{c}\n" for s, c in zip(stamps.tolist(), counts.tolist(), strict=True)]
    return ("timestamp,date,activity\n" + "".join(rows)).encode("ascii")


def write_awd(patient: SimulatedPatient) -> bytes:
    """The watch as an Actiwatch AWD file: seven header lines, then one count per line, CRLF.

    The name line is ``SYNTHETIC <seed>``. The form has one start stamp (wall clock at home) and no stamps after
    that, so the counts follow by elapsed time through a clock change. It cannot say "missing" either: an Actiwatch
    whose data are lost has no file, so minutes without a sample are 0 here, as if the watch lay still.
    """
    home = clock.zone(patient.persona.zone)
    begin = clock.from_epoch(int(patient.utc_s[0])).astimezone(home)
    header = [
        patient.label,
        f"{begin.day:02d}-{_MONTHS[begin.month - 1]}-{begin.year}",
        f"{begin:%H:%M}",
        f" {_AWD_ONE_MINUTE} ",
        f"{patient.persona.age:02d}",
        "VSYNTH",
        "F" if patient.persona.sex == "female" else "M",
    ]
    counts = np.nan_to_num(patient.counts, nan=0.0).astype(np.int64)
    return ("\r\n".join(header) + "\r\n" + "\r\n".join(map(str, counts.tolist())) + "\r\n").encode("ascii")
