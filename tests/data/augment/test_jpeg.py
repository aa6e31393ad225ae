import cv2
import numpy as np
import pytest

from jaxfake.data.augment.jpeg import as_jpeg


def picture() -> np.ndarray:
    rows, columns = np.mgrid[:16, :24]
    return np.stack([10 * rows, 8 * columns, 120 + 0 * rows], axis=-1).astype(np.uint8)


def test_colours_keep_their_order_and_a_lower_quality_changes_more():
    before = picture().astype(np.int64)
    errors = [np.abs(as_jpeg(picture(), quality) - before).mean() for quality in (98, 50, 5)]
    assert errors == sorted(errors)
    assert errors[0] < 2 < errors[2]


def test_it_is_the_picture_that_a_jpeg_file_holds(tmp_path):
    path = tmp_path / "a.jpg"
    cv2.imwrite(str(path), picture()[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 70])
    np.testing.assert_array_equal(as_jpeg(picture(), 70), cv2.imread(str(path))[..., ::-1])


def test_a_picture_that_jpeg_cannot_hold_is_an_error():
    with pytest.raises(ValueError, match="cannot be stored as JPEG"):
        as_jpeg(np.zeros((1, 65_536, 3), np.uint8), 90)
