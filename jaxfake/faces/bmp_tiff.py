"""Headers of BMP and TIFF: the size of the picture and whether all of it is there, before it is decoded.

Only the plain kinds are accepted, which OpenCV decodes as they are meant. Others are refused by name.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from jaxfake.faces.media import Unreadable

_BYTE_ORDERS = {b"II": "<", b"MM": ">"}

_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC = 256, 257, 258, 262
_STRIPS, _CHANNELS, _STRIP_BYTES = 273, 277, 279
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES = 322, 323, 324, 325
_SUBFILE, _SUB_PICTURES, _NUMBERS, _DNG = 254, 330, 339, 50706
"""Tags of TIFF 6.0 and of the digital negative (DNG)."""

_TYPES = {1: "B", 3: "H", 4: "I"}
"""The integer types of a tag: 8, 16 and 32 bits."""

_MOST_VALUES = 1 << 20
"""The most strips or tiles of a picture; 100 million pixels in strips of one row have 10,000."""

_MOST_TILE = 1 << 14
"""The longest side of a tile."""

_DAMAGED = "its TIFF header is damaged"


@dataclass(frozen=True)
class PlainPicture:
    """What a file says about its picture, before anything is decoded."""

    width: int
    height: int
    complete: bool  # all bytes of the pixels exist


def bmp(data: bytes) -> PlainPicture:
    """The header of a BMP whose pixels are not compressed, as nearly all are.

    Raises:
        Unreadable: it is of another kind.
        struct.error: it is cut short.
    """
    pixels_at, header = struct.unpack_from("<II", data, 10)
    compression = 0
    if header == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
    else:
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
    if compression not in (0, 3):
        raise Unreadable("it is a compressed BMP: convert it to PNG")
    row = (width * bits + 31) // 32 * 4
    return PlainPicture(width, abs(height), len(data) >= pixels_at + row * abs(height))


def tiff(data: bytes) -> PlainPicture:
    """The header of the first picture of a TIFF with 8 or 16 bits a channel, in grey, RGB or a palette.

    Raises:
        Unreadable: it is of another kind, such as a camera's raw file, or contradicts itself.
        struct.error: it is cut short.
    """
    tags = _tags(data, _BYTE_ORDERS[data[:2]])
    if _first(tags, _SUBFILE, 0) & 1 or _DNG in tags or _SUB_PICTURES in tags:
        raise Unreadable("it is a camera's raw file: convert it to PNG or JPEG")
    if set(tags.get(_BITS, (1,))) not in ({8}, {16}) or set(tags.get(_NUMBERS, (1,))) != {1}:
        raise Unreadable("it is a TIFF with other pixels than of 8 or 16 bits: convert it to PNG")
    if _first(tags, _PHOTOMETRIC, 2) not in (0, 1, 2, 3, 6) or _first(tags, _CHANNELS, 1) > 4:
        raise Unreadable("it is a TIFF in other colours than grey or RGB: convert it to PNG")
    width, height = _first(tags, _WIDTH, 0), _first(tags, _HEIGHT, 0)
    tiles = (_first(tags, _TILE_WIDTH, 0), _first(tags, _TILE_HEIGHT, 0))
    if max(tiles) > _MOST_TILE:
        raise Unreadable(f"its tiles of {tiles[0]} x {tiles[1]} pixels are too large")
    return PlainPicture(width, height, _has_all(tags, len(data)))


def _tags(data: bytes, order: str) -> dict[int, Sequence[int]]:
    """The whole numbers in the first directory, by tag."""
    (at,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, at)
    tags: dict[int, Sequence[int]] = {}
    for n in range(count):
        place = at + 2 + 12 * n
        tag, kind, values = struct.unpack_from(f"{order}HHI", data, place)
        if kind not in _TYPES:
            continue
        if values > _MOST_VALUES:
            raise Unreadable(_DAMAGED)
        form = f"{order}{values}{_TYPES[kind]}"
        start = place + 8
        if struct.calcsize(form) > 4:
            (start,) = struct.unpack_from(f"{order}I", data, place + 8)
        tags[tag] = struct.unpack_from(form, data, start)
    return tags


def _first(tags: dict[int, Sequence[int]], tag: int, default: int) -> int:
    values = tags.get(tag, ())
    return values[0] if values else default


def _has_all(tags: dict[int, Sequence[int]], size: int) -> bool:
    """Whether every strip or tile lies within the file."""
    places, lengths = tags.get(_STRIPS, ()), tags.get(_STRIP_BYTES, ())
    if _TILES in tags:
        places, lengths = tags[_TILES], tags.get(_TILE_BYTES, ())
    if not places or len(places) != len(lengths):
        raise Unreadable(_DAMAGED)
    ends = (at + length for at, length in zip(places, lengths, strict=True))
    return max(ends) <= size
