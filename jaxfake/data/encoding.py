"""Pictures as bytes, without loss, because the evidence is in the compression: PNG, or raw pixels."""

import struct
from typing import Literal

import cv2
import numpy as np

from jaxfake.runtime.errors import InputError
from jaxfake.schema import MOST_SIDE

Storage = Literal["png", "raw"]

_PNG = b"\x89PNG\r\n\x1a\n"
"""Begins a PNG. Its first chunk follows, with width and height from byte 16 on."""


def encode_picture(image: np.ndarray, storage: Storage) -> bytes:
    """Bytes of a picture, uint8 [H, W, 3], RGB."""
    return image.tobytes() if storage == "raw" else _png(image[..., ::-1])


def decode_picture(data: bytes, size: int, storage: Storage) -> np.ndarray:
    """The square picture, uint8 [size, size, 3], RGB, in the bytes of `encode_picture`."""
    if storage == "raw":
        return np.frombuffer(data, np.uint8).reshape(size, size, 3)
    return decode_png(data)


def decode_png(data: bytes) -> np.ndarray:
    """A picture stored as PNG, uint8 [H, W, 3], RGB."""
    return _decode(data, cv2.IMREAD_COLOR_RGB)


def encode_mask(mask: np.ndarray) -> bytes:
    """A forgery mask, uint8 [H, W], as PNG."""
    return _png(mask)


def decode_mask(data: bytes) -> np.ndarray:
    """A forgery mask stored as PNG, uint8 [H, W]."""
    return _decode(data, cv2.IMREAD_GRAYSCALE)


def _png(pixels: np.ndarray) -> bytes:
    done, data = cv2.imencode(".png", pixels)
    if not done:
        raise InputError(f"a crop of shape {pixels.shape} could not be stored as PNG")
    return data.tobytes()


def _decode(data: bytes, flags: int) -> np.ndarray:
    sides = struct.unpack_from(">II", data, 16) if data.startswith(_PNG) and len(data) > 24 else ()
    if not sides or max(sides) > MOST_SIDE:
        raise InputError(f"a stored crop is not a PNG of at most {MOST_SIDE} pixels a side")
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if pixels is None:
        raise InputError("a stored crop does not decode")
    return pixels
