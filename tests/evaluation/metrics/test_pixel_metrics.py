"""Pixel metrics against scikit-learn, and at their edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from jaxfake.evaluation.metrics import pixels
from jaxfake.evaluation.metrics.pixels import PixelCounts

SIDE = 6


@st.composite
def maps(pick):
    """Whether each pixel is predicted, and whether it is manipulated."""
    bits = st.lists(st.booleans(), min_size=SIDE**2, max_size=SIDE**2)
    return tuple(np.array(pick(bits)).reshape(SIDE, SIDE) for _ in range(2))


@settings(max_examples=200, deadline=None)
@given(pair=maps())
def test_pixel_metrics_are_scikit_learns(pair):
    predicted, mask = pair
    counts = PixelCounts(*map(np.asarray, pixels.count(predicted, mask)))
    truth, guess = mask.ravel(), predicted.ravel()
    assert pixels.pbca(counts) == pytest.approx(oracle.accuracy_score(truth, guess))
    if predicted.any() or mask.any():
        assert pixels.dice(counts) == pytest.approx(oracle.f1_score(truth, guess, zero_division=0))
        assert pixels.iou(counts) == pytest.approx(
            oracle.jaccard_score(truth, guess, zero_division=0)
        )
    else:
        assert np.isnan(pixels.dice(counts))
        assert np.isnan(pixels.iou(counts))


@pytest.mark.parametrize("ties", [False, True])
def test_pixel_auc_is_scikit_learns_on_the_rounded_heat(ties):
    rng = np.random.default_rng(int(ties))
    heat = rng.integers(0, 5, (50, 40)) / 4 if ties else rng.gamma(0.3, size=(50, 40))
    mask = rng.random((50, 40)) < 0.2 + 0.1 * heat.clip(0, 4)
    rounded = heat.astype(np.float16).astype(np.float64)
    expected = oracle.roc_auc_score(mask.ravel(), rounded.ravel())
    assert pixels.histogram_auc(pixels.histograms(heat, mask)) == pytest.approx(expected)
    exact = oracle.roc_auc_score(mask.ravel(), heat.ravel())
    assert expected == pytest.approx(exact, abs=1e-4)


def test_histograms_add_up_to_those_of_all_pixels():
    rng = np.random.default_rng(2)
    heats, masks = rng.random((3, 8, 8)), rng.random((3, 8, 8)) < 0.4
    added = sum(pixels.histograms(h, m) for h, m in zip(heats, masks, strict=True))
    joined = pixels.histograms(heats.reshape(24, 8), masks.reshape(24, 8))
    np.testing.assert_array_equal(added, joined)


def test_levels_keep_the_order_of_every_heat():
    heat = np.array([0.0, 1e-7, 1e-3, 0.5, 1.0, 3.0, 7e4, np.inf])
    level = pixels.levels(heat).astype(int)
    assert (np.diff(level[:-1]) > 0).all()
    assert level[-1] == level[-2] < pixels.LEVELS


def test_pixels_of_one_kind_have_no_auc():
    heat = np.linspace(0, 1, 16).reshape(4, 4)
    for mask in (np.zeros((4, 4), bool), np.ones((4, 4), bool)):
        assert np.isnan(pixels.histogram_auc(pixels.histograms(heat, mask)))


def test_pooled_counts_let_large_areas_count_more():
    counts = PixelCounts(*(np.array(part) for part in ([10, 0], [0, 0], [0, 1], [6, 15])))
    assert pixels.dice(pixels.pool(counts)) == pytest.approx(20 / 21)
    assert pixels.dice(counts).mean() == 0.5
