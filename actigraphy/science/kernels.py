"""Loops over samples, compiled where they run: two hundred million numbers in a week, each touched once.

Imported where it runs, never by a web process: the compiler takes a second to load, and seconds to compile the loops,
which are kept beside Python's own compiled files where that is allowed.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


#: atan(x) = x + x³ P(x²) / Q(x²) for small x, to 2e-16: Moshier, Cephes Mathematical Library, ``atan.c``.
_P0, _P1, _P2, _P3, _P4 = (
    -8.750608600031904122785e-1, -1.615753718733365076637e1, -7.500855792314704667340e1, -1.228866684490136173410e2,
    -6.485021904942025371773e1,
)  # fmt: skip
_Q0, _Q1, _Q2, _Q3, _Q4 = (
    2.485846490142306297962e1, 1.650270098316988542046e2, 4.328810604912902668951e2, 4.853903996359136964868e2,
    1.945506571482613964425e2,
)  # fmt: skip
_TAN_PI_8: Final = 0.41421356237309503


def _compiled(**options: Any) -> Callable[[Any], Any]:
    """Numba's decorator; a loop is compiled anew in each process where no folder can be written to keep it."""

    def compiled(loop: Any) -> Any:
        try:
            return njit(nogil=True, error_model="numpy", cache=True, **options)(loop)
        except RuntimeError:  # no folder
            return njit(nogil=True, error_model="numpy", **options)(loop)

    return compiled


# What a loop needs comes as an argument: a constant of another file would be kept with the compiled code, and stay
# when that file changes.

#: Sums may be taken in any order and a product with its sum, so that several run at a time; there is no NaN.
_sums = _compiled(fastmath={"reassoc", "contract", "nnan", "nsz"})
#: As it is written, operation by operation.
_exact = _compiled()


@_sums
def reduce_minutes(
    xyz: Floats, width: int, per_minute: int, enmo: Floats, mad: Floats, angle: Floats, spread: Floats
) -> None:
    """Fill what :class:`~actigraphy.science.acceleration.Epochs` holds of whole minutes.

    Parameters
    ----------
    xyz : ndarray, shape (12 m w, 3)
        g, C order; ``width`` = w samples an epoch, ``per_minute`` = 12 epochs a minute.
    enmo, mad, angle : ndarray, shape (12 m,)
        Filled; ``angle`` in degrees.
    spread : ndarray, shape (4, m, 3)
        Filled: mean, variance, least and most of each minute and axis.
    """
    axes, lows, highs = np.empty((3, width)), np.empty((3, width)), np.empty((3, width))
    lengths, flats, origin, sums = np.empty(width), np.empty(width), np.empty(3), np.empty((2, 3))
    for minute in range(spread.shape[1]):
        lows[:], highs[:], sums[:] = np.inf, -np.inf, 0.0
        origin[:] = xyz[minute * per_minute * width]
        for epoch in range(minute * per_minute, (minute + 1) * per_minute):
            for at in range(width):
                for axis in range(3):
                    axes[axis, at] = xyz[epoch * width + at, axis]
            for axis in range(3):
                _gather(axes[axis], origin[axis], lows[axis], highs[axis], sums[:, axis])
            enmo[epoch], mad[epoch], angle[epoch] = _movement(axes[0], axes[1], axes[2], lengths, flats)
        for axis in range(3):
            shift = sums[0, axis] / (width * per_minute)
            spread[0, minute, axis] = origin[axis] + shift
            spread[1, minute, axis] = max(sums[1, axis] / (width * per_minute) - shift * shift, 0.0)
            spread[2, minute, axis], spread[3, minute, axis] = lows[axis].min(), highs[axis].max()


@_sums
def _gather(values: Floats, origin: float, lows: Floats, highs: Floats, sums: Floats) -> None:
    """Sums of the distance to the minute's first sample, which keeps squares small, and extremes place by place."""
    total, squares = 0.0, 0.0
    for at in range(len(values)):
        apart = values[at] - origin
        total += apart
        squares += apart * apart
        lows[at], highs[at] = min(lows[at], values[at]), max(highs[at], values[at])
    sums[0] += total
    sums[1] += squares


@_sums
def _movement(xs: Floats, ys: Floats, zs: Floats, lengths: Floats, flats: Floats) -> tuple[float, float, float]:
    """ENMO, MAD and the angle of one epoch."""
    width = len(xs)
    total, over, apart, turned = 0.0, 0.0, 0.0, 0.0
    for at in range(width):
        across = xs[at] * xs[at] + ys[at] * ys[at]
        length = sqrt(across + zs[at] * zs[at])
        lengths[at], flats[at] = length, sqrt(across)
        total += length
        over += max(length - 1.0, 0.0)
    mean = total / width
    for at in range(width):
        apart += abs(lengths[at] - mean)
    for at in range(width):
        turned += _angle(zs[at], flats[at])
    return over / width, apart / width, turned / width * (180.0 / pi)


@_sums
def _angle(z: float, flat: float) -> float:
    """Of (flat, z) to the plane, radians; 0 where both are 0. Without a branch, so that several run at a time."""
    high = abs(z)
    least, most = min(high, flat), max(high, flat)
    past = least > _TAN_PI_8 * most
    above, below = (least - most if past else least), (least + most if past else most)
    x = above / (below if below > 0.0 else 1.0)
    q = x * x
    p = ((((_P0 * q + _P1) * q + _P2) * q + _P3) * q + _P4) * q
    p = p / (((((q + _Q0) * q + _Q1) * q + _Q2) * q + _Q3) * q + _Q4)
    found = x + x * p + (pi / 4 if past else 0.0)
    found = pi / 2 - found if high > flat else found
    return found if z >= 0.0 else -found


@_exact
def tenths_of_seconds(
    xyz: Floats,
    rates: tuple[int, int],
    pole: tuple[float, float],
    smoothed: Floats,
    filters: tuple[Floats, Floats],
    scale: tuple[float, float, float, float],
    per_sum: int,
    band: Floats,
    held: Floats,
    places: Ints,
    out: Ints,
) -> int:
    """ActiGraph's steps of each tenth of a second; see :mod:`actigraphy.science.counts` for what the numbers are.

    The order of operations is that of ``scipy.signal.lfilter``, so that each step is the same to the last bit.

    Parameters
    ----------
    xyz : ndarray, shape (n, 3)
        g, C order.
    smoothed, band, held : ndarray, shapes (3,), (3, 8), (3,)
        Carried from piece to piece: the states of both filters, and the sum of the steps that wait for their third.
    places : ndarray, shape (3,)
        Carried: samples to pass over before the next that is kept; steps that wait; whether the band has begun.
    out : ndarray, shape (k, 3)
        Filled; ``k`` must suffice.

    Returns
    -------
    int
        How many rows were filled.
    """
    (up, down), (share, back), (ahead, behind) = rates, pole, filters
    skip, waiting, begun, filled = places[0], places[1], places[2], 0
    sample = np.empty(3)
    for at in range(len(xyz)):
        for put in range(up):
            for axis in range(3):
                new = xyz[at, axis]
                if up > 1:
                    new = new * up if put == 0 else 0.0
                    smooth = smoothed[axis] + share * new
                    smoothed[axis] = share * new - back * smooth
                    new = smooth
                sample[axis] = new
            if skip:
                skip -= 1
                continue
            skip = down - 1
            for axis in range(3):
                held[axis] += _step(
                    np.rint(sample[axis] * scale[0]) / scale[0], ahead, behind, scale, band[axis], begun == 0
                )
            begun, waiting = 1, waiting + 1
            if waiting == per_sum:
                for axis in range(3):
                    out[filled, axis] = np.int64(held[axis]) // per_sum
                    held[axis] = 0.0
                waiting, filled = 0, filled + 1
    places[0], places[1], places[2] = skip, waiting, begun
    return filled


@_exact
def _step(
    x: float, ahead: Floats, behind: Floats, scale: tuple[float, float, float, float], band: Floats, first: bool
) -> float:
    """The next step of one axis."""
    if first:  # as if this sample had stood for ever, so that gravity is no movement
        for at in range(len(band)):
            band[at] *= x
    y = band[0] + ahead[0] * x
    for at in range(len(band) - 1):
        band[at] = band[at + 1] + x * ahead[at + 1] - y * behind[at + 1]
    band[-1] = x * ahead[-1] - y * behind[-1]
    _, gain, least, most = scale
    steps = abs(y * gain)
    return np.floor(0.0 if steps < least else min(steps, most))
