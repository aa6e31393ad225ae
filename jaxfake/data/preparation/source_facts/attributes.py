"""What can tell real from fake without looking at a face: format, size, compression, light.

Each attribute is measured for every source file, so that evaluation can state how well it alone separates
the labels.
"""

import functools
import hashlib
import warnings
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from jaxfake.data.layouts.listing import SourceFile
from jaxfake.faces import clip, video
from jaxfake.faces.media import Unreadable

type Number = float | None
"""None where an attribute does not apply, or could not be measured."""


class FileAttributes(NamedTuple):
    """Attributes of one source file. Texts are empty where they do not apply."""

    format: str = ""  # such as JPEG or PNG; of a video, its container and codec
    jpeg_table: str = ""  # of a JPEG: short digest of its luminance quantisation table
    jpeg_quality: Number = None  # 1..100, of the table of IJG's encoder that is nearest
    is_clip: Number = None  # 1 for a video or a folder of frames, 0 for a photograph alone
    file_bytes: Number = None
    bytes_per_pixel: Number = None  # over all frames
    bytes_per_frame: Number = None  # of a clip
    pixels: Number = None  # of a frame
    frames: Number = None  # in the file, not only those that were used
    frames_per_second: Number = None
    face_size: Number = None  # median of the crops, see `Look`, as all below
    enlarged: Number = None  # share of the crops
    brightness: Number = None
    sharpness: Number = None


NOT_MEASURED = FileAttributes()

_UNREADABLE = (
    OSError,  # PIL.UnidentifiedImageError is one
    Unreadable,
    ValueError,
    SyntaxError,  # PIL's, for broken headers
    IndexError,
    Image.DecompressionBombError,
    cv2.error,
)


class Look(NamedTuple):
    """Attributes of one crop."""

    face_size: float  # side in pixels of the region of the frame that the crop shows
    enlarged: float  # 1 if the crop has more pixels than that region, else 0
    brightness: float  # mean grey, 0..255
    sharpness: float  # logarithm of the variance of the Laplacian of grey


CATEGORIES = ("format", "jpeg_table")
"""Attributes that are texts."""

NUMBERS = tuple(name for name in FileAttributes._fields if name not in CATEGORIES)

# The luminance table of ITU T.81, K.1, which IJG's encoder scales by the quality, row by row.
# fmt: off
_STANDARD = np.array([
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
])
# fmt: on


def measure_file(source: SourceFile) -> FileAttributes:
    """The attributes of a photograph, a video or a folder of frames, without those of its faces.

    What cannot be read stays unknown: whether a file is usable is not decided here.
    """
    try:
        if source.is_photograph:
            return _picture(source.path)
        if source.frames or source.path.is_dir():
            return _pictures(source.frames or clip.pictures(source.path))
        return _video(source.path)
    except _UNREADABLE:
        return NOT_MEASURED


def look_of(crop: np.ndarray, matrix: np.ndarray) -> Look:
    """The look of a crop, uint8 [H, W, 3], RGB, with its matrix from frame to crop, float [2, 3]."""
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    _, spread = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))
    enlargement = float(np.sqrt(abs(np.linalg.det(matrix[:, :2].astype(np.float64)))))
    return Look(
        face_size=len(crop) / enlargement,
        enlarged=float(enlargement > 1),
        brightness=cv2.mean(grey)[0],
        sharpness=float(np.log1p(spread[0, 0] ** 2)),
    )


def of_crops(looks: Sequence[Look]) -> FileAttributes:
    """The attributes of a file that its crops tell: medians, and shares of them."""
    if not looks:
        return NOT_MEASURED
    middle = Look(*map(median, zip(*looks, strict=True)))
    enlarged = sum(look.enlarged for look in looks) / len(looks)
    return FileAttributes(**middle._replace(enlarged=enlarged)._asdict())


def with_crops(file: FileAttributes, crops: FileAttributes) -> FileAttributes:
    """The attributes of a file with those of its crops."""
    return file._replace(**{name: getattr(crops, name) for name in Look._fields})


@functools.lru_cache(maxsize=256)  # a source has few tables
def jpeg_quality(table: tuple[int, ...]) -> int:
    """The quality, 1 to 100, at which IJG's encoder has the table that is nearest to this one.

    Args:
        table: the 64 entries of the luminance table, row by row.
    """
    qualities = np.arange(1, 101)
    scales = np.where(qualities < 50, 5000 // qualities, 200 - 2 * qualities)
    tables = np.clip((_STANDARD * scales[:, None] + 50) // 100, 1, 255)
    return int(qualities[np.abs(tables - np.array(table)).sum(1).argmin()])


def _picture(path: Path) -> FileAttributes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its size, which is checked where it is decoded
        picture = Image.open(path)  # reads the header only
    with picture:
        width, height = picture.size
        tables = getattr(picture, "quantization", None) or {}
        kind = picture.format or ""
    size = float(path.stat().st_size)
    table = tables.get(0)
    return FileAttributes(
        format=kind,
        jpeg_table="" if table is None else _short_digest(table),
        jpeg_quality=None if table is None else float(jpeg_quality(tuple(table))),
        is_clip=0.0,
        file_bytes=size,
        bytes_per_pixel=size / (width * height),
        pixels=float(width * height),
        frames=1.0,
    )


def _short_digest(table: Sequence[int]) -> str:
    return hashlib.sha256(" ".join(map(str, table)).encode()).hexdigest()[:12]


def _pictures(frames: Sequence[Path]) -> FileAttributes:
    """A clip of pictures: those of its first picture, and the bytes of all."""
    first = _picture(frames[0])
    assert first.pixels is not None
    size, count = float(sum(one.stat().st_size for one in frames)), float(len(frames))
    return first._replace(
        is_clip=1.0,
        file_bytes=size,
        bytes_per_frame=size / count,
        bytes_per_pixel=size / count / first.pixels,
        frames=count,
    )


def _video(path: Path) -> FileAttributes:
    described, size = video.describe(path), float(path.stat().st_size)
    frames = clip.count_frames(path)
    pixels = float(described.width * described.height)
    return FileAttributes(
        format=f"{path.suffix.lower().lstrip('.')} {described.codec}".strip(),
        is_clip=1.0,
        file_bytes=size,
        bytes_per_pixel=size / frames / pixels if pixels else None,
        bytes_per_frame=size / frames,
        pixels=pixels or None,
        frames=float(frames),
        frames_per_second=described.rate or None,
    )
