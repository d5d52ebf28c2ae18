"""What must be known of a device before its counts mean anything: where it sits and in which unit it counts."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from actigraphy.science.raw_sleep import SLEEP_METHOD
from actigraphy.science.sleep import ACTILIFE, OAKLEY_MEDIUM, CountScale, cole_kripke, oakley
from novamind.measures import Abstained

Placement = Literal["wrist", "hip", "unknown"]
NonwearMethod = Literal["zero_runs", "choi"]
SleepAlgorithm = Literal["oakley", "cole_kripke", "hdcza", "none"]


@dataclass(frozen=True, slots=True)
class DeviceProfile:
    """How recordings of one kind of device are analyzed.

    Attributes
    ----------
    key, label : str
        For rows and for pages.
    placement : "wrist", "hip" or "unknown"
    nonwear : "zero_runs" or "choi"
        Choi only where it was made for: the hip.
    sleep_algorithm : "oakley", "cole_kripke", "hdcza" or "none"
        HDCZA scores acceleration itself (:mod:`actigraphy.science.raw_sleep`), and no counts. None where no published
        threshold fits the device's unit: a threshold for other counts would give numbers, and they would mean nothing.
    sleep_method : str
        The algorithm and its scale in words, for provenance.
    still_floor : float
        Counts per minute the device reports at most when nobody wears it (of longer epochs, per epoch).
    active_from : float
        The least count per minute that is activity, for transitions: any (Lim 2011), but 4 of an Actiwatch.
    scale : CountScale, optional
        For Cole-Kripke; never absent there.
    wake_threshold : float
        For Oakley.
    """

    key: str
    label: str
    placement: Placement
    nonwear: NonwearMethod
    sleep_algorithm: SleepAlgorithm
    sleep_method: str
    still_floor: float = 0.0
    scale: CountScale | None = None
    wake_threshold: float = OAKLEY_MEDIUM
    active_from: float = 1.0

    def __post_init__(self) -> None:
        if self.sleep_algorithm == "cole_kripke" and self.scale is None:
            raise ValueError("Cole-Kripke without a scale has no meaning")

    def score(self, counts: NDArray[np.float64], *, epoch_s: int) -> NDArray[np.float64]:
        """Sleep (1), wake (0) or unknown (NaN) by the device's default algorithm.

        Raises
        ------
        Abstained
            unsupported_device: the algorithm is not defined for this epoch length, or there is none for this unit.
        """
        if self.sleep_algorithm in {"none", "hdcza"}:
            raise Abstained("unsupported_device", what=f"counts of {self.label}")
        if self.sleep_algorithm == "oakley":
            return oakley(counts, epoch_s=epoch_s, threshold=self.wake_threshold)
        if epoch_s != 60 or self.scale is None:
            raise Abstained("unsupported_device", what=f"epochs of {epoch_s} s")
        return cole_kripke(counts, scale=self.scale)


_OAKLEY_TEXT = "Oakley 1997 (Actiware medium: wake above 40 counts)"
_NO_SLEEP_TEXT = "sleep is not scored (no published threshold for these counts)"
_COLE_KRIPKE_TEXT = f"Cole-Kripke 1992 ({ACTILIFE.name})"


def _wrist_counts(key: str, label: str, still_floor: float, active_from: float = 1.0) -> DeviceProfile:
    return DeviceProfile(
        key, label, "wrist", "zero_runs", "oakley", _OAKLEY_TEXT, still_floor, active_from=active_from
    )  # fmt: skip


def _without_sleep(key: str, label: str) -> DeviceProfile:
    return DeviceProfile(key, label, "wrist", "zero_runs", "none", _NO_SLEEP_TEXT)


def _raw_wrist(key: str, label: str) -> DeviceProfile:
    return DeviceProfile(key, label, "wrist", "zero_runs", "hdcza", SLEEP_METHOD)


def _actigraph(key: str, label: str, placement: Placement, nonwear: NonwearMethod) -> DeviceProfile:
    return DeviceProfile(key, label, placement, nonwear, "cole_kripke", _COLE_KRIPKE_TEXT, scale=ACTILIFE)


#: Every device whose counts can be analyzed, by key. The Actiwatch's floor: see ``nonwear.too_still_for_sleep``.
DEVICES: Final = MappingProxyType(
    {
        profile.key: profile
        for profile in (
            _wrist_counts("actiwatch", "Actiwatch (wrist)", 20.0, 4.0),
            _actigraph("actigraph_hip", "ActiGraph (hip)", "hip", "choi"),
            _actigraph("actigraph_wrist", "ActiGraph (wrist)", "wrist", "zero_runs"),
            _actigraph("actigraph", "ActiGraph (placement not known)", "unknown", "zero_runs"),
            _raw_wrist("geneactiv", "GENEActiv (wrist)"),
            _raw_wrist("axivity", "Axivity AX3 or AX6 (wrist)"),
            _without_sleep("motionwatch", "MotionWatch (wrist)"),
            _without_sleep("acttrust", "ActTrust (wrist)"),
            _without_sleep("daqtometer", "Daqtometer (wrist)"),
            _wrist_counts("generic_wrist", "Wrist actigraph", 0.0),
        )
    }
)
