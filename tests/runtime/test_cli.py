"""Errors of a verb: one line, an exit code, and no waiting for what libraries left behind."""

import subprocess
import sys

from jaxfake.runtime.errors import USAGE
from tests.processes import PATIENCE
from tests.project import ROOT

HEAD = """import errno, threading
from jaxfake.runtime import cli
from jaxfake.runtime.errors import InputError
"""


def _run(body: str) -> subprocess.CompletedProcess[str]:
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    program = f"{HEAD}def main():\n{lines}\ncli._EXIT_SECONDS = 0.1\ncli.run(main)"
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def test_a_disk_that_takes_nothing_is_one_line() -> None:
    done = _run('raise OSError(errno.EROFS, "Read-only file system", "/runs/a")')
    assert done.returncode == USAGE
    assert done.stderr.startswith("jaxfake: /runs/a cannot be written to (Read-only file system); ")
    assert done.stderr.count("\n") == 1


def test_threads_that_wait_for_a_failed_save_do_not_hold_up_the_end() -> None:
    done = _run("""
threading.Thread(target=threading.Event().wait).start()
raise InputError("it failed")
""")
    assert (done.returncode, done.stderr) == (USAGE, "jaxfake: it failed\n")


def test_what_libraries_log_with_a_traceback_is_left_to_the_one_line() -> None:
    done = _run("""
from absl import logging
try:
    raise ValueError("deep inside")
except ValueError:
    logging.exception("a thread failed")
raise InputError("it failed")
""")
    assert (done.returncode, done.stderr) == (USAGE, "jaxfake: it failed\n")
