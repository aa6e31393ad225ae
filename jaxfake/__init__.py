"""jaxfake: deepfake detection from facial-part consistency, in JAX."""

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from jaxfake.inference.detector import Detector

STARTED = time.monotonic()
"""When this process began, as near as Python can tell: nothing of ours is imported before."""


def load(model: "str | Path" = "starter") -> "Detector":
    """A detector that is ready to score, see `jaxfake.inference.detector`.

    Args:
        model: the folder of a run, a model folder, or a name in the file of names; by default the detector
            that comes with jaxfake.

    Raises:
        InputError: there is no such detector, or it is damaged.
    """
    from jaxfake.inference import detector  # it takes seconds to import

    return detector.load(model)
