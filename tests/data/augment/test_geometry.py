"""One draw moves image, landmarks and forgery mask alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfake.data.augment.geometry import View, apply_view, draw_view
from jaxfake.faces import ibug68
from jaxfake.schema import Example

SIZE = 48


def _example(points: np.ndarray, mask: np.ndarray | None = None) -> Example:
    """A black picture with a white pixel at each of the given whole points."""
    image = np.zeros((SIZE, SIZE, 3), np.uint8)
    columns, rows = points.T
    image[rows, columns] = 255
    landmarks = np.tile(points, (68 // len(points) + 1, 1))[:68].astype(np.float32)
    mask = np.zeros((SIZE, SIZE), np.uint8) if mask is None else mask
    matrix = np.eye(2, 3, dtype=np.float32)
    return Example(image, landmarks, 1, "swap", "toy", "v", "i", 0, mask, True, matrix)


def _views() -> st.SearchStrategy[View]:
    return st.integers(0, 2**32 - 1).map(lambda s: draw_view(np.random.default_rng(s), SIZE, 0.6))


@settings(deadline=None, max_examples=60)
@given(view=_views(), x=st.integers(16, 31), y=st.integers(16, 31))
def test_a_bright_pixel_stays_under_its_landmark(view: View, x: int, y: int) -> None:
    seen = apply_view(_example(np.array([[x, y]])), view)
    inside = ((seen.landmarks > 1) & (seen.landmarks < SIZE - 2)).all()
    if not inside:
        return
    weights = seen.image[..., 0].astype(float)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    centre = [(weights * grid).sum() / weights.sum() for grid in (columns, rows)]
    np.testing.assert_allclose(centre, seen.landmarks[0], atol=0.35)


@settings(deadline=None, max_examples=60)
@given(view=_views())
def test_the_forgery_mask_follows_the_pixels(view: View) -> None:
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[14:30, 10:26] = 255
    example = _example(np.array([[20, 20]]), mask)
    example = example._replace(image=np.repeat(mask[..., None], 3, axis=2))
    seen = apply_view(example, view)
    assert set(np.unique(seen.forgery_mask)) <= {0, 255}
    bright = seen.image[..., 0] > 127
    assert (bright == (seen.forgery_mask > 0)).mean() > 0.97


def test_a_flip_swaps_left_and_right_landmarks() -> None:
    rng = np.random.default_rng(0)
    landmarks = rng.uniform(0, SIZE - 1, (68, 2)).astype(np.float32)
    example = _example(np.array([[20, 20]]))._replace(landmarks=landmarks)
    seen = apply_view(example, View(0, 0, SIZE, mirrored=True))
    np.testing.assert_allclose(seen.landmarks[36, 0], SIZE - 1 - landmarks[45, 0], rtol=1e-6)
    np.testing.assert_allclose(seen.landmarks[48, 1], landmarks[54, 1], rtol=1e-6)
    np.testing.assert_array_equal(seen.image, example.image[:, ::-1])
    twice = apply_view(seen, View(0, 0, SIZE, mirrored=True))
    np.testing.assert_allclose(twice.landmarks, landmarks, atol=1e-5)


def test_mirror_pairs_are_a_consistent_permutation() -> None:
    assert sorted(ibug68.MIRROR.tolist()) == list(range(68))
    np.testing.assert_array_equal(ibug68.MIRROR[ibug68.MIRROR], np.arange(68))


def test_the_whole_view_changes_nothing() -> None:
    example = _example(np.array([[5, 40], [20, 20]]))
    for got, want in zip(apply_view(example, View(0, 0, SIZE, False)), example, strict=True):
        np.testing.assert_array_equal(got, want)


def test_missing_landmarks_stay_missing() -> None:
    example = _example(np.array([[20, 20]]))
    example = example._replace(landmarks=np.full((68, 2), np.nan, np.float32))
    assert np.isnan(apply_view(example, View(3, 2, 40, True)).landmarks).all()


@pytest.mark.parametrize("smallest", [0.5, 0.8, 1.0])
def test_views_lie_inside_and_reach_the_smallest_side(smallest: float) -> None:
    views = [draw_view(np.random.default_rng(s), SIZE, smallest) for s in range(300)]
    assert all(v.left + v.side <= SIZE and v.top + v.side <= SIZE for v in views)
    assert min(v.side for v in views) == round(SIZE * smallest)
    assert max(v.side for v in views) == SIZE
    assert 100 < sum(v.mirrored for v in views) < 200
