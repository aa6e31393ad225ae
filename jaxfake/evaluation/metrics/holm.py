"""Corrects the p-values of several comparisons (Holm, 1979)."""

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Each p-value, made larger so that one wrong finding among all of them is as rare as it says.

    The smallest is multiplied by the number of comparisons, the next by one less, and so on; none becomes
    smaller than that of a stronger finding, or larger than 1.
    """
    values = np.asarray(p_values, np.float64)
    order = np.argsort(values, kind="stable")
    raised = values[order] * np.arange(len(values), 0, -1)
    corrected = np.empty(len(values))
    corrected[order] = np.minimum(np.maximum.accumulate(raised), 1.0)
    return corrected.tolist()
