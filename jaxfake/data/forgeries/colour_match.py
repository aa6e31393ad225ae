"""Colours of one face brought to those of another: mean and spread in Lab, the usual way of face swaps."""

import cv2
import numpy as np

_SCALE = (0.5, 2.0)
"""Range of the factor on the spread."""

CAST = (2.0, 1.5, 1.5)
"""Standard deviation of what is left over, in L, a and b: a real swap never matches exactly."""


def draw_cast(rng: np.random.Generator) -> np.ndarray:
    """What matching leaves over, float32 [3]."""
    return (rng.standard_normal(3) * CAST).astype(np.float32)


def matched(
    source: np.ndarray, target: np.ndarray, where: np.ndarray, cast: np.ndarray
) -> np.ndarray:
    """The source, float32 [H, W, 3], RGB, 0..255, in the target's colours.

    Args:
        source: whose colours are changed.
        target: of the same shape.
        where: uint8 [H, W], not 0 where both are compared; somewhere it must not be 0.
        cast: see `draw_cast`.
    """
    theirs, ours = (_lab(one) for one in (source, target))
    their_mean, their_spread = cv2.meanStdDev(theirs, mask=where)
    our_mean, our_spread = cv2.meanStdDev(ours, mask=where)
    scale = np.clip(our_spread / (their_spread + 1e-3), *_SCALE)[:, 0].astype(np.float32)
    shift = our_mean[:, 0].astype(np.float32) + cast - their_mean[:, 0].astype(np.float32) * scale
    return np.clip(255 * cv2.cvtColor(theirs * scale + shift, cv2.COLOR_Lab2RGB), 0, 255)


def _lab(image: np.ndarray) -> np.ndarray:
    scaled = np.clip(image * np.float32(1 / 255), 0, 1).astype(np.float32)
    return cv2.cvtColor(scaled, cv2.COLOR_RGB2Lab)
