"""The devices that JAX finds."""

import os

import jax

from jaxfake.runtime.errors import InputError


def check_devices() -> None:
    """Looks for devices, before anything else is done.

    Raises:
        InputError: there are none of the kind that JAX_PLATFORMS names.
    """
    try:
        jax.devices()
    except (RuntimeError, AssertionError) as error:  # some platforms are only asserted to be there
        wanted = os.environ.get("JAX_PLATFORMS", "")
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"JAX_PLATFORMS={wanted}, but JAX finds no such device here{f' ({reason})' if reason else ''}: "
            "unset JAX_PLATFORMS, or install JAX for that device"
        ) from error
