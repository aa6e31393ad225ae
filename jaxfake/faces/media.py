"""What a person's files may be: types by suffix, bounds on size, and how they fail."""

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
    """A file cannot be used; the text says why in a few words. Never the program's own fault."""


def is_image(path: Path) -> bool:
    """Whether the suffix says photograph."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def is_video(path: Path) -> bool:
    """Whether the suffix says video."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def check_pixels(width: int, height: int, most: int) -> None:
    """Refuses dimensions that a file claims, before anything of that size is allocated.

    Raises:
        Unreadable: nothing to see, or more than `most` pixels.
    """
    if width <= 0 or height <= 0:
        raise Unreadable(f"it claims to be {width} x {height} pixels")
    if width * height > most:
        raise Unreadable(f"{width} x {height} pixels are over the limit of {most // 10**6} million")


def opencv_says(error: cv2.error) -> str:
    """Its message in one short line."""
    return f"OpenCV: {' '.join(str(error).split())[:160]}"
