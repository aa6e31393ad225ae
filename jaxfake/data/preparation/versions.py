"""Versions that decide about the content of a prepared dataset, beside its source and settings."""

import importlib.metadata

import cv2
import imagehash

from jaxfake.faces import av_capture, model_files

DATASET_VERSION = "1.2.0"
"""Has to be raised when the same files and settings give other crops than before."""


def versions() -> dict[str, str]:
    """Everything that decides about the crops beside the source and the settings."""
    found = {
        "dataset": DATASET_VERSION,
        "opencv": cv2.__version__,
        "imagehash": imagehash.__version__,
        "face models": f"{model_files.PACKAGE}, sha256 {model_files.WHEEL_SHA256}",
    }
    if av_capture.is_installed():  # some videos are readable with it alone
        found["av"] = importlib.metadata.version("av")
    return found
