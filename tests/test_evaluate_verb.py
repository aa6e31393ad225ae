"""The evaluate verb: flags that cannot go together are one line."""

import subprocess
import sys

import pytest

from tests.project import ROOT


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "--workdir is missing"),
        (["--scores=a.csv", "--step=3"], "--step is for a run"),
        (["--workdir=runs/a", "--polarity=fake_high"], "--polarity is for files of scores"),
        (["--workdir=runs/a", "--step=3", "--calibrate_under=jpeg:4"], "leave out --step"),
    ],
)
def test_flags_that_do_not_go_together_are_one_line_and_exit_2(
    flags: list[str], message: str
) -> None:
    command = [sys.executable, "-m", "jaxfake.evaluate", *flags]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
