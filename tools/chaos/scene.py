"""A run at the moment that it is struck, and what becomes of it."""

import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from tools.chaos.job import Ended, Job, newest, steps
from tools.chaos.weather import Event

LONGEST = 600.0
"""Seconds to wait for a job that should end by itself."""


class Scene(NamedTuple):
    """The run that is struck."""

    workdir: Path
    flags: list[str]
    length: float  # seconds of an untouched run
    damaged: Counter[tuple[str, str]]  # kinds of files and ways, over all runs
    library: Path | None  # from `clock.build`


class Struck(NamedTuple):
    """An event that did hit a run.

    `wrecked` is a checkpoint that is damaged now, `gone` one that is no more; `done` is whether the job
    went on to its end by itself.
    """

    kind: str
    detail: str
    after_seconds: float
    phase: str  # see `Job.phase`
    saved: dict[str, list[int]]  # steps of the checkpoints afterwards, by stage
    code: int
    seconds: float  # from the event to the end of the process
    wrong: tuple[str, ...] = ()
    wrecked: Path | None = None
    gone: Path | None = None
    rows_lost: bool = False
    done: bool = False


class JobFailed(Exception):
    """The job ended in an error before anything struck it."""


class Hit(NamedTuple):
    """A running job at the moment that its event was drawn for."""

    job: Job
    event: Event
    after_seconds: float
    phase: str
    at: float  # by the monotonic clock

    def struck(self, detail: str, ended: Ended, wrong: list[str]) -> Struck:
        """What is told of it, once the process has ended."""
        seconds = round(time.monotonic() - self.at, 2)
        saved = steps(self.job.workdir)
        after = round(self.after_seconds, 2)
        return Struck(
            self.event.kind, detail, after, self.phase, saved, ended.code, seconds, tuple(wrong)
        )


class Killed(NamedTuple):
    """A run that was killed, and its newest checkpoint."""

    hit: Hit
    ended: Ended
    checkpoint: Path


def reach(job: Job, event: Event, scene: Scene) -> Hit | None:
    """Waits for the moment; None if the job is done before, JobFailed if it fails before."""
    return _reach_after(event.moment * scene.length, Hit(job, event, 0.0, "", 0.0))


def killed_with_a_checkpoint(event: Event, scene: Scene) -> Killed | None:
    """Killed at the moment, or as soon as there is a checkpoint after it."""
    job = Job(scene.workdir, scene.flags)
    hit = reach(job, event, scene)
    while hit is not None and newest(scene.workdir) is None:
        hit = _reach_after(0.02, hit)
    ended = job.kill()
    checkpoint = newest(scene.workdir)
    if hit is None or checkpoint is None or done(scene):
        return None
    return Killed(hit, ended, checkpoint)


def waited(job: Job, seconds: float) -> Ended:
    """The end of the job, which is killed if it takes longer."""
    try:
        return job.ended(seconds)
    except subprocess.TimeoutExpired:
        return job.kill()


def went_on(hit: Hit, detail: str, wrong: list[str]) -> Struck:
    """The job, left to run to its end."""
    ended = waited(hit.job, LONGEST)
    wrong = wrong if ended.code == 0 else [*wrong, ended.words]
    return hit.struck(detail, ended, wrong)._replace(done=ended.code == 0)


def done(scene: Scene) -> bool:
    """Whether the run has nothing more to do."""
    return (scene.workdir / "DONE").exists()


def _reach_after(seconds: float, hit: Hit) -> Hit | None:
    if hit.job.runs_for(seconds):
        after = hit.after_seconds + seconds
        return Hit(hit.job, hit.event, after, hit.job.phase(), time.monotonic())
    ended = hit.job.ended()
    if ended.code:
        raise JobFailed(ended.words)
    return None
