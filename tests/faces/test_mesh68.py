"""The table from mesh points to landmarks."""

import numpy as np

from jaxfake.faces import ibug68, mesh68


def test_every_landmark_has_mesh_points_and_none_is_used_twice_alone():
    assert len(mesh68.CORRESPONDENCE) == ibug68.POINTS
    used = [point for group in mesh68.CORRESPONDENCE for point in group]
    assert 0 <= min(used) <= max(used) < mesh68.MESH_POINTS
    assert len(set(mesh68.CORRESPONDENCE)) == ibug68.POINTS


def test_both_sides_of_the_face_are_treated_alike():
    sizes = np.array([len(group) for group in mesh68.CORRESPONDENCE])
    np.testing.assert_array_equal(sizes, sizes[ibug68.MIRROR])


def test_a_landmark_is_the_mean_of_its_mesh_points():
    mesh = np.random.default_rng(0).normal(size=(468, 3)).astype(np.float32)
    points = mesh68.landmarks(mesh)
    for landmark, group in enumerate(mesh68.CORRESPONDENCE):
        np.testing.assert_allclose(points[landmark], mesh[list(group), :2].mean(0), atol=1e-6)
