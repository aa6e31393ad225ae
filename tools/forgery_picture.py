"""Draws the pictures of docs/forgeries.md: every kind of forgery, made from toy faces.

    python -m tools.forgery_picture --to=docs/pictures/forgeries.png

For each kind it takes the same first toy faces and never chooses by the result. The rows are the face,
the forgery, the difference (four times as bright as it is) and the mask.
"""

import itertools
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from jaxfake.data.forgeries.forge import forge
from jaxfake.data.forgeries.forgery import KINDS, Face, Kind
from jaxfake.data.toyfaces.builder import SplitSize, ToyFaces, examples
from jaxfake.runtime import cli
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.path_flags import define_path

_TO = define_path("to", None, "The picture, a .png.")

_SIZE = 112
_EACH = 6
ROWS = ("real", "forged", "difference", "share")
_TILE_INCHES = 0.75
_LABEL_INCHES = 0.3
_DPI = 120
_COLOURS = 256


def main() -> None:
    """Forges the first faces by each kind and writes the picture."""
    if not _TO.value:
        raise InputError("--to is missing: give it a .png to write")
    draw({kind: columns(kind) for kind in KINDS}, Path(_TO.value))


def columns(kind: Kind) -> list[list[np.ndarray]]:
    """A column for each of the first faces: the pictures of `ROWS`, uint8 [S, S, 3]."""
    people = SplitSize(identities=_EACH + 1, forgeries=0, frames=1)
    drawn = examples(ToyFaces(size=_SIZE, test=people), "test")
    faces = [Face(one.image, one.landmarks) for one in drawn]
    found = []
    for number, (face, donor) in enumerate(itertools.pairwise(faces)):
        forged = forge(np.random.default_rng(number), face, donor, kind)
        difference = np.abs(forged.image.astype(int) - face.image)
        share = np.repeat(255 * forged.share[..., None], 3, axis=2)
        pictures = (face.image, forged.image, np.clip(4 * difference, 0, 255), share)
        found.append([picture.astype(np.uint8) for picture in pictures])
    return found


def draw(of_kind: dict[Kind, list[list[np.ndarray]]], out: Path) -> None:
    """Two kinds side by side; the rows of each below each other."""
    beside = 2
    bands = -(-len(of_kind) // beside)
    width = _TILE_INCHES * _EACH * beside + 2 * _LABEL_INCHES
    height = (_TILE_INCHES * len(ROWS) + _LABEL_INCHES) * bands
    figure = Figure(figsize=(width, height), dpi=_DPI, layout="constrained")
    parts = np.asarray(figure.subfigures(bands, beside, wspace=0.02, hspace=0.02)).ravel()
    for part, (kind, faces) in zip(parts, of_kind.items(), strict=False):
        part.suptitle(kind, fontsize=10)
        for row, across in enumerate(part.subplots(len(ROWS), len(faces))):
            for axes, pictures in zip(across, faces, strict=True):
                axes.imshow(pictures[row], interpolation="nearest")
                axes.set(xticks=[], yticks=[])
                axes.spines[:].set_visible(False)
            across[0].set_ylabel(ROWS[row], fontsize=7)
    figure.savefig(out)
    with Image.open(out) as picture:
        picture.convert("RGB").quantize(_COLOURS).save(out, optimize=True)


if __name__ == "__main__":
    cli.run(main)
