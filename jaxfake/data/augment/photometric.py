"""What cameras, editors and uploads do to a face without touching it: light, contrast, blur, JPEG.

Applied to real and fake alike, so that none of it tells one from the other. The ranges are those of
the field's usual training recipes; our choice.
"""

from typing import Any, NamedTuple

import cv2
import numpy as np

BRIGHTNESS = 0.1
CONTRAST = 0.1
BLUR = (0.0, 1.0)
JPEG = (40, 100)


class Shot(NamedTuple):
    """One draw of everything."""

    brightness: float  # added, as a share of the full range
    contrast: float  # factor around mid grey
    blur: float  # standard deviation of a Gaussian, pixels
    quality: int  # of JPEG


def draw_shot(rng: np.random.Generator) -> Shot:
    """Uniform in all four."""
    return Shot(
        brightness=rng.uniform(-BRIGHTNESS, BRIGHTNESS),
        contrast=1 + rng.uniform(-CONTRAST, CONTRAST),
        blur=rng.uniform(*BLUR),
        quality=int(rng.integers(JPEG[0], JPEG[1] + 1)),
    )


def degrade(image: np.ndarray, shot: Shot) -> np.ndarray:
    """RGB uint8 [H, W, 3] as that shot would have it."""
    pixels: Any = (image.astype(np.float32) - 127.5) * shot.contrast + 127.5 + 255 * shot.brightness
    if shot.blur > 0:
        pixels = cv2.GaussianBlur(pixels, (0, 0), shot.blur)
    changed = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    done, data = cv2.imencode(".jpg", changed[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, shot.quality])
    if not done:
        raise ValueError(f"a picture of shape {image.shape} cannot be stored as JPEG")
    decoded: Any = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return np.ascontiguousarray(decoded[..., ::-1])
