"""Pictures as JPEG, and what they are after that: the one way in which they are compressed with loss."""

from typing import Any

import cv2
import numpy as np


def jpeg_bytes(image: np.ndarray, quality: int) -> bytes:
    """A picture, RGB uint8 [H, W, 3], as JPEG of this quality, 0..100.

    Raises:
        ValueError: a picture of this shape cannot be stored as JPEG.
    """
    done, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"a picture of shape {image.shape} cannot be stored as JPEG")
    return data.tobytes()


def as_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """The same, decoded again: RGB uint8 [H, W, 3].

    Raises:
        ValueError: a picture of this shape cannot be stored as JPEG.
    """
    data = np.frombuffer(jpeg_bytes(image, quality), np.uint8)
    decoded: Any = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return np.ascontiguousarray(decoded[..., ::-1])
