"""What a video's container says that OpenCV does not tell: how frames are mirrored, and the codec's name.

The formats are read from their structure, with few and small reads; nothing is decoded.
"""

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from jaxfake.faces.media import Unreadable

_MP4_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"})
_MATROSKA, _AVI = b"\x1a\x45\xdf\xa3", b"AVI "

_MOST_BOXES = 1000
"""The most boxes of a level that are looked at; a film in fragments has many, but its tracks come first."""

_START = 1 << 18
"""Bytes at the start of a Matroska or AVI file in which its tracks are described."""

_YAW = re.compile(rb"\x76\x73(?:\x84(?P<single>.{4})|\x88(?P<double>.{8}))", re.DOTALL)
"""Matroska, ProjectionPoseYaw: FFmpeg writes it for a picture that is shown mirrored."""

_CODEC_ID = re.compile(rb"\x86(?:[\x80-\xff])(V_[A-Z0-9/_]+)")
_CODEC_TAG = re.compile(rb"strh.{4}vids(.{4})", re.DOTALL)

NOT_A_TURN = "its display matrix is neither a turn by quarters nor a mirror: remux it without"


def kind_of(path: Path) -> str:
    """'MP4', 'Matroska' or 'AVI'. Only these hold their own pictures; a playlist could name other files.

    Raises:
        Unreadable: it is empty, or something else.
    """
    with path.open("rb") as file:
        start = file.read(16)
    if not start:
        raise Unreadable("the file is empty")
    if start[4:8] in _MP4_BOXES:
        return "MP4"
    if start.startswith(_MATROSKA):
        return "Matroska"
    if start[:4] == b"RIFF" and start[8:12] == _AVI:
        return "AVI"
    raise Unreadable("it is not an MP4, MOV, Matroska, WebM or AVI file")


def display_matrix(path: Path, degrees: int) -> np.ndarray:
    """Where the axes of a stored frame point when it is shown: int [2, 2], each row a signed unit vector.

    Row 0 is the direction (right, down) in which the stored x grows, row 1 that of the stored y.

    Args:
        path: a video.
        degrees: by which OpenCV would turn it, clockwise. It takes mirrors for turns.

    Raises:
        Unreadable: frames are to be shown in another way, or it cannot be known in which.
    """
    kind = kind_of(path)
    matrix = _mp4_matrix(path) if kind == "MP4" else None
    if matrix is not None:
        return _signed_axes(matrix)
    if kind == "Matroska" and degrees and _is_mirrored(_first_bytes(path)):
        raise Unreadable(
            "it is to be shown mirrored, which is not read of Matroska: remux it to MP4"
        )
    if degrees % 90:
        raise Unreadable(NOT_A_TURN)
    return np.rint(_turn(degrees)).astype(int)


def codec_name(path: Path) -> str:
    """What the container calls the codec of its video, such as 'av01'; '' if it was not found."""
    kind = kind_of(path)
    if kind == "MP4":
        with path.open("rb") as file:
            found = [_content(file, box, 16)[12:16] for box in _video_boxes(file, b"stsd")]
    else:
        pattern = _CODEC_ID if kind == "Matroska" else _CODEC_TAG
        found = pattern.findall(_first_bytes(path))
    return found[0].decode("ascii", "replace").strip().removeprefix("V_") if found else ""


def _turn(degrees: float) -> np.ndarray:
    angle = np.deg2rad(degrees)
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def _is_mirrored(start: bytes) -> bool:
    return any(
        struct.unpack(">f", found["single"])[0]
        if found["single"]
        else struct.unpack(">d", found["double"])[0]
        for found in _YAW.finditer(start)
    )


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_START)


def _mp4_matrix(path: Path) -> np.ndarray | None:
    """ISO/IEC 14496-12, 8.2.2 and 8.3.2: the matrix of the first video track, then of the movie.

    None if there is no such track where it should be.
    """
    with path.open("rb") as file:
        track = [_matrix(_content(file, box, 96), 40) for box in _video_tracks(file)]
        movie = [_matrix(_content(file, box, 112), 36) for box in _boxes_at(file, b"moov", b"mvhd")]
    if not track:
        return None
    return track[0] @ movie[0] if movie else track[0]


def _matrix(content: bytes, at: int) -> np.ndarray:
    """The linear part of the matrix in the content of a tkhd or mvhd box: version 1 has longer times."""
    at += 12 if content[:1] == b"\1" else 0
    if len(content) < at + 20:
        return np.eye(2)
    numbers = struct.unpack_from(">5i", content, at)
    return np.array([[numbers[0], numbers[1]], [numbers[3], numbers[4]]]) / 65536


def _signed_axes(matrix: np.ndarray) -> np.ndarray:
    """The matrix without its scale, which is the shape of the pixels."""
    if not matrix.any():
        return np.eye(2, dtype=int)
    sizes = np.abs(matrix)
    axes = np.where(sizes > 0.01 * sizes.max(axis=1, keepdims=True), np.sign(matrix), 0).astype(int)
    if not (np.abs(axes).sum(axis=0) == 1).all() or not (np.abs(axes).sum(axis=1) == 1).all():
        raise Unreadable(NOT_A_TURN)
    return axes


type _Box = tuple[bytes, int, int]
"""Kind, and start and end of the content."""


def _video_tracks(file: BinaryIO) -> list[_Box]:
    """The tkhd boxes of tracks with a video."""
    return _video_boxes(file, b"tkhd")


def _video_boxes(file: BinaryIO, wanted: bytes) -> list[_Box]:
    """Boxes of a kind in the tracks with a video, in the order of the tracks."""
    found = []
    for track in _boxes_at(file, b"moov", b"trak"):
        inside = list(_boxes(file, track))
        media = [box for box in inside if box[0] == b"mdia"]
        handlers = [box for one in media for box in _boxes(file, one) if box[0] == b"hdlr"]
        if not any(_content(file, box, 12)[8:12] == b"vide" for box in handlers):
            continue
        found += [box for box in inside if box[0] == wanted]
        for kind in (b"minf", b"stbl", wanted):
            media = [box for one in media for box in _boxes(file, one) if box[0] == kind]
        found += media
    return found


def _boxes_at(file: BinaryIO, *kinds: bytes) -> list[_Box]:
    """The boxes at a path from the top of the file."""
    size = file.seek(0, 2)
    level: list[_Box] = [(b"", 0, size)]
    for kind in kinds:
        level = [box for outer in level for box in _boxes(file, outer) if box[0] == kind]
    return level


def _boxes(file: BinaryIO, outer: _Box) -> Iterator[_Box]:
    """The boxes in a box, as far as their sizes make sense."""
    at, end = outer[1:]
    for _ in range(_MOST_BOXES):
        file.seek(at)
        head = file.read(16)
        if at + 8 > end or len(head) < 8:
            return
        size, start = int.from_bytes(head[:4]), 8
        if size == 1:
            size, start = int.from_bytes(head[8:16]), 16
        elif size == 0:  # to the end
            size = end - at
        if size < start or at + size > end:
            return
        yield head[4:8], at + start, at + size
        at += size


def _content(file: BinaryIO, box: _Box, most: int) -> bytes:
    file.seek(box[1])
    return file.read(min(most, box[2] - box[1]))
