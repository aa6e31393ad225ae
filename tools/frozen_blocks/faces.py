"""The sets of faces whose features are taken: of a prepared dataset, and forged from its real ones."""

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from jaxfake import schema
from jaxfake.data.dataset import FaceDataset
from jaxfake.data.examples import Faces
from jaxfake.data.forgeries.chain import Forger, make_forger
from jaxfake.data.forgeries.forgery import ALL_GUARDS, KINDS, Forgery
from jaxfake.schema import Example

REAL, FAKE, BLENDED = "real", "fake", "blended"

_TURN = 0
"""Each real face is forged once by each kind."""


class FaceSet(NamedTuple):
    """Faces under a name."""

    name: str
    faces: Faces
    rows: np.ndarray  # int64 [n]


@dataclasses.dataclass(frozen=True)
class ForgedFaces:
    """The forgeries of a kind of the real faces of a split, by their rows; real ones without a kind."""

    forger: Forger
    forgery: Forgery | None

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.forger.faces)

    def __getitem__(self, row: int) -> Example:
        """The face of a row."""
        if self.forgery is None:
            return self.forger.real(row, _TURN)
        return self.forger.forged(self.forgery, row, _TURN)

    def name(self, row: int) -> str:
        """For messages."""
        return self.forger.faces.name(row)


def face_sets(
    train: FaceDataset, others: list[FaceDataset], most: int, seed: int
) -> Iterator[FaceSet]:
    """All faces of the other splits, and at most so many training faces of each origin.

    Those that are real, those that are the dataset's own fakes, real ones of which half are blended with
    themselves (`Guards`), and forgeries of each kind; the last two are of the same real faces.
    """
    for faces in others:
        yield FaceSet(faces.split, faces, known(faces))
    rng = np.random.default_rng(seed)
    for name, label in ((REAL, schema.REAL), (FAKE, schema.FAKE)):
        yield FaceSet(name, train, _drawn(rng, np.flatnonzero(train.index.label == label), most))
    mixture = tuple(Forgery(kind, 1 / len(KINDS), 1.0) for kind in KINDS)
    forger = make_forger(train, mixture, seed, ALL_GUARDS)
    rows = _drawn(rng, forger.forgeable.rows, most)
    yield FaceSet(BLENDED, ForgedFaces(forger, None), rows)
    for forgery in mixture:
        yield FaceSet(forgery.kind, ForgedFaces(forger, forgery), rows)


def known(faces: FaceDataset) -> np.ndarray:
    """The rows of all faces whose label is known, int64 [n]."""
    return np.flatnonzero(faces.index.label != schema.UNKNOWN)


def _drawn(rng: np.random.Generator, rows: np.ndarray, most: int) -> np.ndarray:
    return np.sort(rng.permutation(rows)[:most])
