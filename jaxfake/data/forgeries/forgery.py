"""What a forgery is: a real face, the kind of its manipulation, what comes out, and the guards."""

import dataclasses
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

Kind = Literal["self_blend", "part_transplant", "face_swap", "reenact", "twin", "shallow"]

KINDS: tuple[Kind, ...] = get_args(Kind)


class Forgery(NamedTuple):
    """One kind in a mixture of forgeries."""

    kind: Kind
    share: float  # of all fakes, in (0, 1]
    strength: float  # in (0, 1]: 1 is the whole range of the kind


class Face(NamedTuple):
    """A face to forge, or to forge with."""

    image: np.ndarray  # uint8 [S, S, 3], RGB
    landmarks: np.ndarray  # float32 [68, 2], x then y, pixels


class Source(NamedTuple):
    """What a kind makes: a picture, and how much of it is to be seen at each pixel."""

    image: np.ndarray  # float32 [S, S, 3], RGB, 0..255 or a little beyond
    share: np.ndarray  # float32 [S, S]: 1 = all source, 0 = all target
    landmarks: np.ndarray  # float32 [68, 2] of the face that is seen afterwards
    parameters: dict[str, Any]  # what was drawn


class Forged(NamedTuple):
    """A face after the blend."""

    image: np.ndarray  # uint8 [S, S, 3], RGB; where the share is 0, exactly the target's
    landmarks: np.ndarray  # float32 [68, 2]
    share: np.ndarray  # float32 [S, S], 0..1
    kind: str
    parameters: dict[str, Any]

    @property
    def mask(self) -> np.ndarray:
        """uint8 [S, S]: 255 where the share is not 0."""
        return np.where(self.share > 0, 255, 0).astype(np.uint8)


@dataclasses.dataclass(frozen=True)
class Guards:
    """What keeps a forgery from being told by anything but the face. See docs/forgeries.md.

    Attributes:
        pristine: only the source is changed, so outside of the mask every pixel is that of the real face.
            Without it, the target is perturbed too, as many recipes do.
        symmetric: nothing is done to forged faces after the blend that is not done to real ones.
            Without it, forged faces alone are re-encoded.
        self_blended: share of the real faces that are blended with themselves, through the mask of a
            forgery and one interpolation.
    """

    pristine: bool = True
    symmetric: bool = True
    self_blended: float = 0.5


ALL_GUARDS = Guards()


class CannotForge(ValueError):
    """A face has no landmarks, or too few of its pixels to hold a forgery."""
