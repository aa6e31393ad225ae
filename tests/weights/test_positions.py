"""Tables of positions, resized as OpenCV and Pillow resize pictures by the same two kernels."""

import cv2
import numpy as np
import pytest
from PIL import Image

from jaxfake.weights.positions import resized

SIZES = [(5, 8), (8, 5), (37, 16), (4, 3), (1, 3), (6, 1)]


def table(n: int) -> np.ndarray:
    return np.random.default_rng(n).normal(size=(n * n, 2))


@pytest.mark.parametrize(("n", "grid"), SIZES)
def test_without_smoothing_it_is_opencvs_cubic(n: int, grid: int) -> None:
    expected = cv2.resize(table(n).reshape(n, n, 2), (grid, grid), interpolation=cv2.INTER_CUBIC)
    got = resized(table(n), grid, smooth=False)
    np.testing.assert_allclose(got, expected.reshape(-1, 2), atol=1e-5)


@pytest.mark.parametrize(("n", "grid"), SIZES)
def test_with_smoothing_it_is_pillows_bicubic(n: int, grid: int) -> None:
    planes = table(n).astype(np.float32).reshape(n, n, 2)
    expected = [
        np.asarray(Image.fromarray(planes[..., i]).resize((grid, grid), Image.Resampling.BICUBIC))
        for i in range(2)
    ]
    got = resized(table(n), grid, smooth=True)
    np.testing.assert_allclose(got, np.stack(expected, -1).reshape(-1, 2), atol=1e-5)


@pytest.mark.parametrize("smooth", [False, True])
def test_a_table_of_the_right_size_is_untouched(smooth: bool) -> None:
    np.testing.assert_array_equal(resized(table(4), 4, smooth), table(4))
