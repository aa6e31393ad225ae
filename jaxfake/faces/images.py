"""Reads photographs: first their size from the header, then the pixels as 8-bit RGB."""

import dataclasses
import struct
from pathlib import Path

import cv2
import numpy as np

from jaxfake.faces import bmp_tiff, file_kinds
from jaxfake.faces.media import (
    MAX_IMAGE_BYTES,
    MAX_IMAGE_PIXELS,
    Unreadable,
    check_pixels,
    opencv_message,
)

_JPEG_SIZE_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_START_OF_SCAN = 0xDA


@dataclasses.dataclass(frozen=True)
class _Header:
    """What a file says about its picture, before anything is decoded."""

    width: int
    height: int
    complete: bool  # the end of the picture exists


def read_image(path: Path) -> np.ndarray:
    """Decodes a PNG, JPEG, WebP, BMP or TIFF file, upright by its EXIF orientation.

    Returns:
        uint8 [H, W, 3], RGB. 16 bits become 8, transparency is dropped, grey becomes three equal
        channels.

    Raises:
        Unreadable: it is empty, not such a picture, too large, or cut short.
    """
    size = path.stat().st_size
    if not size:
        raise Unreadable("the file is empty")
    if size > MAX_IMAGE_BYTES:
        raise Unreadable(f"{size >> 20} MB are over the limit of {MAX_IMAGE_BYTES >> 20}")
    data = path.read_bytes()
    header = _read_header(data)
    check_pixels(header.width, header.height, MAX_IMAGE_PIXELS)
    if not header.complete:
        raise Unreadable("the picture is cut short")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:
        raise Unreadable(f"it does not decode ({opencv_message(error)})") from error
    if image is None:
        raise Unreadable("it does not decode")
    return image


def _read_header(data: bytes) -> _Header:
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return _png(data)
        if data.startswith(b"\xff\xd8"):
            return _jpeg(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
        if file_kinds.is_bmp(data) or file_kinds.is_tiff(data):
            return _plain(data)
    except (struct.error, IndexError) as error:
        raise Unreadable("its header is cut short") from error
    raise Unreadable("it is not a PNG, JPEG, WebP, BMP or TIFF picture")


def _plain(data: bytes) -> _Header:
    found = bmp_tiff.bmp(data) if file_kinds.is_bmp(data) else bmp_tiff.tiff(data)
    return _Header(found.width, found.height, found.complete)


def _png(data: bytes) -> _Header:
    """PNG specification, 5.2 and 11.2.1: IHDR is the first chunk, IEND the last."""
    width, height = struct.unpack_from(">II", data, 16)
    return _Header(width, height, complete=b"IEND" in data[-4096:])


def _jpeg(data: bytes) -> _Header:
    """ITU T.81, annex B: walk the segments up to the first scan. No end marker occurs within a scan."""
    width = height = 0
    at = 2
    while True:
        if data[at] != 0xFF:
            raise Unreadable("its JPEG segments are damaged")
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker in _JPEG_SIZE_MARKERS:
            height, width = struct.unpack_from(">HH", data, at + 5)
        if marker == _JPEG_START_OF_SCAN:
            return _Header(width, height, complete=data.find(b"\xff\xd9", at) >= 0)
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]


def _webp(data: bytes) -> _Header:
    """RFC 9649, 2: a lossy, a lossless or an extended first chunk."""
    complete = len(data) >= 8 + struct.unpack_from("<I", data, 4)[0]
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return _Header(width & 0x3FFF, height & 0x3FFF, complete)
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return _Header((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, complete)
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        return _Header(width, int.from_bytes(data[27:30], "little") + 1, complete)
    raise Unreadable("its WebP header is damaged")
