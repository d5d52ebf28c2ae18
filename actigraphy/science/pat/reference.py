"""Reference cohorts: whom a week is compared with before PAT may read it.

PAT was trained on weeks standardised per minute of the week across the people of one cohort, and neither the 10,080
means nor the standard deviations were published. Scaling one person by their own numbers is another input: it removes
the level of activity (correlation with the cohort's scale 0.77 in 23 NHANES weeks). So without a cohort recorded with
the same device, placement and unit there is no embedding, and this module says so instead of normalising.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from novamind.measures import Abstained


@dataclass(frozen=True, eq=False)
class ReferenceCohort:
    """Mean and spread per minute of the week, across the people of one cohort.

    Attributes
    ----------
    label : str
        Who, with which device, where worn, in which unit; fit for a page.
    people : int
        How many.
    mean, sd : ndarray of float32, shape (10080,)
        In the device's unit; population standard deviation.
    """

    label: str
    people: int
    mean: NDArray[np.float32]
    sd: NDArray[np.float32]


#: device key (model, placement, unit) -> its cohort. Empty: none has been collected yet.
REFERENCE_COHORTS: dict[str, ReferenceCohort] = {}


def require_reference(device_key: str, *, label: str | None = None) -> ReferenceCohort:
    """The cohort for a device.

    Parameters
    ----------
    device_key : str
        As registered in :data:`REFERENCE_COHORTS`.
    label : str, optional
        The device in words fit for a page; else the key.

    Raises
    ------
    Abstained
        no_reference_cohort: none is registered for this device.
    """
    cohort = REFERENCE_COHORTS.get(device_key)
    if cohort is None:
        raise Abstained("no_reference_cohort", what=label or device_key)
    return cohort
