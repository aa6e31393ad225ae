"""The aligned crop: geometry, antialiasing, and that everything moves together."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxfake.faces import align, ibug68

similarities = st.builds(
    lambda angle, scale, x, y: np.array(
        [
            [scale * np.cos(angle), -scale * np.sin(angle), x],
            [scale * np.sin(angle), scale * np.cos(angle), y],
        ]
    ),
    angle=st.floats(-3.1, 3.1),
    scale=st.floats(0.05, 20),
    x=st.floats(-500, 500),
    y=st.floats(-500, 500),
)

CANONICAL = {  # of DeepfakeBench and FSFM, a crop of 224 pixels
    "right eye": (84.8, 105.4),
    "left eye": (139.0, 105.1),
    "nose": (112.0, 136.2),
    "right corner": (89.8, 167.9),
    "left corner": (134.7, 167.7),
}


def canonical_face() -> np.ndarray:
    """68 landmarks whose five points are the template; the others do not matter to alignment."""
    points = np.full((68, 2), 112.0)
    points[ibug68.RIGHT_EYE] = CANONICAL["right eye"] + circle(6) * 5
    points[ibug68.LEFT_EYE] = CANONICAL["left eye"] + circle(6) * 5
    points[ibug68.NOSE_TIP] = CANONICAL["nose"]
    points[48], points[54] = CANONICAL["right corner"], CANONICAL["left corner"]
    return points


def circle(n: int) -> np.ndarray:
    angles = np.arange(n) * 2 * np.pi / n
    return np.stack([np.cos(angles), np.sin(angles)], 1)


@given(similarities)
def test_a_moved_face_is_brought_back_exactly(moved):
    back = align.alignment(align.apply(moved, canonical_face()), 224)
    restored = align.apply(back, align.apply(moved, canonical_face()))
    np.testing.assert_allclose(restored, canonical_face(), atol=1e-6)


@given(st.integers(32, 512))
def test_the_template_grows_with_the_crop(size):
    points = align.apply(align.alignment(canonical_face(), size), canonical_face())
    expected = (np.array(CANONICAL["nose"]) + 0.5) * size / 224 - 0.5
    np.testing.assert_allclose(points[ibug68.NOSE_TIP], expected, atol=1e-6)


@given(similarities)
def test_a_mirrored_face_is_never_mirrored_back(moved):
    face = align.apply(moved, canonical_face() * [-1, 1])
    assert np.linalg.det(align.alignment(face, 224)[:, :2]) > 0


@given(
    similarities, st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=68, max_size=68)
)
def test_no_similarity_fits_better(moved, noise):
    face = align.apply(moved, canonical_face() + np.array(noise))
    source, target = align.five_points(face), align.five_points(canonical_face())
    best = align.similarity(source, target)

    def error(matrix):
        return ((align.apply(matrix, source) - target) ** 2).sum()

    for factor, shift in ((1.01, 0), (0.99, 0), (1, 0.1), (1, -0.1)):
        assert error(best) <= error(best * factor + [[0, 0, shift]] * 2) + 1e-9


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_points_that_define_nothing_are_refused(bad):
    with pytest.raises(ValueError, match="cannot align"):
        align.alignment(np.full((68, 2), bad), 224)


@pytest.mark.parametrize("scale", [0.3, 1.0, 1.6, 3.7, 9.0])
def test_image_landmarks_and_mask_go_through_the_same_matrix(scale):
    turn = np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]]) * scale
    face = canonical_face() @ turn.T + [600, 40]
    image = np.zeros((2600, 2600, 3), np.uint8)
    mask = np.zeros((2600, 2600), np.uint8)
    spot = tuple(int(v) for v in face[54].round())
    for canvas, colour in ((image, (255, 255, 255)), (mask, 255)):
        cv2.circle(canvas, spot, round(6 * scale), colour, -1)
    crop = align.crop(image, face, 224)
    seen = align.warp_mask(mask, crop.matrix, 224)
    np.testing.assert_allclose(
        centre(crop.image[..., 0]), crop.landmarks[54], atol=1.0 / min(scale, 1)
    )
    np.testing.assert_allclose(centre(seen), centre(crop.image[..., 0]), atol=0.5)
    assert set(np.unique(seen)) == {0, 255}
    back = align.apply(align.inverse(crop.matrix), crop.landmarks)
    np.testing.assert_allclose(back, face, atol=1e-3 * scale)


def centre(picture: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    weight = picture.astype(float) / picture.sum(dtype=float)
    return np.array([(x * weight).sum(), (y * weight).sum()])


@pytest.mark.parametrize("shrink", [1.3, 2.5, 6.3])
def test_fine_stripes_become_grey_when_they_are_shrunk(shrink):
    stripes = np.zeros((1400, 1400, 3), np.uint8)
    stripes[:, ::2] = 255
    matrix = np.array([[1 / shrink, 0, 0.0], [0, 1 / shrink, 0.0]])
    ours = align.warp(stripes, matrix, 200)[10:-10, 10:-10].std()
    plain = cv2.warpAffine(stripes, matrix, (200, 200))[10:-10, 10:-10].std()
    assert ours < 0.6 * plain


def test_outside_of_the_frame_is_black_and_unmasked():
    matrix = np.array([[1.0, 0, 50], [0, 1.0, 0]])
    white = np.full((100, 100, 3), 255, np.uint8)
    assert not align.warp(white, matrix, 100)[:, :50].any()
    assert align.warp(white, matrix, 100)[:, 50:].all()
    assert not align.warp_mask(white[..., 0], matrix, 100)[:, :50].any()


@pytest.mark.parametrize("turn", [0.0, 0.4])
def test_what_is_placed_in_the_frame_lies_where_the_crop_was_cut(turn):
    size, (height, width) = 40, (90, 120)
    matrix = np.array(
        [
            [0.5 * np.cos(turn), -0.5 * np.sin(turn), -3.0],
            [0.5 * np.sin(turn), 0.5 * np.cos(turn), -6.0],
        ]
    )
    column = np.tile(np.arange(size, dtype=np.float32), (size, 1))
    placed = align.place_in_frame(column, matrix, height, width)
    y, x = np.mgrid[:height, :width]
    points = align.apply(matrix, np.stack([x.ravel(), y.ravel()], axis=1).astype(float))
    inside = ((points >= 0) & (points <= size - 1)).all(1).reshape(height, width)
    known = np.isfinite(placed)
    assert not known[~inside].any()
    assert known.sum() > 0.85 * inside.sum()  # all but a rim
    np.testing.assert_allclose(placed[known], points[:, 0].reshape(height, width)[known], atol=0.06)
