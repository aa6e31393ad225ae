"""Reads photographs: first their header, then the pixels as 8-bit RGB, and only if they are whole."""

import dataclasses
from pathlib import Path

import cv2
import numpy as np

from jaxfake.faces import picture_damage
from jaxfake.faces.media import (
    MAX_IMAGE_BYTES,
    MAX_IMAGE_PIXELS,
    Unreadable,
    check_pixels,
    opencv_message,
)
from jaxfake.faces.picture_headers import read_header
from jaxfake.runtime import decoder_messages


@dataclasses.dataclass(frozen=True)
class Photograph:
    """A decoded picture."""

    image: np.ndarray  # uint8 [H, W, 3], RGB
    frames: int  # over 1: the picture is the first of an animation of so many

    @property
    def remark(self) -> str:
        """What of the file was left out; '' if nothing was."""
        return f"animated: 1 of {self.frames} frames is used" if self.frames > 1 else ""


def read_image(path: Path) -> np.ndarray:
    """Decodes a PNG, JPEG, WebP, BMP or TIFF file, upright by its EXIF orientation.

    Returns:
        uint8 [H, W, 3], RGB. 16 bits become 8, transparency is dropped, grey becomes three equal
        channels. Of an animation it is the first frame.

    Raises:
        Unreadable: it is empty, not such a picture, too large, cut short or damaged.
    """
    return read_photograph(path).image


def read_photograph(path: Path) -> Photograph:
    """Decodes a file like `read_image`, and says whether it is an animation."""
    size = path.stat().st_size
    if not size:
        raise Unreadable("the file is empty")
    if size > MAX_IMAGE_BYTES:
        raise Unreadable(f"{size >> 20} MB are over the limit of {MAX_IMAGE_BYTES >> 20}")
    data = path.read_bytes()
    header = read_header(data)
    check_pixels(header.width, header.height, MAX_IMAGE_PIXELS)
    if header.damage:
        raise Unreadable(header.damage)
    image, messages = _decoded(data + header.ending)
    damage = picture_damage.of_messages(messages, data, header)
    if header.ending and (damage or image is None):
        raise Unreadable("the picture is cut short")
    if image is None:
        raise Unreadable("it does not decode" + (f" ({damage})" if damage else ""))
    damage = damage or picture_damage.of_pixels(image, data, header)
    if damage:
        raise Unreadable(f"the picture is damaged ({damage})")
    return Photograph(image, header.frames)


def _decoded(data: bytes) -> tuple[np.ndarray | None, list[str]]:
    """The pixels, None if there are none, and what the decoder said."""
    with decoder_messages.heard() as messages:
        try:
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
        except cv2.error as error:
            raise Unreadable(f"it does not decode ({opencv_message(error)})") from error
    return image, messages.lines
