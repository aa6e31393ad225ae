"""Which files are accepted: types by suffix, limits of size, and the error of an unreadable file."""

from pathlib import Path

import cv2

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi"})

MAX_IMAGE_PIXELS = 100_000_000
"""A photograph of 100 million pixels takes 300 MB once decoded."""

MAX_IMAGE_BYTES = 256 << 20

MAX_FRAME_PIXELS = 40_000_000
"""8K video has 33 million pixels a frame."""


class Unreadable(Exception):
    """A file cannot be used, through no fault of the program. The text says why in a few words."""


def is_image(path: Path) -> bool:
    """Whether the suffix is that of a photograph."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def is_video(path: Path) -> bool:
    """Whether the suffix is that of a video."""
    return path.suffix.lower() in VIDEO_SUFFIXES


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
