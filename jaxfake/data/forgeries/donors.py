"""The real faces of a split that can be forged, and a donor for each: another person in a similar pose."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from jaxfake import schema
from jaxfake.data.dataset import FaceDataset
from jaxfake.data.forgeries import region
from jaxfake.data.forgeries.forge import NEED_DONOR
from jaxfake.data.forgeries.forgery import CannotForge, Forgery
from jaxfake.runtime.errors import InputError

_CANDIDATES = 16
"""Faces of other people among which the one in the most similar pose is taken."""


@dataclasses.dataclass(frozen=True)
class Forgeable:
    """The real faces of a split that can be forged.

    Attributes:
        rows: of the faces, int64 [n].
        people: a number for the identity of each, int64 [n].
        poses: the landmarks without place and scale, as complex numbers x + iy: complex64 [n, 68].
        left_out: names of the real faces that cannot be forged, and why, as (name, reason).
    """

    rows: np.ndarray
    people: np.ndarray
    poses: np.ndarray
    left_out: tuple[tuple[str, str], ...]

    def has(self, row: int) -> bool:
        """Whether the face in `row` is among them."""
        place = int(np.searchsorted(self.rows, row))
        return place < len(self.rows) and self.rows[place] == row

    def draw_donor(self, rng: np.random.Generator, row: int) -> int:
        """The row of a face of another person, in a pose similar to that of the face in `row`."""
        place = int(np.searchsorted(self.rows, row))
        others = np.flatnonzero(self.people != self.people[place])
        drawn = others[rng.integers(len(others), size=_CANDIDATES)]
        return int(self.rows[drawn[distances(self.poses[place], self.poses[drawn]).argmin()]])


def find_forgeable(faces: FaceDataset, forgeries: Sequence[Forgery]) -> Forgeable:
    """The real faces of a split that can be forged. Reads the landmarks of all of them.

    Raises:
        InputError: there are none, or they show one person where a kind needs another as a donor.
    """
    rows, marks, left_out = [], [], []
    for row in np.flatnonzero(faces.index.label == schema.REAL).tolist():
        landmarks = faces.landmarks(row)
        try:
            region.check(landmarks, faces.size)
        except CannotForge as error:
            left_out.append((faces.name(row), str(error)))
            continue
        rows.append(row)
        marks.append(landmarks)
    if not rows:
        why = f", such as {': '.join(left_out[0])}" if left_out else ""
        raise InputError(
            f"forgeries are made from real faces, and split {faces.split!r} of {faces.folder} has none "
            f"that can be forged{why}"
        )
    people = np.unique(faces.index.identity[rows], return_inverse=True)[1]
    donated = [forgery.kind for forgery in forgeries if forgery.kind in NEED_DONOR]
    if donated and people.max() == 0:
        raise InputError(
            f"{donated[0]} takes a part of another person's face, and the real faces of split "
            f"{faces.split!r} of {faces.folder} show one person"
        )
    return Forgeable(np.array(rows), people, poses_of(np.stack(marks)), tuple(left_out))


def poses_of(landmarks: np.ndarray) -> np.ndarray:
    """Landmarks float [n, 68, 2] without place and scale, as complex numbers: complex64 [n, 68]."""
    points = (landmarks[..., 0] + 1j * landmarks[..., 1]).astype(np.complex64)
    points -= points.mean(axis=1, keepdims=True)
    return points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-6)


def distances(pose: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The full Procrustes distance of a pose, complex64 [68], to others [n, 68]: float32 [n], 0..1.

    The root of what is left of the squared difference after the best rotation and scaling.
    """
    alike = np.abs(others.conj() @ pose)
    return np.sqrt(np.clip(1 - alike * alike, 0, 1))
