"""A split of real faces with a forgery of each, to select by and to freeze; made whenever it is read."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxfake import schema
from jaxfake.data.dataset import FaceDataset
from jaxfake.data.forgeries.chain import Forger, make_forger
from jaxfake.data.forgeries.forgery import Forgery, Guards
from jaxfake.data.split_index import Index
from jaxfake.schema import Example

_TURN = 0


def forged_split(
    faces: FaceDataset, mixture: Sequence[Forgery], seed: int, guards: Guards
) -> tuple[FaceDataset, Forger]:
    """The real faces that can be forged, then a forgery of each; and the forger that makes them.

    The kinds have the shares of the mixture, in random order. Fakes of the split itself are left out.

    Raises:
        InputError: no face of the split can be forged, or a kind needs more people.
    """
    forger = make_forger(faces, mixture, seed, guards)
    rows = forger.forgeable.rows
    kinds = _kinds(np.random.default_rng(abs(seed)), mixture, len(rows))
    reals = Index(*(column[rows] for column in faces.index))
    fakes = reals._replace(
        label=np.full(len(rows), schema.FAKE, np.int32),
        method=np.array([forgery.kind for forgery in kinds]),
    )
    index = Index(*(np.concatenate(pair) for pair in zip(reals, fakes, strict=True)))
    source = _Records(forger, kinds)
    return dataclasses.replace(faces, source=source, index=index, content=None), forger


def _kinds(rng: np.random.Generator, mixture: Sequence[Forgery], count: int) -> tuple[Forgery, ...]:
    """The forgery of each of `count` faces."""
    ends = np.cumsum([forgery.share for forgery in mixture])
    places = (rng.permutation(count) + 0.5) / count
    chosen = np.searchsorted(ends / ends[-1], places)
    return tuple(mixture[number] for number in chosen.tolist())


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
