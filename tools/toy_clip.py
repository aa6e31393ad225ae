"""Draws a clip of a toy person, for a first try of `python -m jaxfake.detect`.

python -m tools.toy_clip CLIP.mp4
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from jaxfake.data.toyfaces.clips import draw_clip
from jaxfake.data.toyfaces.latents import draw_identity
from jaxfake.data.toyfaces.render import render

_SIDE, _MARGIN, _FRAMES, _RATE = 256, 64, 24, 12


def main(path: Path) -> None:
    """Writes the clip, and the folder that it is in."""
    rng = np.random.default_rng(0)
    path.parent.mkdir(parents=True, exist_ok=True)
    size = (_SIDE + 2 * _MARGIN,) * 2
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), _RATE, size)
    for scene in draw_clip(rng, draw_identity(rng), _FRAMES).scenes():
        face = render(scene, _SIDE).image.astype(np.uint8)
        edges = ((_MARGIN, _MARGIN), (_MARGIN, _MARGIN), (0, 0))
        writer.write(np.pad(face, edges, mode="edge")[..., ::-1])
    writer.release()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tools.toy_clip CLIP.mp4")
    main(Path(sys.argv[1]))
