"""What a file holds, by its first bytes: names lie, or have no suffix at all."""

import os
import stat
import struct
from enum import StrEnum
from pathlib import Path

_START = 4096
"""Bytes that are looked at; text is told by them, everything else by the first 200."""


class Kind(StrEnum):
    """What a file holds. Only pictures and videos are read."""

    PICTURE = "picture"
    VIDEO = "video"
    OTHER_PICTURE = "picture of a kind that is not decoded"
    OTHER_VIDEO = "video of a kind that is not decoded"
    AUDIO = "audio"
    ARCHIVE = "archive"
    TEXT = "text"
    EMPTY = "empty"
    UNKNOWN = "unknown"


FACELESS = frozenset({Kind.AUDIO, Kind.TEXT, Kind.EMPTY})
"""Kinds in which no face can be."""

_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", Kind.PICTURE),
    (b"\xff\xd8\xff", Kind.PICTURE),
    (b"\x1a\x45\xdf\xa3", Kind.VIDEO),
    (b"GIF8", Kind.OTHER_PICTURE),
    (b"\0\0\0\x0cjP  ", Kind.OTHER_PICTURE),  # JPEG 2000
    (b"\xff\x4f\xff\x51", Kind.OTHER_PICTURE),  # its codestream
    (b"\0\0\0\x0cJXL ", Kind.OTHER_PICTURE),
    (b"\xff\x0a", Kind.OTHER_PICTURE),  # JPEG XL
    (b"8BPS", Kind.OTHER_PICTURE),
    (b"\x76\x2f\x31\x01", Kind.OTHER_PICTURE),  # OpenEXR
    (b"FLV\x01", Kind.OTHER_VIDEO),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Kind.OTHER_VIDEO),  # ASF, WMV
    (b"OggS", Kind.OTHER_VIDEO),
    (b"\0\0\x01\xba", Kind.OTHER_VIDEO),  # MPEG program stream
    (b"\0\0\x01\xb3", Kind.OTHER_VIDEO),  # MPEG video
    (b"ID3", Kind.AUDIO),
    (b"fLaC", Kind.AUDIO),
    (b"PK\x03\x04", Kind.ARCHIVE),
    (b"\x1f\x8b", Kind.ARCHIVE),
    (b"BZh", Kind.ARCHIVE),
    (b"\xfd7zXZ\0", Kind.ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", Kind.ARCHIVE),
    (b"Rar!", Kind.ARCHIVE),
    (b"\x28\xb5\x2f\xfd", Kind.ARCHIVE),  # Zstandard
)
_RIFF = {b"WEBP": Kind.PICTURE, b"AVI ": Kind.VIDEO, b"WAVE": Kind.AUDIO}

_MP4_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"})
_STILL_BRANDS = frozenset(
    {b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
)
_AUDIO_BRANDS = frozenset({b"M4A ", b"M4B "})

_TS_PACKET = 188


def kind_of(path: Path) -> Kind:
    """What a file holds, by its first bytes. UNKNOWN for a file that is not regular or cannot be read."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would be waited for
            return Kind.UNKNOWN
        with path.open("rb") as file:
            start = file.read(_START)
    except (OSError, ValueError):
        return Kind.UNKNOWN
    return _kind(start)


def is_bmp(data: bytes) -> bool:
    """Whether these are the first bytes of a BMP: BM, then the sizes of the file and of a known header."""
    if len(data) < 18 or data[:2] != b"BM":
        return False
    return struct.unpack_from("<I", data, 14)[0] in (12, 40, 52, 56, 64, 108, 124)


def is_tiff(data: bytes) -> bool:
    """Whether these are the first bytes of a TIFF."""
    return data[:4] in (b"II*\0", b"MM\0*")


def _kind(start: bytes) -> Kind:
    for beginning, kind in _BEGINNINGS:
        if start.startswith(beginning):
            return kind
    if start[:4] == b"RIFF":
        return _RIFF.get(start[8:12], Kind.UNKNOWN)
    if start[4:8] in _MP4_BOXES:
        return _mp4(start[8:12]) if start[4:8] == b"ftyp" else Kind.VIDEO
    if is_bmp(start) or is_tiff(start):
        return Kind.PICTURE
    if start[:1] == b"\x47" == start[_TS_PACKET : _TS_PACKET + 1]:
        return Kind.OTHER_VIDEO
    if start[257:262] == b"ustar":
        return Kind.ARCHIVE
    if not start:
        return Kind.EMPTY
    return Kind.TEXT if _is_text(start) else Kind.UNKNOWN


def _mp4(brand: bytes) -> Kind:
    if brand in _STILL_BRANDS:
        return Kind.OTHER_PICTURE
    return Kind.AUDIO if brand in _AUDIO_BRANDS else Kind.VIDEO


def _is_text(start: bytes) -> bool:
    """Whether it is UTF-8 without control characters, or has a byte-order mark."""
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return True
    try:
        text = start.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < len(start) - 3:
            return False
        text = start[: error.start].decode("utf-8-sig")
    return all(letter.isprintable() or letter in "\n\r\t\f" for letter in text)
