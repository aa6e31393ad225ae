"""Errors of a verb: one line, an exit code, and no waiting for what libraries left behind."""

import os
import subprocess
import sys

import pytest

from jaxfake.runtime.errors import USAGE
from tests.processes import PATIENCE
from tests.project import ROOT

HEAD = """import errno, threading
from jaxfake.runtime import cli
from jaxfake.runtime.errors import InputError
"""


def _run(
    body: str, before: str = "", flags: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    program = f"{HEAD}{before}\ndef main():\n{lines}\ncli._EXIT_SECONDS = 0.1\ncli.run(main)"
    return subprocess.run(
        [sys.executable, "-c", program, *flags],
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


def test_the_home_folder_is_expanded_in_every_path() -> None:
    done = _run(
        """
from jaxfake.runtime.files import expand_home
print(expand_home("file://~/a"), expand_home("s3://~/a"), a.value, b.value)
""",
        before="""from jaxfake.runtime.path_flags import define_path, define_paths
a = define_path('a', '~/x', '')
b = define_paths('b', None, '')
""",
        flags=("--b=~/y,z",),
    )
    home = os.path.expanduser("~")
    said = f"file://{home}/a s3://~/a {home}/x ['{home}/y', 'z']\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")


VERBS = (
    "jaxfake.main",
    "jaxfake.evaluate",
    "jaxfake.prepare",
    "tools.ablations",
    "tools.benchmark",
    "tools.chaos.__main__",
    "tools.recovery_picture",
)

NO_PATHS = {
    "aggregation",
    "beam_option",
    "beam_runner",
    "calibrate_under",
    "change",
    "columns",
    "config",
    "coordinator",
    "dataset",
    "identity",
    "kinds",
    "label",
    "leave_out",
    "notice_command",
    "perturb",
    "protocol",
    "seeds",
    "split",
    "splits",
    "storage",
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_flag_that_takes_a_text_is_a_path_or_known_not_to_be(verb: str) -> None:
    program = f"""import {verb}
from absl import flags
module = flags.FLAGS.find_module_defining_flag
print(*(name for name in flags.FLAGS if module(name) == "{verb}"
    and flags.FLAGS[name].flag_type() in ("string", "comma separated list of strings", "multi string")
    and type(flags.FLAGS[name].parser).__name__ != "_Paths"))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) <= NO_PATHS
