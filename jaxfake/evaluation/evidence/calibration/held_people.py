"""Which people of validation are kept from the selection of a state, so that it is calibrated on others.

Whoever selects the best of several states by some people finds it a little better on them than it is. By
default all of validation is used for both: few people calibrate worse than that does harm (see
docs/evaluation.md). A config can keep a share of the people for calibration alone.
"""

import numpy as np


def held_people(identity: np.ndarray, share: float, seed: int) -> np.ndarray:
    """The faces of the people who are kept for calibration, bool [n]; people are drawn by the seed.

    Args:
        identity: str [n], who is shown.
        share: of the people, 0..1.
        seed: of the draw.
    """
    people = np.unique(identity)
    drawn = np.random.default_rng(abs(seed)).permutation(people)
    return np.isin(identity, drawn[: round(share * len(people))])
