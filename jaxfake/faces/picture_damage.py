"""Signs that a photograph has decoded to pixels that are not its own.

JPEG and WebP hold no checksums. A decoder that loses its way in damaged data usually finds some other way
through them and returns a slab of grey or a smear. What gives it away:

- libjpeg warns, on standard error. It says nothing when a block has more than 64 coefficients; FFmpeg does.
- libwebp needs the last bytes of whole data, and does not get to them, or past them, in damaged ones.

A changed bit that still decodes to as many pixels from as many bytes leaves no sign, and is not found.
"""

import os
import re
import struct

import cv2
import numpy as np

from jaxfake.faces.picture_headers import Header, webp_chunks
from jaxfake.runtime import decoder_messages

_HARMLESS = re.compile(
    "Invalid SOS|Unknown Adobe color|Warning: unknown JFIF|Unsupported marker type|libpng warning|"
    ".* TIFF_Warning (TIFFFetchNormalTag|TIFFReadDirectory: Unknown field)"  # of tags beside the picture
)
"""What decoders say about whole pictures whose files are merely unusual."""

_SURPLUS = re.compile(r"Corrupt JPEG data: (\d+) extraneous bytes before marker 0xd9")
_MOST_PADDING = 8
"""Bytes: some cameras pad the picture with a few zeros before its end marker. Our choice."""

_LOST = re.compile(r"error count: \d+|bad vlc|error y=\d+ x=\d+|error dc")
"""How FFmpeg says that a block of a JPEG cannot be what was written."""

_STEP = 2.0
"""Ratio of the differences between rows at the edge of blocks and within them, from which FFmpeg is asked.
Few good photographs reach it; our choice."""

_WEBP_SPARE = 8
"""Without so many of its last bytes, a whole WebP picture does not decode: libwebp needs all but 4."""


def of_messages(lines: list[str], data: bytes, header: Header) -> str:
    """What the messages of the decoder say about the picture; '' for nothing bad."""
    for line in lines:
        surplus = _SURPLUS.match(line)
        if surplus and _is_padding(data, header.end, int(surplus[1])):
            continue
        if not _HARMLESS.match(line):
            return line
    return ""


def of_pixels(image: np.ndarray, data: bytes, header: Header) -> str:
    """What a second look at a decoded picture finds; '' for nothing bad.

    Args:
        image: uint8 [H, W, 3].
        data: the content of the file.
        header: of the file.
    """
    if header.kind == "JPEG" and _has_step(image, header):
        return _second_opinion(data)
    if header.kind == "WebP" and _has_spare_bytes(data):
        return "its data end elsewhere than the picture"
    return ""


def _is_padding(data: bytes, end: int, surplus: int) -> bool:
    return surplus <= _MOST_PADDING and not any(data[end - surplus : end])


def _has_step(image: np.ndarray, header: Header) -> bool:
    """Whether two rows that meet at the edge of blocks of 8 differ more than rows within blocks do.

    A decoder that has lost its way paints the rest of the row of blocks, and all below, shifted or with
    another colour. In a photograph that was turned upright, the rows of blocks stand as columns.
    """
    turned = image.shape[:2] != (header.height, header.width)
    rows = np.ascontiguousarray(image.transpose(1, 0, 2)) if turned else image
    flat = rows.reshape(len(rows), -1)
    blocks = (len(flat) - 1) // 8
    if not blocks:
        return False
    edge, upper, lower = (_differences(flat, first, blocks) for first in (7, 3, 4))
    return bool(((edge + 0.5) / (np.maximum(upper, lower) + 0.5)).max() > _STEP)


def _differences(rows: np.ndarray, first: int, blocks: int) -> np.ndarray:
    """Mean absolute difference of rows 8 n + first to the next row: float32 [blocks]."""
    above, below = (rows[at : at + 8 * blocks : 8] for at in (first, first + 1))
    total = cv2.reduce(cv2.absdiff(above, below), 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)
    return total[: len(above), 0] / rows.shape[1]


def _second_opinion(data: bytes) -> str:
    """What FFmpeg says about a JPEG that libjpeg has decoded."""
    with os.fdopen(os.memfd_create("picture"), "wb") as file:
        file.write(data)
        file.flush()
        with decoder_messages.heard() as messages:
            name = f"/proc/self/fd/{file.fileno()}"  # a name that is no pattern of names
            capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
            capture.grab()
            capture.release()
    return next((line.partition("] ")[2] for line in messages.lines if _LOST.search(line)), "")


def _has_spare_bytes(data: bytes) -> bool:
    """Whether the picture is the same without its last bytes: then these are not what was written."""
    chunk = _first_picture(data)
    if chunk is None:
        return False
    kind, content = chunk
    shorter = kind + struct.pack("<I", len(content) - _WEBP_SPARE) + content[:-_WEBP_SPARE]
    file = b"RIFF" + struct.pack("<I", 4 + len(shorter)) + b"WEBP" + shorter
    with decoder_messages.heard():
        try:
            return cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR) is not None
        except cv2.error:
            return False


def _first_picture(data: bytes) -> tuple[bytes, bytes] | None:
    """Kind and content of the first chunk with pixels, which may be in the first frame of an animation."""
    for kind, start, end in webp_chunks(data, 12):
        if kind == b"ANMF":
            return _first_picture(b"RIFF\0\0\0\0WEBP" + data[start + 16 : end])
        if kind in (b"VP8 ", b"VP8L") and end - start > _WEBP_SPARE:
            return kind, data[start:end]
    return None
