"""Compiled programs kept between runs: what a restart on a rented machine spends most time on."""

import os
from pathlib import Path
from typing import Any

import jax
from jax._src import lru_cache

from jaxfake.runtime.files import cache_folder, write_atomically

_WORTH_KEEPING_SECONDS = 0.2


def keep_compiled_programs() -> None:
    """Turns JAX's persistent cache on, in a folder of the user's own that nobody else can write to.

    What lies there is run as code. JAX_COMPILATION_CACHE_DIR, if set, decides instead.
    """
    write_programs_whole()
    if not os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        jax.config.update("jax_compilation_cache_dir", str(_private(cache_folder() / "xla")))
    if not os.environ.get("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"):
        jax.config.update("jax_persistent_cache_min_compile_time_secs", _WORTH_KEEPING_SECONDS)
    if jax.default_backend() == "gpu":
        jax.config.update("jax_persistent_cache_enable_xla_caches", "all")


def write_programs_whole() -> None:
    """Lets a program appear in a local cache at once.

    JAX 0.12 writes it where others read, so that they find half of one; and what a kill left of
    it stays for ever, with a warning and a compilation at every start.
    """
    lru_cache.LRUCache.put = _put  # type: ignore[method-assign, assignment]


def _put(cache: Any, key: str, program: bytes, as_before: Any = lru_cache.LRUCache.put) -> None:
    if cache.eviction_enabled or not cache._is_local:
        as_before(cache, key, program)
        return
    file = Path(cache.path) / f"{key}{lru_cache._CACHE_SUFFIX}"
    if not file.exists():
        write_atomically(file, program)


def _private(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return folder
