"""What a photograph's file says about itself, read before anything is decoded: size, frames, wholeness.

Nothing here decodes pixels. A header can lie; what it claims is checked against limits first, and the
checksums, the ends and the number of scans show damage that decoders pass over in silence.
"""

import dataclasses
import re
import struct
import zlib

from jaxfake.faces import bmp_tiff, file_kinds
from jaxfake.faces.media import Unreadable

_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"\0\0\0\0IEND\xae\x42\x60\x82"
_PNG_CHECKED = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"eXIf"})
"""Chunks without which the picture is another one; damage in a comment does not matter."""

_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_SEQUENTIAL = frozenset({0xC0, 0xC1})
_JPEG_SCAN, _JPEG_END = 0xDA, 0xD9
_JPEG_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""The marker that ends a scan: stuffed zeros, restart markers and fill bytes are part of it."""

_MOST_SCANS = 100
_MOST_SCANNED = 2_000_000_000
"""Our choice: each scan is a walk over the whole picture, and usual progressive JPEGs have 10. So many$
scans, and so many pixels in all of them, which takes 5 seconds."""


@dataclasses.dataclass(frozen=True)
class Header:
    """What a file says about its picture."""

    kind: str  # "PNG", "JPEG", "WebP", "BMP" or "TIFF"
    width: int
    height: int
    damage: str = ""  # why the picture is not whole; '' if no sign of that was found
    frames: int = 1  # of an animation
    ending: bytes = b""  # what the file lacks at its end, although the picture may be whole
    end: int = 0  # JPEG: where the end marker is


def read_header(data: bytes) -> Header:
    """The header of a PNG, JPEG, WebP, BMP or TIFF file.

    Raises:
        Unreadable: it is no such file, or its header is damaged.
    """
    try:
        if data.startswith(_PNG_START):
            return _png(data)
        if data.startswith(b"\xff\xd8"):
            return _jpeg(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
        if file_kinds.is_bmp(data):
            return _plain("BMP", bmp_tiff.bmp(data))
        if file_kinds.is_tiff(data):
            return _plain("TIFF", bmp_tiff.tiff(data))
    except (struct.error, IndexError) as error:
        raise Unreadable("its header is cut short") from error
    raise Unreadable("it is not a PNG, JPEG, WebP, BMP or TIFF picture")


def _plain(kind: str, found: bmp_tiff.PlainPicture) -> Header:
    damage = "" if found.complete else "the picture is cut short"
    return Header(kind, found.width, found.height, damage)


def _png(data: bytes) -> Header:
    """PNG specification, 5 and 11: chunks with checksums. What follows the last, IEND, is no part."""
    width, height = struct.unpack_from(">II", data, 16)
    frames, pixels, at = 0, False, len(_PNG_START)
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4])
        kind = data[at + 4 : at + 8]
        if end > len(data):
            break
        if kind in _PNG_CHECKED and zlib.crc32(data[at + 4 : end - 4]) != _png_sum(data, end):
            damage = f"the checksum of its {kind.decode()} data is wrong"
            return Header("PNG", width, height, damage)
        if kind == b"IEND":
            return Header("PNG", width, height, frames=max(frames, 1))
        frames += kind == b"fcTL"
        pixels |= kind == b"IDAT"
        at = end
    if pixels and _PNG_END.startswith(data[at:]):
        return Header(
            "PNG", width, height, frames=max(frames, 1), ending=_PNG_END[len(data) - at :]
        )
    return Header("PNG", width, height, "the picture is cut short")


def _png_sum(data: bytes, end: int) -> int:
    return int.from_bytes(data[end - 4 : end])


def _jpeg(data: bytes) -> Header:
    """ITU T.81, annex B: walks the segments, and the scans between them, to the end marker."""
    width = height = scans = 0
    whole_in_one_scan = False
    components = 0
    at = 2
    while True:
        if data[at] != 0xFF:
            if not scans:
                raise Unreadable("its JPEG segments are damaged")
            return Header("JPEG", width, height, "its JPEG segments are damaged")
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker == _JPEG_END:
            return Header("JPEG", width, height, _too_many(scans, width * height), end=at)
        if marker in _JPEG_SIZES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            components = data[at + 9]
            whole_in_one_scan = marker in _JPEG_SEQUENTIAL
        if marker == _JPEG_SCAN:
            scans += 1
            whole_in_one_scan &= data[at + 4] == components
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
        if marker == _JPEG_SCAN:
            after = _JPEG_IN_SCAN.search(data, at)
            if after is None:
                return _endless(Header("JPEG", width, height), data, whole_in_one_scan)
            at = after.start()


def _endless(header: Header, data: bytes, whole_in_one_scan: bool) -> Header:
    """A JPEG without its end marker. Only of a single scan can the decoder say whether it is whole."""
    if not whole_in_one_scan:
        return dataclasses.replace(header, damage="the picture is cut short")
    return dataclasses.replace(header, ending=b"\xff\xd9", end=len(data))


def _too_many(scans: int, pixels: int) -> str:
    if not scans:
        return "it holds no picture"
    most = min(_MOST_SCANS, _MOST_SCANNED // max(pixels, 1))
    return f"{scans} scans are over the limit of {most}" if scans > most else ""


def _webp(data: bytes) -> Header:
    """RFC 9649, 2: a lossy, lossless or extended first chunk; an animation has a chunk for each frame."""
    cut = len(data) < 8 + struct.unpack_from("<I", data, 4)[0]
    damage = "the picture is cut short" if cut else ""
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return Header("WebP", width & 0x3FFF, height & 0x3FFF, damage)
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return Header("WebP", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, damage)
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
        frames = sum(kind == b"ANMF" for kind, _, _ in webp_chunks(data, 12))
        return Header("WebP", width, height, damage, max(frames, 1))
    raise Unreadable("its WebP header is damaged")


def webp_chunks(data: bytes, at: int) -> list[tuple[bytes, int, int]]:
    """Kind, start and end of the content of each chunk from that place on; a cut one ends with the data."""
    chunks = []
    while at + 8 <= len(data):
        size = struct.unpack_from("<I", data, at + 4)[0]
        chunks.append((data[at : at + 4], at + 8, min(at + 8 + size, len(data))))
        at += 8 + size + size % 2
    return chunks
