"""The verb that writes a model folder, at the terminal."""

import subprocess
import sys

import pytest

from tests.processes import PATIENCE
from tests.project import ROOT


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ([], "--workdir is missing"),
        (["--workdir=runs/mover"], "--to is missing"),
        (["--workdir=runs/mover", "--to=model"], "--licence is missing"),
        (["--format=pickle"], "--format"),
    ],
)
def test_what_is_missing_or_wrong_is_one_line_and_exit_2(flags, says):
    command = [sys.executable, "-m", "jaxfake.export", *flags]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
