"""What a picture is after it was stored as JPEG: the one way in which training and evaluation compress."""

from typing import Any

import cv2
import numpy as np


def as_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """The picture, RGB uint8 [H, W, 3], encoded as JPEG of this quality, 0..100, and decoded.

    Raises:
        ValueError: a picture of this shape cannot be stored as JPEG.
    """
    done, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"a picture of shape {image.shape} cannot be stored as JPEG")
    decoded: Any = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return np.ascontiguousarray(decoded[..., ::-1])
