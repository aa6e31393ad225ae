"""Scores of validation videos, drawn."""

import numpy as np

from jaxfake.evaluation.evidence.calibration.fit import Source, fit

SOURCE = Source("val", "0" * 64)


def drawn(seed, people=200, videos=1, gain=2.0):
    """P(fake) of videos of people, each with reals and fakes; half of the spread is the person's own."""
    rng = np.random.default_rng(seed)
    person = np.tile(np.repeat(np.arange(people), videos), 2)
    labels = np.repeat([0, 1], people * videos)
    logits = rng.normal(size=people)[person] + rng.normal(size=len(labels)) + gain * labels - 1
    return labels, 1 / (1 + np.exp(-logits)), person


def fitted(kind="platt", seed=0, **changes):
    return fit(kind, *drawn(seed, **changes), SOURCE)
