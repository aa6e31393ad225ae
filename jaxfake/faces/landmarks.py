"""68 landmarks of a detected face: MediaPipe's face mesh on an upright square around it."""

import dataclasses
import math

import cv2
import numpy as np

from jaxfake.faces import align, mesh68
from jaxfake.faces.face_detector import LEFT_EYE, RIGHT_EYE, FaceDetection
from jaxfake.faces.model_files import FaceModels

_SIDE = 192  # pixels of the network's input
_SPACING = 2.0  # halves the cost of a square without moving a landmark by 0.1 % of the eye distance
_MARGIN = 1.5  # side of the square, in longer sides of the box


@dataclasses.dataclass(frozen=True)
class Landmarks:
    """Landmarks of one face, and how sure the model is that it is one."""

    points: np.ndarray  # float32 [68, 2], iBUG order, pixels of the picture
    presence: float  # 0 to 1: probability of a face in the square


class Landmarker:
    """Runs the face-mesh model. Not to be shared between threads."""

    def __init__(self, models: FaceModels) -> None:
        self._net = cv2.dnn.readNetFromTFLite(str(models.landmarks), engine=cv2.dnn.ENGINE_CLASSIC)
        self._outputs = self._net.getUnconnectedOutLayersNames()

    def locate(self, image: np.ndarray, face: FaceDetection) -> Landmarks:
        """The landmarks of a detected face.

        Args:
            image: uint8 [H, W, 3], RGB.
        """
        matrix = _upright(face)
        square = align.warp(image, matrix, _SIDE, cv2.BORDER_REPLICATE, _SPACING)
        self._net.setInput(cv2.dnn.blobFromImage(square, 1 / 255))
        outputs = [output.ravel() for output in self._net.forward(self._outputs)]
        presence, mesh = sorted(outputs, key=len)
        points = mesh68.landmarks(mesh.reshape(mesh68.MESH_POINTS, 3)) - 0.5
        back = align.apply(align.inverse(matrix), points).astype(np.float32)
        return Landmarks(back, float(1 / (1 + np.exp(-presence[0]))))


def _upright(face: FaceDetection) -> np.ndarray:
    """float64 [2, 3]: from the picture to a square in which the eyes are level."""
    corners = face.box.reshape(2, 2).astype(np.float64)
    right, left = face.points[RIGHT_EYE], face.points[LEFT_EYE]
    angle = math.atan2(left[1] - right[1], left[0] - right[0])
    scale = _SIDE / (_MARGIN * float((corners[1] - corners[0]).max()))
    turn = scale * np.array(
        [[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]
    )
    middle = np.full(2, (_SIDE - 1) / 2)
    return np.column_stack([turn, middle - turn @ corners.mean(0)])
