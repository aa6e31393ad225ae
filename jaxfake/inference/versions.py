"""Versions and devices that decide about scores, beside the detector and the options."""

import importlib.metadata
import platform

import jax
import numpy as np

from jaxfake.data.preparation import versions as preparation


def versions() -> dict[str, str]:
    """Everything that decides about results beside the file, the detector and the options."""
    try:
        ours = importlib.metadata.version("jaxfake")
    except importlib.metadata.PackageNotFoundError:
        ours = "not installed"
    return {
        "jaxfake": ours,
        "python": platform.python_version(),
        "jax": jax.__version__,
        "numpy": np.__version__,
        "device": jax.devices()[0].device_kind,
        **preparation.versions(),
    }
