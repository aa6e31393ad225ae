"""Pictures of the faces of a file: strips of what the detector saw, heat maps, and small faces."""

from pathlib import Path

import cv2
import numpy as np

from jaxfake.data.augment.jpeg import jpeg_bytes
from jaxfake.data.encoding import encode_picture
from jaxfake.inference.scoring import ShownFace
from jaxfake.reporting.heat_strips import HeatScale, heat_picture
from jaxfake.reporting.strips import GREY
from jaxfake.runtime.files import write_atomically

FOLDER = "pictures"

MOST_SMALL = 100
"""Small faces of a track, evenly spaced over its frames; our choice."""

_SMALL_SIDE = 72
_JPEG_QUALITY = 85


def columns(face: ShownFace) -> tuple[str, ...]:
    """What the strip of a face shows, from left to right."""
    return tuple(_pictures(face, HeatScale(1.0, None)))


def write_strip(out: Path, stem: str, face: ShownFace, scale: HeatScale) -> str:
    """Writes the strip of a face as PNG; returns its path in the folder of results."""
    strip = np.concatenate(list(_pictures(face, scale).values()), axis=1)
    return _write(out, f"{stem}_strip.png", encode_picture(strip, "png"))


def write_heat(out: Path, stem: str, face: ShownFace, scale: HeatScale) -> str | None:
    """The same for its heat map; None if it has none."""
    if face.heat is None:
        return None
    picture = heat_picture(face.image, face.heat, scale)
    return _write(out, f"{stem}_heat.png", encode_picture(picture, "png"))


def write_small(out: Path, stem: str, image: np.ndarray) -> str:
    """The same for a small picture of a face, uint8 [H, W, 3], as JPEG."""
    side = (min(_SMALL_SIDE, len(image)),) * 2
    small = cv2.resize(image, side, interpolation=cv2.INTER_AREA)
    return _write(out, f"{stem}_face.jpg", jpeg_bytes(small, _JPEG_QUALITY))


def _write(out: Path, name: str, content: bytes) -> str:
    path = out / FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content)
    return f"{FOLDER}/{name}"


def _pictures(face: ShownFace, scale: HeatScale) -> dict[str, np.ndarray]:
    """The pictures of a strip by their names."""
    pictures = {"input": face.image}
    if face.hidden is not None:
        pictures["masked"] = np.where(face.hidden[..., None], np.uint8(GREY), face.image)
    if face.recovered is not None:
        pictures["recovered"] = face.recovered
    if face.heat is not None:
        name = "error" if scale.threshold is None else "mask"
        pictures[name] = heat_picture(face.image, face.heat, scale)
    return pictures
