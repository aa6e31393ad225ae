"""A verb whose reader, terminal or log disk goes away, or knows ASCII alone, ends as it would have."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import PATIENCE, Processes
from tests.project import ROOT

VERB = """import logging, os, sys, warnings
from jaxfake.runtime import cli, progress
done = sys.argv.pop()
def main():
    progress.say("up")
    sys.stdin and sys.stdin.readline()
    for _ in range(3):
        progress.say("a line")
        print("another", file=sys.stderr, flush=True)
        logging.getLogger("absl").error("a third")
        warnings.warn("a fourth")
        os.system("echo a fifth; echo a sixth >&2")
    with progress.Progress("work", 9, "faces") as bar:
        bar.advance(9)
    open(done, "w").write("all of it")
cli.run(main)
"""


@pytest.mark.parametrize("which", ["stdout", "stderr", "both"])
def test_a_pipe_without_a_reader_ends_nothing(
    which: str, processes: Processes, tmp_path: Path
) -> None:
    pipe = subprocess.PIPE
    job = processes.start(
        [sys.executable, "-c", VERB, tmp_path / "done"],
        cwd=ROOT,
        stdin=pipe,
        stdout=pipe,
        stderr=subprocess.STDOUT if which == "both" else pipe,
    )
    assert job.stdin is not None
    assert job.stdout is not None
    assert job.stdout.readline() == "up\n"
    for stream in (job.stdout, job.stderr):
        if stream is not None and (which == "both" or stream is getattr(job, which)):
            stream.close()
    job.stdin.write("go on\n")
    job.stdin.close()
    assert job.wait(PATIENCE) == 0
    assert (tmp_path / "done").read_text() == "all of it"


def test_a_terminal_that_closes_ends_nothing(processes: Processes, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    job = processes.start(
        [sys.executable, "-c", VERB, tmp_path / "done"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    assert b"up" in os.read(ours, 100)
    os.close(ours)
    assert job.stdin is not None
    job.stdin.write("go on\n")
    job.stdin.close()
    assert job.wait(PATIENCE) == 0
    assert (tmp_path / "done").read_text() == "all of it"


def test_streams_that_are_closed_from_the_start_are_not_taken_for_files(tmp_path: Path) -> None:
    done = tmp_path / "done"
    line = f'"{sys.executable}" -c "$VERB" "{done}" <&- >&- 2>&-'
    subprocess.run(line, shell=True, cwd=ROOT, env=os.environ | {"VERB": VERB}, check=True)
    assert done.read_text() == "all of it"


def test_the_disk_of_a_log_may_be_full(tmp_path: Path) -> None:
    done = tmp_path / "done"
    with Path("/dev/full").open("w") as full:
        subprocess.run(
            [sys.executable, "-c", VERB, done],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=full,
            check=True,
        )
    assert done.read_text() == "all of it"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_terminal_that_knows_ascii_alone_gets_escapes(stream: str) -> None:
    program = (
        "import sys\nfrom jaxfake.runtime import cli\n"
        f"cli.run(lambda: print('é → \\udc80', file=sys.{stream}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert getattr(done, stream) == b"\\xe9 \\u2192 \\udc80\n"
