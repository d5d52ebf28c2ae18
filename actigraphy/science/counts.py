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
        self._up, self._down = RATES[rate_hz]
        self._smoothed = np.zeros((1, 3))
        self._skip = 0  # samples to pass over before the next that is kept
        self._band: Floats | None = None
        self._steps: Floats = np.empty((0, 3))
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
        if not len(xyz):  # lfilter forgets its state over an empty piece
            return np.empty((0, 3), np.int64)
        steps = np.concatenate([self._steps, self._to_steps(self._to_30_hz(np.asarray(xyz, np.float64)))])
        whole = len(steps) // PER_SUM
        self._steps = steps[whole * PER_SUM :]
        tenths = steps[: whole * PER_SUM].reshape(whole, PER_SUM, 3).sum(axis=1) // PER_SUM
        sums = np.concatenate([self._sums, tenths.astype(np.int64)])
        per_epoch = SUMS_HZ * self.epoch_s
        epochs = len(sums) // per_epoch
        self._sums = sums[epochs * per_epoch :]
        return sums[: epochs * per_epoch].reshape(epochs, per_epoch, 3).sum(axis=1)

    def _to_30_hz(self, xyz: Floats) -> Floats:
        from scipy.signal import lfilter  # where it runs: web processes start without scipy

        if self._up > 1:
            stuffed = np.zeros((len(xyz) * self._up, 3))
            stuffed[:: self._up] = xyz * self._up
            # One pole: the bilinear transform of an RC filter that passes below the old rate.
            share = np.pi / (np.pi + 2 * self._up)
            back = (np.pi - 2 * self._up) / (np.pi + 2 * self._up)
            xyz, self._smoothed = lfilter([share, share], [1.0, back], stuffed, axis=0, zi=self._smoothed)
        kept = xyz[self._skip :: self._down]
        self._skip += len(kept) * self._down - len(xyz)
        return np.round(kept, DECIMALS)

    def _to_steps(self, at_30_hz: Floats) -> Floats:
        from scipy.signal import lfilter, lfilter_zi

        if not len(at_30_hz):
            return at_30_hz
        if self._band is None:  # as if the first sample had stood for ever, so that gravity is no movement
            self._band = lfilter_zi(*BAND)[:, None] * at_30_hz[0]
        filtered, self._band = lfilter(*BAND, at_30_hz, axis=0, zi=self._band)
        steps = np.abs(filtered * GAIN)
        return np.floor(np.where(steps < LEAST, 0.0, np.minimum(steps, MOST)))


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
