"""Changes of a picture's colour and of its frequencies, as a tool or a camera would leave them."""

from typing import Any

import cv2
import numpy as np

CHANNEL = 20.0
"""Most grey levels by which each channel is shifted."""

HUE, SATURATION, VALUE = 8.0, 0.25, 0.12
"""Most degrees, and most relative change."""

BRIGHTNESS, CONTRAST = 0.08, 0.15
"""Most change, as a share of the full range and as a factor around the mean."""

SHRUNK = (1.5, 4.0)
"""Range of the factor by which a picture is made smaller, and enlarged again."""

SHARPENED = (0.3, 1.0)
"""Range of how much of what a blur takes away is added."""


def draw_colour(rng: np.random.Generator, strength: float) -> dict[str, Any]:
    """The parameters of `recoloured`."""
    hue, saturation, value, brightness, contrast = rng.uniform(-strength, strength, 5)
    return {
        "channels": (CHANNEL * rng.uniform(-strength, strength, 3)).tolist(),
        "hue": float(HUE * hue),
        "saturation": float(SATURATION * saturation),
        "value": float(VALUE * value),
        "brightness": float(BRIGHTNESS * brightness),
        "contrast": float(CONTRAST * contrast),
    }


def recoloured(image: np.ndarray, drawn: dict[str, Any]) -> np.ndarray:
    """The picture float32 [H, W, 3], RGB, 0..255, in other colours."""
    shifted = np.clip(image + np.array(drawn["channels"], np.float32), 0, 255)
    hsv = cv2.cvtColor(shifted * np.float32(1 / 255), cv2.COLOR_RGB2HSV)
    hue, saturation, value = cv2.split(hsv)
    hue = (hue + np.float32(drawn["hue"])) % 360
    saturation = np.clip(saturation * np.float32(1 + drawn["saturation"]), 0, 1)
    value = value * np.float32(1 + drawn["value"])
    changed = 255 * cv2.cvtColor(cv2.merge([hue, saturation, value]), cv2.COLOR_HSV2RGB)
    mean = np.float32(changed.mean())
    changed = (changed - mean) * np.float32(1 + drawn["contrast"]) + mean
    return np.clip(changed + np.float32(255 * drawn["brightness"]), 0, 255)


def draw_frequency(rng: np.random.Generator, strength: float) -> dict[str, Any]:
    """The parameters of `refiltered`."""
    if rng.random() < 0.5:
        return {"shrunk": float(1 + strength * (rng.uniform(*SHRUNK) - 1))}
    return {"sharpened": float(strength * rng.uniform(*SHARPENED))}


def refiltered(image: np.ndarray, drawn: dict[str, Any]) -> np.ndarray:
    """The picture float32 [H, W, 3] with fewer or stronger details."""
    if "shrunk" in drawn:
        return down_and_up(image, drawn["shrunk"])
    blurred = cv2.GaussianBlur(image, (0, 0), 1.0)
    return np.clip(image + np.float32(drawn["sharpened"]) * (image - blurred), 0, 255)


def down_and_up(image: np.ndarray, factor: float) -> np.ndarray:
    """The picture [H, W, 3] made smaller by a factor and enlarged to its size again."""
    height, width = image.shape[:2]
    small = (max(round(width / factor), 2), max(round(height / factor), 2))
    shrunk = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return cv2.resize(shrunk, (width, height), interpolation=cv2.INTER_LINEAR)
