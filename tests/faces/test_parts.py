"""Which part of the face a patch shows, and where its regions of interest are."""

from functools import partial

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfake.faces import ibug68
from jaxfake.faces.parts import BACKGROUND, CHEEK_NOSE, EYES, LIPS, PartMap, part_map

SIDE, PATCH = 112, 8
GRID = SIDE // PATCH


@partial(jax.jit, static_argnums=(1, 2))
def mapped(landmarks, side, patch):
    return part_map(landmarks, side, patch)


def grids(landmarks, side=SIDE, patch=PATCH):
    """Part and ROI of faces [B, 68, 2] as NumPy arrays [B, rows, columns]."""
    grid = side // patch
    found = mapped(np.asarray(landmarks, np.float32), side, patch)
    return PartMap(*(np.asarray(each).reshape(-1, grid, grid) for each in found))


def plain_face():
    """Landmarks of an upright face that fills the unit square, float64 [68, 2]."""

    def arc(start, stop, count, y, height):
        x = np.linspace(start, stop, count)
        return np.stack([x, y + height * np.sin(np.linspace(0, np.pi, count))], 1)

    def ring(centre, width, height, count):
        """From the picture's left corner over the top."""
        angle = np.pi + 2 * np.pi * np.arange(count) / count
        return np.array(centre) + np.stack([width * np.cos(angle), height * np.sin(angle)], 1)

    turn = np.linspace(np.pi, 0, 17)
    return np.concatenate(
        [
            np.stack([0.5 + 0.36 * np.cos(turn), 0.4 + 0.46 * np.sin(turn)], 1),
            arc(0.2, 0.42, 5, 0.3, -0.04),
            arc(0.58, 0.8, 5, 0.3, -0.04),
            np.stack([np.full(4, 0.5), np.linspace(0.38, 0.56, 4)], 1),
            arc(0.43, 0.57, 5, 0.6, 0.02),
            ring((0.32, 0.39), 0.06, 0.025, 6),
            ring((0.68, 0.39), 0.06, 0.025, 6),
            ring((0.5, 0.74), 0.13, 0.05, 12),
            ring((0.5, 0.74), 0.1, 0.02, 8),
        ]
    )


FACE = plain_face() * SIDE - 0.5


def some_face(seed):
    """The plain face turned, scaled, moved and distorted: float32 [68, 2] in pixels of SIDE."""
    rng = np.random.default_rng(seed)
    turn, scale = rng.uniform(-0.4, 0.4), rng.uniform(0.6, 1.3)
    rotation = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    face = (plain_face() - 0.5) @ rotation.T + 0.5 + rng.uniform(-0.15, 0.15, 2)
    return (face * SIDE + rng.normal(0, 1.5, (68, 2))).astype(np.float32)


any_face = given(seed=st.integers(0, 2**32 - 1))
# Derandomised, since a point exactly on an edge between patches may fall to either side of it.
repeatable = settings(max_examples=40, deadline=None, derandomize=True)


@repeatable
@any_face
def test_a_mirrored_face_has_the_mirrored_map(seed):
    face = some_face(seed)
    found = grids([face, ibug68.flip(face, SIDE)])
    for each in found:
        assert np.array_equal(each[1], each[0][:, ::-1])


@repeatable
@any_face
def test_the_map_does_not_hang_on_the_resolution(seed):
    """Twice the pixels at twice the patch. The first pixel's centre is (0, 0), so x goes to 2x + 1/2."""
    face = some_face(seed)
    small, large = grids([face]), grids([2 * face + 0.5], 2 * SIDE, 2 * PATCH)
    assert np.array_equal(small.part, large.part)
    assert np.array_equal(small.roi, large.roi)


@repeatable
@any_face
def test_roi_points_mark_the_patches_that_hold_them(seed):
    """The points that are listed, one by one; of two in a patch the lower part's counts."""
    face = some_face(seed).astype(np.float64)
    roi = np.zeros((GRID, GRID), int)
    for part, points in roi_points(face).items():
        for x, y in points:
            column, row = int((x + 0.5) // PATCH), int((y + 0.5) // PATCH)
            if 0 <= row < GRID and 0 <= column < GRID:
                roi[row, column] = part
    assert np.array_equal(grids([face]).roi[0], roi)


def roi_points(face):
    right_cheek = ((face[36] + face[48]) / 2 + face[3]) / 2
    left_cheek = ((face[45] + face[54]) / 2 + face[13]) / 2
    eyelids = [(face[40] + face[41]) / 2, (face[46] + face[47]) / 2]
    return {
        EYES: [*face[[17, 19, 21, 22, 24, 26, 27]], *eyelids],
        CHEEK_NOSE: [*face[[28, 29, 30, 31, 35]], right_cheek, left_cheek],
        LIPS: [*face[[48, 54, 51, 57, 6, 10, 8]]],
    }


def part_at(part, x, y):
    return part[int((y + 0.5) // PATCH), int((x + 0.5) // PATCH)]


def test_features_lie_in_their_parts():
    part = grids([FACE]).part[0]
    for points, expected in (
        (FACE[36:48], EYES),
        (FACE[17:27], EYES),
        (FACE[29:36], CHEEK_NOSE),
        (FACE[48:68], LIPS),
    ):
        assert {part_at(part, x, y) for x, y in points} == {expected}
    outside = [(4, 60), (107, 60), (56, 4), (56, 107)]  # beside, above and below the face
    assert {part_at(part, x, y) for x, y in outside} == {BACKGROUND}


def test_parts_are_bands_without_gaps():
    part = grids([FACE]).part[0]
    middle = part[:, GRID // 2]
    face = middle[middle != BACKGROUND]
    assert np.array_equal(face, np.sort(face))
    assert set(face) == {EYES, CHEEK_NOSE, LIPS}
    rows = np.flatnonzero(middle)
    assert np.array_equal(rows, np.arange(rows[0], rows[-1] + 1))


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_a_face_without_landmarks_gets_the_template_and_leaves_the_others_alone(broken):
    lost = FACE.copy()
    lost[5, 1] = broken
    part, roi = grids([FACE, lost, some_face(1)])
    assert [(part[1] == p).sum() for p in (EYES, CHEEK_NOSE, LIPS)] == [40, 36, 30]
    assert np.array_equal(roi[1], part[1])
    own = grids([FACE, FACE, some_face(1)])
    for which in (0, 2):
        assert np.array_equal(part[which], own.part[which])
        assert np.array_equal(roi[which], own.roi[which])


def template(grid):
    return grids([np.full((68, 2), np.nan)], 8 * grid, 8).part[0]


@pytest.mark.parametrize("grid", [7, 8, 16])
def test_the_template_has_all_parts_in_order_on_other_grids(grid):
    middle = template(grid)[:, grid // 2]
    face = middle[middle != BACKGROUND]
    assert np.array_equal(face, np.sort(face))
    assert set(face) == {EYES, CHEEK_NOSE, LIPS}
    assert np.array_equal(template(grid), template(grid)[:, ::-1])


def test_the_template_on_twice_the_grid_is_the_same_twice_as_fine():
    assert np.array_equal(template(28), template(14).repeat(2, 0).repeat(2, 1))


@pytest.mark.parametrize("shift", [(-SIDE, 0), (SIDE, 0), (0, -SIDE), (0, SIDE), (1e30, -1e30)])
def test_points_outside_of_the_crop_are_ignored(shift):
    assert not grids([FACE + shift]).roi.any()


def test_a_face_half_outside_does_not_wrap_around():
    part, roi = grids([FACE, FACE - [SIDE / 2, 0]])
    for each in (part, roi):
        assert np.array_equal(each[1][:, : GRID // 2], each[0][:, GRID // 2 :])
        assert not each[1][:, GRID // 2 :].any()
