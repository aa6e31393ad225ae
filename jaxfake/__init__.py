"""jaxfake: deepfake detection from facial-part consistency, in JAX."""

import time

STARTED = time.monotonic()
"""When this process began, as near as Python can tell: nothing of ours is imported before."""
