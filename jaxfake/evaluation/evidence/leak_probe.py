"""Whether forgeries are told from real faces by the pixels that they did not change.

A probe sees only what lies outside of the mask: how the borders of JPEG blocks stand out, how strong each
frequency is, and what noise is left when the smooth is taken away. Boosted trees on these numbers, fitted
to some people and measured on others, should be at chance. What they find otherwise is no evidence of a
forgery, but a trace of how the training data were made, and detectors find it too.
"""

import cv2
import numpy as np

from jaxfake import schema
from jaxfake.evaluation.metrics.auc_interval import Auc, measure_auc

_BLOCK = 8
"""Side of a JPEG block."""

REACH = 20
"""Pixels around the mask that the probe does not see: as far as a blur and a JPEG block, with its colours
at half the resolution, carry what is inside."""

_TREES = 50

_FEWEST = 64
"""Pixels that are needed to describe them."""


def outside_of(mask: np.ndarray) -> np.ndarray:
    """The pixels that a forgery with this mask, uint8 [H, W], cannot have changed: bool [H, W]."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * REACH + 1, 2 * REACH + 1))
    return cv2.dilate(mask, disc) == 0


def describe(image: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Numbers that describe some pixels of a picture, and nothing of where they are: float32 [f].

    Args:
        image: uint8 [H, W, 3].
        where: bool [H, W].

    Returns:
        NaN if there are too few such pixels.
    """
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb).astype(np.float32)
    parts = [_block_borders(luma[..., 0], where), _frequencies(luma[..., 0], where)]
    parts += [_residue(luma[..., channel], where) for channel in range(3)]
    described = np.concatenate(parts).astype(np.float32)
    if where.sum() < _FEWEST:
        described[:] = np.nan
    return described


def _block_borders(luma: np.ndarray, where: np.ndarray) -> np.ndarray:
    """The mean difference of neighbours, at each place in a block of 8, across and down: float [16]."""
    found = []
    for pixels, inside in ((luma, where), (luma.T, where.T)):
        steps = np.abs(np.diff(pixels, axis=1))
        known = inside[:, 1:] & inside[:, :-1]
        means = [_mean(steps[:, at::_BLOCK][known[:, at::_BLOCK]]) for at in range(_BLOCK)]
        found += means
    return np.array(found)


def _frequencies(luma: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Mean size and share of nearly nothing of the DCT's coefficients, by frequency: float [30]."""
    side = len(luma) // _BLOCK * _BLOCK
    blocks = _blocks(luma[:side, :side])
    whole = _blocks(where[:side, :side]).all(axis=(1, 2))
    if not whole.any():
        return np.full(2 * (2 * _BLOCK - 1), np.nan)
    basis = cv2.dct(np.eye(_BLOCK, dtype=np.float32), flags=cv2.DCT_ROWS).T
    sizes = np.abs(basis @ blocks[whole] @ basis.T)
    band = np.add.outer(np.arange(_BLOCK), np.arange(_BLOCK))
    bands = [sizes[:, band == number] for number in range(2 * _BLOCK - 1)]
    return np.array([*(one.mean() for one in bands), *((one < 0.5).mean() for one in bands)])


def _blocks(pixels: np.ndarray) -> np.ndarray:
    """[n, 8, 8] of [H, W], whose sides are multiples of 8."""
    down, across = (length // _BLOCK for length in pixels.shape)
    cut = pixels.reshape(down, _BLOCK, across, _BLOCK).transpose(0, 2, 1, 3)
    return cut.reshape(-1, _BLOCK, _BLOCK)


def _residue(channel: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Strength, tails and correlation of neighbours of what a 3 x 3 median takes away: float [5]."""
    noise = channel - cv2.medianBlur(channel, 3)
    inner, beside, below = where[:-1, :-1], where[:-1, 1:], where[1:, :-1]
    here = noise[:-1, :-1]
    power = _mean(here[inner] ** 2)
    return np.array(
        [
            power,
            _mean(np.abs(here[inner])),
            _mean(here[inner] ** 4) / (power**2 + 1e-3),
            _mean((here * noise[:-1, 1:])[inner & beside]) / (power + 1e-3),
            _mean((here * noise[1:, :-1])[inner & below]) / (power + 1e-3),
        ]
    )


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan


def probe(
    known: tuple[np.ndarray, np.ndarray],
    unseen: tuple[np.ndarray, np.ndarray],
    people: np.ndarray,
    seed: int = 0,
) -> Auc:
    """The AUC of boosted trees that are fitted to some faces, on the faces of other people.

    Args:
        known: numbers of `describe`, float [n, f], and labels, int [n], to fit to.
        unseen: the same of other people.
        people: the identity of each of these, [m]; its interval is over them.
        seed: of the learner.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier  # takes a second to import

    learner = HistGradientBoostingClassifier(
        max_iter=_TREES, early_stopping=False, random_state=seed
    )
    learner.fit(*known)
    features, labels = unseen
    return measure_auc(labels, learner.predict_proba(features)[:, schema.FAKE], people)
