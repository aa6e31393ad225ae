"""Face detection: two MediaPipe models, each used where it is good.

The short-range model misses small faces (1080p) and places their boxes badly; the full-range model misses
faces that fill the picture. So the short-range model, which is also cheaper, is trusted where it finds a
large face; otherwise the full-range model, and the short-range one only where that finds nothing. Both see
the whole picture, shrunk and padded to a square; the last attempt shrinks the picture further within that
square. Anchors and boxes follow MediaPipe's face detection graphs (SSD without box variances).
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from jaxfake.faces.model_files import FaceModels

RIGHT_EYE, LEFT_EYE = 0, 1
"""Indices into `FaceDetection.points`; right and left of the person, so right is left in the picture."""

_LARGE = 1 / 3
"""Share of the picture's longer side from which a face counts as large. Measured as agreement with the
mirrored picture: below 0.15 the landmarks are off by 5 % of the eye distance (median; 2 to 3 % above), and
from 0.6 the full-range model begins to miss faces."""

_BORDER = 1.5
"""Side of the last attempt's square, in longer sides of the picture: with a border, a face that is cut off
on several sides is found. In 3,000 tight photographs (LFW) it finds 20 of 21 that were missed, for 2 ms
more on every picture without a face."""

_MAX_OVERLAP = 0.3
"""Boxes that share more than this (intersection over union) are one face; MediaPipe's value."""


@dataclasses.dataclass(frozen=True)
class FaceDetection:
    """One detected face. Pixel coordinates; the centre of the first pixel is at 0."""

    box: np.ndarray  # float32 [4]: left, top, right, bottom; from brows to chin, ear to ear
    points: np.ndarray  # float32 [6, 2]: eyes (right, left), nose tip, mouth, ears (right, left)
    score: float  # 0 to 1

    @property
    def side(self) -> float:
        """Longer side of the box, which is nearly square, in pixels."""
        left, top, right, bottom = self.box
        return float(max(right - left, bottom - top))


@dataclasses.dataclass(frozen=True)
class _ModelSettings:
    """What differs between the two models."""

    side: int  # pixels of the square input
    strides: tuple[int, ...]  # pixels between anchors, one number per anchor of a cell
    min_score: float


_FULL_RANGE = _ModelSettings(side=192, strides=(4,), min_score=0.6)
_SHORT_RANGE = _ModelSettings(side=128, strides=(8, 8, 16, 16, 16, 16, 16, 16), min_score=0.5)


class FaceDetector:
    """Finds faces in one picture. Not to be shared between threads."""

    def __init__(self, models: FaceModels) -> None:
        self._full_range = _Network(models.full_range, _FULL_RANGE)
        self._short_range = _Network(models.short_range, _SHORT_RANGE)

    def detections_by_model(self, image: np.ndarray) -> Iterator[list[FaceDetection]]:
        """The faces that each model finds, largest first; the more trustworthy model comes first.

        A caller that stops after the first saves the time of the others.

        Args:
            image: uint8 [H, W, 3], RGB.
        """
        near = self._short_range.detect(image)
        if near and near[0].side >= _LARGE * max(image.shape[:2]):
            yield near
            yield self._full_range.detect(image)
        else:
            yield self._full_range.detect(image)
            yield near
        yield self._short_range.detect(image, padding=_BORDER)


class _Network:
    def __init__(self, model: Path, settings: _ModelSettings) -> None:
        # OpenCV 5's new engine hides the scores of these models, and is always used for a model in memory.
        self._net = cv2.dnn.readNetFromTFLite(str(model), engine=cv2.dnn.ENGINE_CLASSIC)
        self._outputs = self._net.getUnconnectedOutLayersNames()
        self._settings = settings
        self._anchors = _anchors(settings)

    def detect(self, image: np.ndarray, padding: float = 1.0) -> list[FaceDetection]:
        """Faces of a picture (uint8 [H, W, 3], RGB), largest first.

        Args:
            image: the picture.
            padding: side of the square that the model sees, in longer sides of the picture.
        """
        square, scale, offset = _letterbox(image, self._settings.side, padding)
        self._net.setInput(cv2.dnn.blobFromImage(square, 1 / 127.5, mean=(127.5,) * 3))
        first, second = self._net.forward(self._outputs)
        logits, boxes = (first, second) if first.shape[-1] == 1 else (second, first)
        scores = 1 / (1 + np.exp(-np.clip(logits[0, :, 0], -80, 80)))
        likely = np.flatnonzero(scores >= self._settings.min_score)
        raw = boxes[0, likely].reshape(-1, 8, 2)
        found = _decoded(raw, scores[likely], self._anchors[likely])
        back = (_to_picture(face, scale, offset) for face in _distinct(found))
        return sorted(back, key=lambda face: face.side, reverse=True)


def _anchors(settings: _ModelSettings) -> np.ndarray:
    """float32 [A, 2]: centres in input pixels, in the order of the model's outputs."""
    layers = []
    for stride in sorted(set(settings.strides)):
        cells = (np.arange(settings.side // stride, dtype=np.float32) + 0.5) * stride
        y, x = np.meshgrid(cells, cells, indexing="ij")
        centres = np.stack([x, y], -1).reshape(-1, 2)
        layers.append(np.repeat(centres, settings.strides.count(stride), axis=0))
    return np.concatenate(layers)


class _Letterbox(NamedTuple):
    square: np.ndarray  # uint8 [side, side, 3]
    scale: float  # square pixels per picture pixel
    offset: np.ndarray  # float32 [2]: where the picture begins in the square, x then y


def _letterbox(image: np.ndarray, side: int, padding: float) -> _Letterbox:
    height, width = image.shape[:2]
    scale = side / (padding * max(height, width))
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    square = np.zeros((side, side, 3), np.uint8)
    x, y = (side - inner[0]) // 2, (side - inner[1]) // 2
    square[y : y + inner[1], x : x + inner[0]] = cv2.resize(image, inner, interpolation=how)
    return _Letterbox(square, scale, np.array([x, y], np.float32))


def _decoded(raw: np.ndarray, scores: np.ndarray, anchors: np.ndarray) -> list[FaceDetection]:
    """Detections in input pixels from float32 [n, 8, 2]: centre, size and six points."""
    placed = raw + anchors[:, None]
    centre, half = placed[:, 0], raw[:, 1] / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    return [
        FaceDetection(box, points, float(score))
        for box, points, score in zip(boxes, placed[:, 2:], scores, strict=True)
    ]


def _distinct(found: list[FaceDetection]) -> list[FaceDetection]:
    """Non-maximum suppression: the best of each group of overlapping boxes."""
    corners = [(*face.box[:2], *(face.box[2:] - face.box[:2])) for face in found]
    scores = [face.score for face in found]
    kept = cv2.dnn.NMSBoxes(corners, scores, score_threshold=0.0, nms_threshold=_MAX_OVERLAP)
    return [found[index] for index in np.asarray(kept, int).ravel()]


def _to_picture(face: FaceDetection, scale: float, offset: np.ndarray) -> FaceDetection:
    """From the model's coordinates (corners of pixels) to those of the picture (centres of pixels)."""
    box = (face.box.reshape(2, 2) - offset) / scale - 0.5
    points = (face.points - offset) / scale - 0.5
    return FaceDetection(box.ravel().astype(np.float32), points.astype(np.float32), face.score)
