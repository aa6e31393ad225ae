"""Strips: pictures of one face side by side, and which faces of a split are shown."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from jaxfake import schema
from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation.evenly_spaced import evenly_spaced_rows
from jaxfake.reporting.html import Picture, PictureGroup, png_source

GREY = 128
"""Brightness of a mask that is not known."""

MASK_AND_HEAT = (
    "'mask': the manipulated area (grey: unknown). 'heat': the brighter, the more suspicious."
)
"""How to read these two columns of a strip."""


@dataclasses.dataclass(frozen=True, eq=False)
class Strip:
    """Pictures of one face side by side."""

    name: str  # dataset, manipulation, video and frame
    score: float
    columns: tuple[str, ...]  # what the k pictures are, from left to right
    pixels: np.ndarray  # uint8 [H, k W, 3]


def choose_rows(dataset: FaceDataset, each: int) -> dict[str, np.ndarray]:
    """`each` rows of the reals and of each manipulation, evenly spaced over the split; reals first."""
    at = dataset.index
    chosen = {}
    real = np.flatnonzero(at.label == schema.REAL)
    if len(real):
        chosen[schema.REAL_METHOD] = evenly_spaced_rows(real, each)
    for manipulation in np.unique(at.method[at.label == schema.FAKE]).tolist():
        fake = np.flatnonzero((at.label == schema.FAKE) & (at.method == manipulation))
        chosen[manipulation] = evenly_spaced_rows(fake, each)
    return chosen


def group_rows[Each](
    chosen: Mapping[str, np.ndarray], each: Sequence[Each]
) -> dict[str, list[Each]]:
    """What belongs to each row, in the order of all rows, by the names of the groups of rows."""
    ends = np.cumsum([len(rows) for rows in chosen.values()])
    return {
        name: list(each[end - len(rows) : end])
        for (name, rows), end in zip(chosen.items(), ends, strict=True)
    }


def picture_groups(
    strips: Mapping[str, Sequence[Strip]], note: str = "score {:.3f}"
) -> tuple[PictureGroup, ...]:
    """The strips of each kind of face as a group of a gallery.

    Args:
        strips: by the names of `choose_rows`.
        note: format of the score under each strip.
    """
    return tuple(
        PictureGroup(
            "real faces" if name == schema.REAL_METHOD else name,
            tuple(
                Picture(one.name, note.format(one.score), png_source(one.pixels)) for one in group
            ),
        )
        for name, group in strips.items()
    )
