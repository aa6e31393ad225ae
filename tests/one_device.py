"""One of the eight fake devices, for tests of what has nothing to do with sharding: they compile less."""

from collections.abc import Iterator

import jax
import pytest


@pytest.fixture(scope="module")
def one_device() -> Iterator[None]:
    """The first device is the only one that JAX names."""
    there = jax.devices()
    with pytest.MonkeyPatch.context() as change:
        change.setattr(jax, "devices", lambda *_: there[:1])
        change.setattr(jax, "device_count", lambda *_: 1)
        yield
