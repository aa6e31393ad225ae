"""A 95 % interval of an AUC from its value and two counts alone.

Method 5 of Newcombe, 'Confidence intervals for an effect size measure based on the Mann-Whitney
statistic, part 2' (2006): the AUCs whose own standard error allows the measured one. It stays honest
where resampling does not: three reals and three fakes that are fully separated give 0.50 to 1.
"""

import numpy as np

from jaxfake.evaluation.metrics.intervals import Interval

_Z = 1.959964  # of 95 %
_STEP = 1e-4


def auc_interval(auc: float, reals: int, fakes: int) -> Interval:
    """The interval.

    Args:
        auc: 0..1.
        reals, fakes: independent examples of each class, at least one.
    """
    possible = np.linspace(0, 1, round(1 / _STEP) + 1)
    mean = (reals + fakes) / 2 - 1
    spread = 1 + mean * (1 - possible) / (2 - possible) + mean * possible / (1 + possible)
    error = np.sqrt(possible * (1 - possible) * spread / (reals * fakes))
    allowed = possible[np.abs(possible - auc) <= _Z * error + _STEP]
    return Interval(float(allowed.min()), float(allowed.max()))
