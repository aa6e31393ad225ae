"""Real faces, found and marked."""

import cv2
import numpy as np
import pytest

from jaxfake.faces import align, ibug68
from jaxfake.faces.images import read_image

PHOTOS = ("0000", "0002", "0013", "0021")


@pytest.fixture(params=PHOTOS)
def photo(request, shared_data):
    return read_image(shared_data / "photos" / "ffhq" / f"{request.param}.jpg")


def eye_distance(points: np.ndarray) -> float:
    return float(np.linalg.norm(points[45] - points[36]))


def test_landmarks_lie_where_a_face_has_them(finder, photo):
    points = align.crop(photo, finder.largest(photo).landmarks, 224).landmarks
    x, y = points.T
    assert x[36] < x[39] < x[42] < x[45]  # right eye is left in the picture
    assert y[17:27].max() < y[36:48].min() < y[30] < y[33] < y[51] < y[57] < y[8]
    assert x[0] < x[36]
    assert x[45] < x[16]
    assert x[48] < x[51] < x[54]
    assert (np.diff(x[0:17]) > -1).sum() >= 14


def test_the_mirrored_picture_has_the_mirrored_landmarks(finder, photo):
    here = finder.largest(photo).landmarks
    there = finder.largest(np.ascontiguousarray(photo[:, ::-1])).landmarks
    away = np.linalg.norm(ibug68.flip(there, photo.shape[1]) - here, axis=1)
    assert away.mean() < 0.06 * eye_distance(here)


@pytest.mark.parametrize("angle", [-30, 20])
def test_turning_the_picture_hardly_changes_the_crop(finder, photo, angle):
    turn = cv2.getRotationMatrix2D((255.5, 255.5), angle, 0.8)
    upright = align.crop(photo, finder.largest(photo).landmarks, 64)
    turned = cv2.warpAffine(photo, turn, (512, 512), flags=cv2.INTER_AREA)
    back = align.crop(turned, finder.largest(turned).landmarks, 64)
    away = np.linalg.norm(back.landmarks - upright.landmarks, axis=1)
    assert away.mean() < 0.06 * eye_distance(upright.landmarks)


@pytest.mark.parametrize("side", [240, 1080])
def test_a_face_is_found_small_in_a_wide_frame_and_filling_it(finder, photo, side):
    frame = np.full((1080, 1920, 3), 90, np.uint8)
    frame[-side:, -side:] = cv2.resize(photo, (side, side), interpolation=cv2.INTER_AREA)
    alone = finder.largest(photo).landmarks * side / 512 + [1920 - side, 1080 - side]
    away = np.linalg.norm(finder.largest(frame).landmarks - alone, axis=1)
    assert away.mean() < 0.12 * eye_distance(alone)


def test_of_two_faces_the_larger_is_taken(finder, shared_data):
    one = read_image(shared_data / "photos" / "ffhq" / "0000.jpg")
    other = cv2.resize(read_image(shared_data / "photos" / "ffhq" / "0013.jpg"), (256, 256))
    for place in (0, 1):
        frame = np.full((512, 1024, 3), 90, np.uint8)
        frame[:, place * 512 :][:, :512] = one
        frame[128:384, (1 - place) * 512 + 128 :][:, :256] = other
        nose = finder.largest(frame).landmarks[ibug68.NOSE_TIP]
        assert nose[0] // 512 == place


def test_a_wall_has_no_face(finder):
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3)).astype(np.uint8)
    for picture in (noise, np.zeros((300, 400, 3), np.uint8), np.zeros((1, 1, 3), np.uint8)):
        assert finder.largest(picture) is None


def test_a_strip_of_a_picture_is_no_error(finder):
    assert finder.largest(np.zeros((1, 5000, 3), np.uint8)) is None
