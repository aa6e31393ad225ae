"""Forged and real training faces by row and turn: each is a function of (seed, row, turn) alone."""

import dataclasses
import zlib
from collections.abc import Sequence

import numpy as np

from jaxfake import schema
from jaxfake.data.augment.photometric import degrade, draw_photometrics
from jaxfake.data.dataset import FaceDataset
from jaxfake.data.forgeries import perturb
from jaxfake.data.forgeries.donors import Forgeable, find_forgeable
from jaxfake.data.forgeries.forge import NEED_DONOR, blend_with_itself, forge
from jaxfake.data.forgeries.forgery import (
    CannotForge,
    Face,
    Forgery,
    Guards,
    Kind,
)
from jaxfake.runtime.errors import InputError
from jaxfake.schema import Example

_PERTURBED = 0.5
"""Share of the forgeries whose target is perturbed, without the guard against it."""


@dataclasses.dataclass(frozen=True)
class Forger:
    """Makes forgeries from the real faces of a split, and blends real faces with themselves.

    Attributes:
        faces: the split.
        mixture: the kinds, and how often a real face passes through the mask of each.
        seed: of everything that is drawn.
        guards: see `Guards`.
        forgeable: the real faces that can be forged.
    """

    faces: FaceDataset
    mixture: tuple[Forgery, ...]
    seed: int
    guards: Guards
    forgeable: Forgeable

    def forged(self, forgery: Forgery, row: int, turn: int) -> Example:
        """The forgery of a kind of the real face in `row`, another one in each turn.

        Raises:
            InputError: the face cannot be forged, or is damaged.
        """
        rng = self._generator(forgery.kind, row, turn)
        example = self._real(row)
        donor = self._donor(rng, forgery.kind, row)
        face = Face(example.image, example.landmarks)
        if not self.guards.pristine and rng.random() < _PERTURBED:
            face = face._replace(image=_perturbed(rng, face.image, forgery.strength))
        try:
            made = forge(rng, face, donor, forgery.kind, forgery.strength)
        except CannotForge as error:
            raise InputError(f"{self.faces.name(row)} cannot be forged: {error}") from error
        image = made.image
        if not self.guards.symmetric:
            image = degrade(image, draw_photometrics(rng))
        return example._replace(
            image=image,
            landmarks=made.landmarks,
            label=schema.FAKE,
            method=made.kind,
            forgery_mask=made.mask,
            has_mask=True,
        )

    def real(self, row: int, turn: int) -> Example:
        """The real face in `row`, at the rate of `guards.self_blended` blended with itself.

        Raises:
            InputError: it is damaged.
        """
        example, rng = self._real(row), self._generator(schema.REAL_METHOD, row, turn)
        if rng.random() >= self.guards.self_blended or not self.forgeable.has(row):
            return example
        forgery = draw_forgery(rng, self.mixture)
        donor = self._donor(rng, forgery.kind, row)
        face = Face(example.image, example.landmarks)
        made = blend_with_itself(rng, face, donor, forgery.kind, forgery.strength)
        return example._replace(image=made.image)

    def _generator(self, purpose: str, row: int, turn: int) -> np.random.Generator:
        # The same rows of another split draw otherwise. Any whole number is a seed, negative ones too.
        folded = zlib.crc32(f"{self.seed}/{self.faces.split}/{purpose}".encode())
        return np.random.default_rng([folded, row, turn])

    def _real(self, row: int) -> Example:
        example = self.faces[row]
        if example.label != schema.REAL:
            raise InputError(
                f"{self.faces.name(row)} is not a real face: forgeries are made from those"
            )
        return example

    def _donor(self, rng: np.random.Generator, kind: Kind, row: int) -> Face | None:
        if kind not in NEED_DONOR:
            return None
        donor = self._real(self.forgeable.draw_donor(rng, row))
        return Face(donor.image, donor.landmarks)


def make_forger(
    faces: FaceDataset, mixture: Sequence[Forgery], seed: int, guards: Guards
) -> Forger:
    """A forger for a split, whose landmarks it reads.

    Raises:
        InputError: no face of it can be forged, or a kind needs more people.
    """
    return Forger(faces, tuple(mixture), seed, guards, find_forgeable(faces, mixture))


def draw_forgery(rng: np.random.Generator, mixture: Sequence[Forgery]) -> Forgery:
    """One of the mixture, by its share."""
    ends = np.cumsum([forgery.share for forgery in mixture])
    place = int(np.searchsorted(ends, rng.random() * ends[-1], side="right"))
    return mixture[min(place, len(mixture) - 1)]


def _perturbed(rng: np.random.Generator, image: np.ndarray, strength: float) -> np.ndarray:
    """The whole picture, uint8 [S, S, 3], in other colours and with other details."""
    colour, frequency = perturb.draw_colour(rng, strength), perturb.draw_frequency(rng, strength)
    changed = perturb.refiltered(perturb.recoloured(image.astype(np.float32), colour), frequency)
    return np.clip(np.rint(changed), 0, 255).astype(np.uint8)
