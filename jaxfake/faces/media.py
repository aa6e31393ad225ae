"""Which files are accepted: kinds, limits of size, and the error of an unreadable file.

A file goes by its suffix where that is of a picture or a video: if its content is of another kind, it is
called unreadable, since a picture in the place of a video would be one frame of who knows what. A file of
any other name goes by its content.
"""

from pathlib import Path

import cv2

from jaxfake.faces.file_kinds import Kind, kind_of

IMAGE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".tif", ".tiff"}
)
VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi"})

MAX_IMAGE_PIXELS = 100_000_000
"""A photograph of 100 million pixels takes 300 MB once decoded."""

MAX_IMAGE_BYTES = 256 << 20

MAX_FRAME_PIXELS = 40_000_000
"""8K video has 33 million pixels a frame."""


class Unreadable(Exception):
    """A file cannot be used, through no fault of the program. The text says why in a few words."""


def is_image(path: Path) -> bool:
    """Whether a file is read as a picture."""
    return _is_read_as(path, Kind.PICTURE, IMAGE_SUFFIXES)


def is_video(path: Path) -> bool:
    """Whether a file is read as a video."""
    return _is_read_as(path, Kind.VIDEO, VIDEO_SUFFIXES)


def is_frame(path: Path) -> bool:
    """Whether a file in a folder of frames is one of them, by its suffix where that is of a picture.

    Only files of other names are opened, because there may be millions of frames.
    """
    return path.suffix.lower() in IMAGE_SUFFIXES or kind_of(path) is Kind.PICTURE


def _is_read_as(path: Path, wanted: Kind, suffixes: frozenset[str]) -> bool:
    suffix = path.suffix.lower()
    if suffix in IMAGE_SUFFIXES | VIDEO_SUFFIXES:
        return suffix in suffixes
    return kind_of(path) is wanted


def check_pixels(width: int, height: int, most: int) -> None:
    """Checks the dimensions in a file's header, before anything of that size is allocated.

    Raises:
        Unreadable: there are no pixels, or more than `most`.
    """
    if width <= 0 or height <= 0:
        raise Unreadable(f"it claims to be {width} x {height} pixels")
    if width * height > most:
        raise Unreadable(f"{width} x {height} pixels are over the limit of {most // 10**6} million")


def opencv_message(error: cv2.error) -> str:
    """The message of an error of OpenCV in one short line."""
    return f"OpenCV: {' '.join(str(error).split())[:160]}"
