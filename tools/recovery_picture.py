"""Draws the picture of the README: faces of the test split as stage 1 of a trained run recovers them.

    python -m tools.recovery_picture --workdir=runs/mover --out=docs/pictures/recovery.png

For real faces and for each manipulation it takes two faces, the first and the last of the split. It
never chooses by a result. Each part of a face is hidden in turn; the picture joins what was hidden and
recovered. The error is shown four times as bright as it is.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from jaxfake.data.dataset import FaceDataset
from jaxfake.experiment import build_method, open_data
from jaxfake.experiment.load_run import load_stage
from jaxfake.experiment.locate_run import locate
from jaxfake.experiment.run_folder import RECOVER
from jaxfake.reporting.recovered_strips import COLUMNS, draw_strips
from jaxfake.reporting.strips import choose_rows
from jaxfake.runtime import cli
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.path_flags import define_path

_WORKDIR = define_path("workdir", None, "Folder of a trained run.")
_OUT = define_path("out", None, "The picture, a .png.")

_EACH = 2
_TILE_INCHES = 0.9
_LABELS_INCHES = 0.3
_DPI = 100
_COLOURS = 256


def main() -> None:
    """Restores the run, scores the chosen faces and writes the picture."""
    if not _WORKDIR.value or not _OUT.value:
        raise InputError("--workdir and --out are needed: a trained run, and a .png to write")
    located = locate(Path(_WORKDIR.value), None, (RECOVER,))
    config = build_method.computable_here(located.config)
    run = load_stage(located, config, build_method.recovery(config), None)
    faces = open_data.test_split(run.config)
    chosen = choose_rows(faces, _EACH)
    strips = draw_strips(run.method, run.params, faces, chosen, build_method.scoring(run.config))
    columns = {
        name: [
            _column(strip.pixels, faces, int(row))
            for strip, row in zip(strips[name], rows, strict=True)
        ]
        for name, rows in chosen.items()
    }
    _draw(columns, Path(_OUT.value))


def _column(strip: np.ndarray, faces: FaceDataset, row: int) -> list[np.ndarray]:
    """The pictures of a face from top to bottom: those of the strip, then its mask."""
    pictures = np.split(strip, len(COLUMNS), axis=1)
    return [*pictures, np.repeat(faces[row].forgery_mask[..., None], 3, axis=2)]


def _draw(columns: dict[str, list[list[np.ndarray]]], out: Path) -> None:
    names = [name for name, group in columns.items() for _ in group]
    faces = [face for group in columns.values() for face in group]
    rows = (*COLUMNS, "manipulated")
    width, height = _TILE_INCHES * len(faces), _TILE_INCHES * len(rows)
    figure = Figure(figsize=(width + _LABELS_INCHES, height + _LABELS_INCHES), dpi=_DPI)
    left, top = _LABELS_INCHES / (width + _LABELS_INCHES), height / (height + _LABELS_INCHES)
    edges = {"left": left, "right": 1.0, "bottom": 0.0, "top": top, "wspace": 0.04, "hspace": 0.04}
    grid = figure.subplots(len(rows), len(faces), gridspec_kw=edges)
    for row, across in enumerate(grid):
        for column, axes in enumerate(across):
            axes.imshow(faces[column][row], interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            if row == 0:
                axes.set_title(names[column].replace("_", " "), fontsize=10)
            if column == 0:
                axes.set_ylabel(rows[row], fontsize=10)
    figure.savefig(out)
    with Image.open(out) as picture:
        picture.convert("RGB").quantize(_COLOURS).save(out, optimize=True)


if __name__ == "__main__":
    cli.run(main)
