"""Compiled programs on disk: whole or not there, whenever the process is killed."""

import os
import subprocess
import sys
from pathlib import Path

from tests.project import ROOT

PROGRAM = """
import os, sys, warnings
import jax, numpy as np
from jaxfake.runtime import files
from jaxfake.train.compile_cache import keep_compiled_programs
warnings.simplefilter("error")
if "killed" in sys.argv:
    files.os.replace = lambda *_: os._exit(9)
found = []
jax.monitoring.register_event_listener(lambda name, **_: found.append("cache_hits" in name))
keep_compiled_programs()
jax.jit(lambda x: x + 1)(np.ones(3, np.float32))
print(any(found))
"""


def test_a_killed_process_leaves_no_half_of_a_program(tmp_path: Path) -> None:
    folder = tmp_path / "programs"
    assert _run(folder, "killed").returncode == 9
    assert list(folder.glob("*-cache")) == []
    assert _run(folder).stdout == "False\n"
    assert _run(folder).stdout == "True\n"


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {
        "JAX_COMPILATION_CACHE_DIR": str(folder),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=ROOT,
        env=os.environ | kept,
        capture_output=True,
        text=True,
        check=False,
    )
