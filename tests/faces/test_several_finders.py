"""Faces of several frames at a time: the same faces, in the same order, as one after the other."""

import itertools

import numpy as np
import pytest

from jaxfake.faces import finder as finders
from jaxfake.faces.finder import SeveralFinders
from jaxfake.faces.video import Frame
from tests.data.drawn import drawn_clip


def test_they_are_those_that_one_finder_finds(finder, face_models):
    frames = [Frame(n, image) for n, image in enumerate(drawn_clip(3, 5))]
    found = list(SeveralFinders(face_models, 2).find(iter(frames), 6))
    assert [frame.number for frame, _ in found] == [0, 1, 2, 3, 4]
    for frame, faces in found:
        for face, alone in zip(faces, finder.several(frame.image, 6), strict=True):
            np.testing.assert_array_equal(face.landmarks, alone.landmarks)


class Stub:
    """Finds nothing in any frame but the fourth, at which it fails."""

    def __init__(self, models):
        del models

    def several(self, image, most):
        if image.max() == 4:
            raise RuntimeError("the fourth frame")
        return []


@pytest.fixture
def stubs(monkeypatch):
    monkeypatch.setattr(finders, "FaceFinder", Stub)
    return SeveralFinders(None, 2)


def test_few_frames_are_read_ahead(stubs):
    read = []

    def frames():
        for number in itertools.count():
            read.append(number)
            yield Frame(number, np.zeros((1, 1, 3), np.uint8))

    found = stubs.find(frames(), 6)
    assert next(found)[0].number == 0
    assert len(read) <= 6
    found.close()


def test_an_error_is_raised_where_it_happens(stubs):
    frames = (Frame(n, np.full((1, 1, 3), n, np.uint8)) for n in range(8))
    found = stubs.find(frames, 6)
    assert [next(found)[0].number for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(RuntimeError, match="the fourth frame"):
        next(found)
