"""Every test ends what it has started, whatever becomes of it."""

import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests import guardian
from tests.processes import Processes, until
from tests.project import ROOT

FAMILY = """
trap '' TERM HUP INT
sleep 10000 & echo $! > {folder}/child
setsid sleep 10000 & echo $! > {folder}/own_session
setsid sh -c "sleep 10000 & echo \\$! > {folder}/grandchild; wait" &
env -i sleep 10000 & echo $! > {folder}/unmarked
echo $$ > {folder}/parent
wait
"""
NAMES = ("child", "own_session", "grandchild", "unmarked", "parent")


def family(folder: Path) -> list[int]:
    """Process ids of the family, once all have begun."""
    files = [folder / name for name in NAMES]
    until(lambda: all(file.exists() and file.read_text().strip() for file in files))
    return [int(file.read_text()) for file in files]


def running(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes() != b""  # a zombie has none
    except OSError:
        return False


@pytest.mark.parametrize("environment", [None, {"PATH": "/usr/bin:/bin"}])
def test_a_whole_family_that_ignores_signals_is_ended(
    tmp_path: Path, environment: dict[str, str] | None
) -> None:
    started = Processes()
    started.start(["sh", "-c", FAMILY.format(folder=tmp_path)], env=environment)
    pids = family(tmp_path)
    assert all(map(running, pids))
    started.end()
    assert not any(map(running, pids))


def test_processes_of_a_test_that_fails_are_ended(tmp_path: Path, processes: Processes) -> None:
    failing = f"""
from tests.processes import processes
from tests.test_processes import FAMILY, family

def test_that_fails(processes):
    processes.start(["sh", "-c", FAMILY.format(folder={str(tmp_path)!r})])
    family(__import__("pathlib").Path({str(tmp_path)!r}))
    raise AssertionError
"""
    (tmp_path / "test_failing.py").write_text(failing)
    flags = ["-n0", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path, tmp_path]
    run = processes.start(
        [sys.executable, "-m", "pytest", *flags], cwd=ROOT, stdout=subprocess.PIPE
    )
    told, _ = run.communicate()
    assert "1 failed" in told
    assert not any(map(running, family(tmp_path)))


def test_processes_are_ended_if_the_one_that_tests_is_killed(
    tmp_path: Path, processes: Processes
) -> None:
    mark = uuid.uuid4().hex
    program = f"""
import subprocess, sys
from tests import guardian
guardian.watch({mark!r})
subprocess.run(["sh", "-c", {FAMILY.replace("env -i", "").format(folder=tmp_path)!r}])
"""
    run = processes.start([sys.executable, "-c", program], cwd=ROOT)
    pids = family(tmp_path)
    run.kill()
    run.wait()
    until(lambda: not any(map(running, pids)))
    assert guardian.marked(mark) == set()
