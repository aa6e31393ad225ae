"""The faces of a dataset after a perturbation of their frames, or of their crops where frames are gone."""

import collections
import threading
import zlib

import numpy as np

from jaxfake.data.dataset import FaceDataset
from jaxfake.data.source_frames import SourceFrames
from jaxfake.evaluation.evidence.robustness.perturbations import FACE_SIDE, Clip, Perturbation
from jaxfake.faces import align
from jaxfake.runtime.errors import InputError
from jaxfake.schema import Example

_KEPT = 4
"""Videos whose perturbed crops are kept; readers of one batch are in few videos."""


class PerturbedFaces:
    """The faces of a dataset after a perturbation at one level.

    The scored faces of one video are perturbed together, as a clip. Landmarks and masks stay those of the
    undisturbed face, so that only what the detector sees changes.

    Args:
        faces: a split.
        kind: of perturbation.
        level: 1..5.
        frames: that the faces were taken from; None to perturb their crops.
    """

    def __init__(
        self, faces: FaceDataset, kind: Perturbation, level: int, frames: SourceFrames | None
    ) -> None:
        self._faces, self._kind, self._frames = faces, kind, frames
        self._parameter = kind.parameters[level - 1]
        self._kept: collections.OrderedDict[int, dict[int, np.ndarray]] = collections.OrderedDict()
        self._lock = threading.Lock()
        names = np.stack([faces.index.dataset, faces.index.method, faces.index.video_id], axis=1)
        _, self._video = np.unique(names, axis=0, return_inverse=True)

    def __len__(self) -> int:
        """The number of faces."""
        return len(self._faces)

    def __getitem__(self, row: int) -> Example:
        """One face, perturbed.

        Raises:
            InputError: its frame cannot be read any more.
        """
        video = int(self._video[row])
        with self._lock:
            if video not in self._kept:
                self._kept[video] = self._perturbed(np.flatnonzero(self._video == video))
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            image = self._kept[video][row]
        return self._faces[row]._replace(image=image)

    def name(self, row: int) -> str:
        """A name of one face for messages."""
        return self._faces.name(row)

    def in_order(self, rows: np.ndarray) -> np.ndarray:
        """The rows, ordered so that those of a video follow each other in time."""
        return rows[np.lexsort((self._faces.index.frame[rows], self._video[rows]))]

    def _perturbed(self, rows: np.ndarray) -> dict[int, np.ndarray]:
        """The crops of one video."""
        rows = rows[np.argsort(self._faces.index.frame[rows], kind="stable")]
        examples = [self._faces[int(row)] for row in rows]
        name = self._faces.name(int(rows[0])).rpartition(" frame ")[0]
        seed = zlib.crc32(name.encode())
        if self._frames is None:
            side = examples[0].image.shape[0]
            points = [one.landmarks for one in examples]
            clip = Clip([one.image for one in examples], side / FACE_SIDE, points, seed)
            crops = self._kind.apply(clip, self._parameter)
        else:
            crops = self._from_frames(rows, examples, seed)
        return dict(zip(map(int, rows), crops, strict=True))

    def _from_frames(
        self, rows: np.ndarray, examples: list[Example], seed: int
    ) -> list[np.ndarray]:
        """Perturbs the frames, then cuts the crops out of them where they were."""
        pictures = [self._frame(int(row)) for row in rows]
        side = examples[0].image.shape[0]
        enlarged = np.median([_enlargement(one.matrix) for one in examples])
        points = [
            align.apply(_inverse(one.matrix), one.landmarks.astype(np.float64)) for one in examples
        ]
        clip = Clip(pictures, side / FACE_SIDE / float(enlarged), points, seed)
        changed = self._kind.apply(clip, self._parameter)
        return [
            align.warp(picture, one.matrix.astype(np.float64), side)
            for picture, one in zip(changed, examples, strict=True)
        ]

    def _frame(self, row: int) -> np.ndarray:
        assert self._frames is not None
        frame = self._frames.of(self._faces, row)
        if frame is None:
            raise InputError(f"the frame of {self._faces.name(row)} cannot be read any more")
        return frame


def _enlargement(matrix: np.ndarray) -> float:
    """Pixels of the crop by pixels of the frame."""
    return float(np.sqrt(abs(np.linalg.det(matrix[:, :2].astype(np.float64)))))


def _inverse(matrix: np.ndarray) -> np.ndarray:
    """float64 [2, 3]: from the crop to the frame."""
    linear = np.linalg.inv(matrix[:, :2].astype(np.float64))
    return np.concatenate([linear, -linear @ matrix[:, 2:].astype(np.float64)], axis=1)
