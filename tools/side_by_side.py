"""Runs several commands at the same time, each with a log of its own."""

import contextlib
import dataclasses
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from jaxfake.runtime.errors import PREEMPTED, Preempted
from jaxfake.runtime.preemption import preemption
from jaxfake.runtime.progress import say

_POLL_SECONDS = 0.1

SHARED_CARD = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
"""Without it the first process takes three quarters of a card's memory, and the others find none."""


@dataclasses.dataclass(frozen=True)
class Job:
    """A command, and the file that everything it prints is added to."""

    command: Sequence[str]
    log: Path


def run_side_by_side(jobs: Sequence[Job], at_once: int) -> list[int]:
    """Runs all of them, at most `at_once` at the same time, and returns their exit codes.

    A request to stop is handed on to those that run, which are waited for; no other is begun, and its code
    is `PREEMPTED`.
    """
    codes = [PREEMPTED] * len(jobs)
    with contextlib.suppress(Preempted), preemption.protecting():
        waiting = list(range(len(jobs)))
        running: dict[int, subprocess.Popen[bytes]] = {}
        told = False
        while running or (waiting and not preemption.requested):
            while waiting and len(running) < at_once and not preemption.requested:
                number = waiting.pop(0)
                running[number] = _begin(jobs[number])
            if preemption.requested and not told:
                told = True
                for child in running.values():
                    child.send_signal(signal.SIGTERM)
            for number in [one for one, child in running.items() if child.poll() is not None]:
                codes[number] = running.pop(number).returncode
                say(f"{jobs[number].log}: ended with exit code {codes[number]}")
            time.sleep(_POLL_SECONDS)
    return codes


def _begin(job: Job) -> subprocess.Popen[bytes]:
    job.log.parent.mkdir(parents=True, exist_ok=True)
    say(f"{job.log}: begins")
    with job.log.open("ab") as log:
        return subprocess.Popen(
            job.command,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**SHARED_CARD, **os.environ},
            start_new_session=True,  # Ctrl-C reaches this process, which forwards it
        )
