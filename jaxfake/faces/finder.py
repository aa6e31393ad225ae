"""Finds faces with landmarks in a picture: detection, landmarks, and a check that it is a face."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from jaxfake.faces.face_detector import FaceDetector
from jaxfake.faces.landmarks import Landmarker
from jaxfake.faces.model_files import FaceModels

_MIN_PRESENCE = 0.5


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
