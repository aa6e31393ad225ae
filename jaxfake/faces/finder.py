"""Finds faces with landmarks in a picture: detection, landmarks, and a check that it is a face."""

import dataclasses
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue

import numpy as np

from jaxfake.faces.face_detector import FaceDetector
from jaxfake.faces.landmarks import Landmarker
from jaxfake.faces.model_files import FaceModels
from jaxfake.faces.video import Frame

_MIN_PRESENCE = 0.5

_WAITING = 2
"""Frames that wait for each thread, at most: each takes some megabytes."""


@dataclasses.dataclass(frozen=True)
class Face:
    """One face, in pixels of the picture; the centre of the first pixel is at 0."""

    landmarks: np.ndarray  # float32 [68, 2], iBUG order
    box: np.ndarray  # float32 [4]: left, top, right, bottom
    score: float  # of the face detection, 0 to 1


class FaceFinder:
    """Face detection and landmarks together. Not to be shared between threads."""

    def __init__(self, models: FaceModels) -> None:
        self._detector = FaceDetector(models)
        self._landmarker = Landmarker(models)

    def largest(self, image: np.ndarray) -> Face | None:
        """The face with the largest box, or None.

        Of several people the largest is nearly always the subject; the others are passers-by or pictures on
        a wall. DeepfakeBench has the same rule.

        Args:
            image: uint8 [H, W, 3], RGB.
        """
        return next(self._found(image, 1), None)

    def several(self, image: np.ndarray, most: int) -> list[Face]:
        """Up to `most` faces, the largest first."""
        return list(self._found(image, most))

    def _found(self, image: np.ndarray, most: int) -> Iterator[Face]:
        """Faces of the first model that finds any."""
        for detections in self._detector.detections_by_model(image):
            count = 0
            for found in detections:
                located = self._landmarker.locate(image, found)
                if located.presence >= _MIN_PRESENCE and np.isfinite(located.points).all():
                    count += 1
                    yield Face(located.points, found.box, found.score)
                if count == most:
                    return
            if count:
                return


class SeveralFinders:
    """Finds the faces of several frames at a time, with a finder for each thread."""

    def __init__(self, models: FaceModels, threads: int) -> None:
        self._threads = threads
        self._idle: SimpleQueue[FaceFinder] = SimpleQueue()
        for _ in range(threads):
            self._idle.put(FaceFinder(models))

    def find(self, frames: Iterator[Frame], most: int) -> Iterator[tuple[Frame, list[Face]]]:
        """Each frame, in their order, with up to `most` faces, the largest first."""
        waiting: deque[tuple[Frame, Future[list[Face]]]] = deque()
        most_waiting = _WAITING * self._threads
        with ThreadPoolExecutor(self._threads) as pool:
            for frame in frames:
                waiting.append((frame, pool.submit(self._found, frame, most)))
                while waiting and (len(waiting) > most_waiting or waiting[0][1].done()):
                    yield _first(waiting)
            while waiting:
                yield _first(waiting)

    def _found(self, frame: Frame, most: int) -> list[Face]:
        finder = self._idle.get()
        try:
            return finder.several(frame.image, most)
        finally:
            self._idle.put(finder)


def _first(
    waiting: deque[tuple[Frame, Future[list[Face]]]],
) -> tuple[Frame, list[Face]]:
    frame, faces = waiting.popleft()
    return frame, faces.result()
