"""Photometric augmentation, as by cameras, editors and uploads: brightness, contrast, blur, JPEG.

It is applied to real and fake faces alike, so that none of it tells one from the other. The ranges are our
choice, those of usual training recipes.
"""

import dataclasses
from typing import Any

import cv2
import numpy as np

from jaxfake.data.augment.jpeg import as_jpeg

BRIGHTNESS = 0.1
CONTRAST = 0.1
BLUR = (0.0, 1.0)
JPEG = (40, 100)


@dataclasses.dataclass(frozen=True)
class Photometrics:
    """One draw of all parameters."""

    brightness: float  # added, as a share of the full range
    contrast: float  # factor around mid grey
    blur: float  # standard deviation of a Gaussian, pixels
    quality: int  # of the JPEG compression


def draw_photometrics(rng: np.random.Generator) -> Photometrics:
    """A uniform draw of all four."""
    return Photometrics(
        brightness=rng.uniform(-BRIGHTNESS, BRIGHTNESS),
        contrast=1 + rng.uniform(-CONTRAST, CONTRAST),
        blur=rng.uniform(*BLUR),
        quality=int(rng.integers(JPEG[0], JPEG[1] + 1)),
    )


def degrade(image: np.ndarray, drawn: Photometrics) -> np.ndarray:
    """The image, RGB uint8 [H, W, 3], changed by these parameters."""
    pixels: Any = (
        (image.astype(np.float32) - 127.5) * drawn.contrast + 127.5 + 255 * drawn.brightness
    )
    if drawn.blur > 0:
        pixels = cv2.GaussianBlur(pixels, (0, 0), drawn.blur)
    changed = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    return as_jpeg(changed, drawn.quality)
