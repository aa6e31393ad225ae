"""Compiled programs kept between runs: what a restart on a rented machine spends most time on."""

import os
from pathlib import Path

import jax

from jaxfake.runtime.files import cache_folder

_WORTH_KEEPING_SECONDS = 0.2


def keep_compiled_programs() -> None:
    """Turns JAX's persistent cache on, in a folder of the user's own that nobody else can write to.

    What lies there is run as code. JAX_COMPILATION_CACHE_DIR, if set, decides instead.
    """
    if not os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        jax.config.update("jax_compilation_cache_dir", str(_private(cache_folder() / "xla")))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", _WORTH_KEEPING_SECONDS)
    if jax.default_backend() == "gpu":
        jax.config.update("jax_persistent_cache_enable_xla_caches", "all")


def _private(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return folder
