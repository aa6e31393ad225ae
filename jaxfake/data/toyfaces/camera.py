"""A cheap camera, the same for real and forged clips: slight blur, noise, JPEG."""

import dataclasses

import cv2
import numpy as np

from jaxfake.data.augment.jpeg import as_jpeg

BLUR = (0.0, 0.4)
NOISE = (0.5, 3.0)
QUALITY = (80, 98)


@dataclasses.dataclass(frozen=True)
class Camera:
    """One draw a clip."""

    blur: float  # standard deviation, pixels of a 64-pixel crop
    noise: float  # standard deviation, grey levels
    quality: int  # JPEG


def draw_camera(rng: np.random.Generator) -> Camera:
    return Camera(
        blur=rng.uniform(*BLUR),
        noise=rng.uniform(*NOISE),
        quality=int(rng.integers(QUALITY[0], QUALITY[1] + 1)),
    )


def shoot(rng: np.random.Generator, camera: Camera, image: np.ndarray) -> np.ndarray:
    """The picture [H, W, 3] (float32, RGB, 0..255) as the camera stores it, uint8 RGB."""
    sigma = camera.blur * len(image) / 64
    if sigma > 0.15:
        image = cv2.GaussianBlur(image, (0, 0), sigma)
    noise = rng.standard_normal(image.shape, np.float32)
    noisy = np.clip(image + camera.noise * noise + 0.5, 0, 255).astype(np.uint8)
    return as_jpeg(noisy, camera.quality)
