"""A split of real faces with a forgery of each, to select by and to freeze; made whenever it is read."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxfake import schema
from jaxfake.data.dataset import FaceDataset
from jaxfake.data.forgeries.chain import Forger, draw_forgery, make_forger
from jaxfake.data.forgeries.forgery import Forgery, Guards
from jaxfake.data.split_index import Index
from jaxfake.schema import Example

_OF_SPLITS = 1 << 20
"""Separates the choice of kinds from all else that is drawn from the seed."""

_TURN = 0


def forged_split(
    faces: FaceDataset, mixture: Sequence[Forgery], seed: int, guards: Guards
) -> tuple[FaceDataset, Forger]:
    """The real faces that can be forged, then a forgery of each; and the forger that makes them.

    The kind of each forgery is drawn by the shares of the mixture. Fakes of the split itself are left out.

    Raises:
        InputError: no face of the split can be forged, or a kind needs more people.
    """
    forger = make_forger(faces, mixture, seed, guards)
    rows = forger.forgeable.rows
    kinds = [
        draw_forgery(np.random.default_rng([seed, _OF_SPLITS, row]), mixture)
        for row in rows.tolist()
    ]
    reals = Index(*(column[rows] for column in faces.index))
    fakes = reals._replace(
        label=np.full(len(rows), schema.FAKE, np.int32),
        method=np.array([forgery.kind for forgery in kinds]),
    )
    index = Index(*(np.concatenate(pair) for pair in zip(reals, fakes, strict=True)))
    source = _Records(forger, tuple(kinds))
    return dataclasses.replace(faces, source=source, index=index, content=None), forger


@dataclasses.dataclass(frozen=True)
class _Records:
    """The records of such a split, as a dataset on disk has them."""

    forger: Forger
    kinds: tuple[Forgery, ...]

    def __len__(self) -> int:
        return 2 * len(self.kinds)

    def __getitem__(self, place: int) -> dict[str, Any]:
        rows = self.forger.forgeable.rows
        if place < len(rows):
            return _fields(self.forger.real(int(rows[place]), _TURN))
        place -= len(rows)
        return _fields(self.forger.forged(self.kinds[place], int(rows[place]), _TURN))


def _fields(example: Example) -> dict[str, Any]:
    fields: dict[str, Any] = example._asdict()
    return fields | {schema.FORGERY_MASK: example.forgery_mask[..., None]}
