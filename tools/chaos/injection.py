"""Injecting a fault: waiting for the instant, and what is recorded afterwards."""

import dataclasses
import re
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from jaxfake.experiment.run_folder import RunFolder
from tools.chaos.job import Ended, Job, newest, steps
from tools.chaos.schedule import Event

ALL_DAMAGED = re.compile(r"every checkpoint in (\S+) is damaged")
"""What a job says that has nothing left to go on from."""

_LONGEST_SECONDS, _LONGEST_RUNS = 600.0, 20
"""How long to wait for a job that should end by itself: a busy machine is slow, not stuck."""


@dataclasses.dataclass(frozen=True)
class Target:
    """The run that faults are injected into."""

    workdir: Path
    flags: list[str]
    duration: float  # seconds of an undisturbed run
    damage_counts: Counter[tuple[str, str]]  # by kind of file and way of damage, over all runs
    clock_library: Path | None  # from `clock.build`

    @property
    def longest(self) -> float:
        """Seconds to wait for a job that should end by itself."""
        return max(_LONGEST_SECONDS, _LONGEST_RUNS * self.duration)


@dataclasses.dataclass(frozen=True)
class Injected:
    """An event that happened to a run, and what followed.

    `damaged` is a checkpoint that is damaged now, `removed` one that no longer exists; `done` is whether
    the job went on to its end by itself, `unheard` whether nobody read what it said.
    """

    kind: str
    detail: str
    after_seconds: float
    phase: str  # see `Job.phase`
    saved: dict[str, list[int]]  # steps of the checkpoints afterwards, by stage
    code: int
    seconds: float  # from the event to the end of the process
    wrong: tuple[str, ...] = ()
    damaged: Path | None = None
    removed: Path | None = None
    rows_lost: bool = False
    done: bool = False
    unheard: bool = False


class JobFailed(Exception):
    """The job ended with an error before the fault was injected."""


@dataclasses.dataclass(frozen=True)
class InjectionPoint:
    """A running job at the instant of its event."""

    job: Job
    event: Event
    after_seconds: float
    phase: str
    at: float  # by the monotonic clock

    def injected(self, detail: str, ended: Ended, wrong: list[str]) -> Injected:
        """The record of the event, once the process has ended."""
        seconds = round(time.monotonic() - self.at, 2)
        saved = steps(self.job.workdir)
        after = round(self.after_seconds, 2)
        return Injected(
            self.event.kind, detail, after, self.phase, saved, ended.code, seconds, tuple(wrong)
        )


class Killed(NamedTuple):
    """A run that was killed, and its newest checkpoint."""

    point: InjectionPoint
    ended: Ended
    checkpoint: Path


def run_until_event(job: Job, event: Event, target: Target) -> InjectionPoint | None:
    """Waits for the instant of an event; None if the job is done before, JobFailed if it fails before."""
    return _run_for(event.moment * target.duration, InjectionPoint(job, event, 0.0, "", 0.0))


def kill_with_checkpoint(event: Event, target: Target) -> Killed | None:
    """Kills the job at the instant of the event, or at the first checkpoint after it."""
    job = Job(target.workdir, target.flags)
    point = run_until_event(job, event, target)
    while point is not None and newest(target.workdir) is None:
        point = _run_for(0.02, point)
    ended = job.kill()
    checkpoint = newest(target.workdir)
    if point is None or checkpoint is None or done(target):
        return None
    return Killed(point, ended, checkpoint)


def wait_or_kill(job: Job, seconds: float) -> Ended:
    """Waits for the end of the job and kills it if it takes longer."""
    try:
        return job.ended(seconds)
    except subprocess.TimeoutExpired:
        return job.kill()


def finish(point: InjectionPoint, target: Target, detail: str, wrong: list[str]) -> Injected:
    """Lets the job run to its end."""
    ended = wait_or_kill(point.job, target.longest)
    wrong = wrong if ended.code == 0 else [*wrong, ended.words]
    return dataclasses.replace(point.injected(detail, ended, wrong), done=ended.code == 0)


def done(target: Target) -> bool:
    """Whether the run has nothing more to do."""
    return RunFolder(target.workdir).done.exists()


def _run_for(seconds: float, point: InjectionPoint) -> InjectionPoint | None:
    if point.job.runs_for(seconds):
        after = point.after_seconds + seconds
        return InjectionPoint(point.job, point.event, after, point.job.phase(), time.monotonic())
    ended = point.job.ended()
    if ended.code:
        raise JobFailed(ended.words)
    return None
