"""ActiGraph counts from raw acceleration, by the published algorithm, sample for sample.

Acceleration is brought to 30 Hz, filtered to the band of human movement, cut off below and above, and summed per epoch.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

#: Sampling rate (Hz) -> (samples put in for one, every which is kept), so that 30 Hz remain.
RATES: Final = MappingProxyType(
    {30: (1, 1), 40: (3, 4), 50: (3, 5), 60: (1, 2), 70: (3, 7), 80: (3, 8), 90: (1, 3), 100: (3, 10)}
)
DECIMALS: Final = 3  # of the acceleration at 30 Hz, in g
#: Numerator and denominator of the band-pass at 30 Hz, as published.
BAND: Final = (
    np.array(
        [
            -0.009341062898525,
            -0.025470289659360,
            -0.004235264826105,
            0.044152415456420,
            0.036493718347760,
            -0.011893961934740,
            -0.022917390623150,
            -0.006788163862310,
            0.0,
        ]
    ),
    np.array(
        [
            1.0,
            -3.63367395910957,
            5.03689812757486,
            -3.09612247819666,
            0.50620507633883,
            0.32421701566682,
            -0.15685485875559,
            0.01949130205890,
            0.0,
        ]
    ),
)
GAIN: Final = (3.0 / 4096.0) / (2.6 / 256.0) * 237.5  # g to the device's own steps
LEAST, MOST = 4.0, 128.0  # steps: below is stillness, above is the old device's converter at its end
PER_SUM: Final = 3  # 30 Hz to 10 Hz
SUMS_HZ: Final = 10


class CountsStream:
    """Counts of a recording that comes in pieces; the pieces' lengths change nothing.

    Parameters
    ----------
    rate_hz : int
        A key of :data:`RATES`.
    epoch_s : int
        Length of an epoch, s; at least 1.

    Raises
    ------
    ValueError
        The rate is not one of them, or the epoch is shorter than a second.

    References
    ----------
    Neishabouri et al. (2022) Sci Rep 12:11958.
    """

    def __init__(self, rate_hz: int, *, epoch_s: int = 60) -> None:
        if rate_hz not in RATES:
            raise ValueError(f"counts are defined at {', '.join(map(str, RATES))} Hz, not at {rate_hz}")
        if epoch_s < 1:
            raise ValueError("an epoch has at least one second")
        self.rate_hz, self.epoch_s = rate_hz, epoch_s
        # What is carried from piece to piece: see ``kernels.tenths_of_seconds``.
        self._smoothed, self._held, self._places = np.zeros(3), np.zeros(3), np.zeros(3, np.int64)
        self._band: Floats | None = None
        self._sums: Counts = np.empty((0, 3), np.int64)

    def add(self, xyz: Floats) -> Counts:
        """The epochs that these samples complete.

        Parameters
        ----------
        xyz : ndarray, shape (n, 3)
            Acceleration in g, in the order of time, without a gap and without NaN.

        Returns
        -------
        ndarray of int64, shape (m, 3)
            Counts per epoch of each axis, in the order of the columns; ``m`` may be 0. What is left of an epoch waits.
        """
        sums = np.concatenate([self._sums, self._tenths(np.ascontiguousarray(xyz, np.float64))])
        per_epoch = SUMS_HZ * self.epoch_s
        epochs = len(sums) // per_epoch
        self._sums = sums[epochs * per_epoch :]
        return sums[: epochs * per_epoch].reshape(epochs, per_epoch, 3).sum(axis=1)

    def _tenths(self, xyz: Floats) -> Counts:
        from scipy.signal import lfilter_zi  # where it runs: web processes start without scipy and without a compiler

        from actigraphy.science.kernels import tenths_of_seconds

        if self._band is None:
            self._band = np.tile(lfilter_zi(*BAND), (3, 1))
        up, down = RATES[self.rate_hz]
        # One pole: the bilinear transform of an RC filter that passes below the old rate.
        pole = np.pi / (np.pi + 2 * up), (np.pi - 2 * up) / (np.pi + 2 * up)
        found = np.empty((len(xyz) * up // (down * PER_SUM) + 2, 3), np.int64)
        filled = tenths_of_seconds(
            xyz, (up, down), pole, self._smoothed, BAND, (10.0**DECIMALS, GAIN, LEAST, MOST), PER_SUM,
            self._band, self._held, self._places, found,
        )  # fmt: skip
        return found[:filled]


def counts(xyz: Floats | Iterable[Floats], rate_hz: int, *, epoch_s: int = 60) -> Counts:
    """Counts per epoch of a whole recording, or of its pieces in order; see :class:`CountsStream`.

    Returns
    -------
    ndarray of int64, shape (n_epochs, 3)
        An epoch that the recording does not fill is left out.
    """
    stream = CountsStream(rate_hz, epoch_s=epoch_s)
    pieces = [xyz] if isinstance(xyz, np.ndarray) else xyz
    return np.concatenate([np.empty((0, 3), np.int64), *(stream.add(piece) for piece in pieces)])
