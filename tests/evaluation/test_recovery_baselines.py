import numpy as np
import pytest

from jaxfake.evaluation.recovery_baselines import (
    INPAINT,
    MEAN_FACE,
    MIRROR,
    in_network_scale,
    mean_face,
    reconstructions,
)

SIDE = 16


@pytest.fixture
def hidden():
    hidden = np.zeros((SIDE, SIDE), np.bool_)
    hidden[4:12, 2:6] = True  # left only
    hidden[6:8, 6:10] = True  # both sides of the mid-line
    return hidden


def random_face(seed):
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)


def test_no_baseline_depends_on_hidden_pixels(hidden):
    mean = in_network_scale(random_face(1))
    face, other = random_face(2), random_face(2)
    other[hidden] = random_face(3)[hidden]
    for name, filled in reconstructions(face, hidden, mean).items():
        same = reconstructions(other, hidden, mean)[name]
        np.testing.assert_array_equal(filled[hidden], same[hidden], err_msg=name)


def test_mirror_recovers_a_symmetric_face_and_falls_back_to_the_mean(hidden):
    face = random_face(0)
    face[:, SIDE // 2 :] = face[:, : SIDE // 2][:, ::-1]
    mean = in_network_scale(random_face(1))
    filled = reconstructions(face, hidden, mean)[MIRROR]
    np.testing.assert_array_equal(filled[4:12, 2:6], in_network_scale(face)[4:12, 2:6])
    np.testing.assert_array_equal(filled[6:8, 6:10], mean[6:8, 6:10])


def test_inpainting_continues_a_flat_face(hidden):
    face = np.full((SIDE, SIDE, 3), (200, 120, 40), np.uint8)
    filled = reconstructions(face, hidden, np.zeros((SIDE, SIDE, 3), np.float32))[INPAINT]
    np.testing.assert_array_equal(filled[~hidden], in_network_scale(face)[~hidden])
    two_greys = 2.5 / 127.5  # OpenCV rounds on its way inwards
    np.testing.assert_allclose(filled, in_network_scale(face), atol=two_greys)


def test_mean_face_is_the_mean_of_the_chosen_rows(dataset, hidden):
    rows = np.array([1, 4, 6])
    mean = mean_face(dataset, rows)
    expected = np.mean([dataset[row].image / 127.5 - 1 for row in rows], axis=0)
    np.testing.assert_allclose(mean, expected, atol=1e-6)
    assert reconstructions(dataset[0].image, hidden, mean)[MEAN_FACE] is mean
