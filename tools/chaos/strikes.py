"""What the weather does to a run: each kind of event, and what must be true right after it."""

import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from jaxfake.asked_back import GRACE_SECONDS
from jaxfake.errors import PREEMPTED
from tools.chaos import aftermath, clock, disks, wreck
from tools.chaos.job import Ended, Job, newest, steps
from tools.chaos.weather import Event

_LONGEST = 600.0
_DEAF_SECONDS = 3.0
"""A process that begins dies of SIGTERM until Python hears signals; longer on a busy machine."""
_CHECKPOINT_BYTES = 6e6


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
    phase: str
    saved: dict[str, list[int]]
    code: int
    seconds: float  # from the event to the end of the process
    wrong: tuple[str, ...] = ()
    wrecked: Path | None = None
    gone: Path | None = None
    rows_lost: bool = False
    done: bool = False


class JobFailed(Exception):
    """The job ended in an error before anything struck it."""


class _Hit(NamedTuple):
    """A running job at the moment that its event was drawn for."""

    job: Job
    event: Event
    after_seconds: float
    phase: str
    at: float  # by the monotonic clock

    def struck(self, detail: str, ended: Ended, wrong: list[str]) -> Struck:
        seconds = round(time.monotonic() - self.at, 2)
        saved = steps(self.job.workdir)
        after = round(self.after_seconds, 2)
        return Struck(
            self.event.kind, detail, after, self.phase, saved, ended.code, seconds, tuple(wrong)
        )


def kill(event: Event, scene: Scene) -> Struck | None:
    """SIGKILL."""
    hit = _reach(Job(scene.workdir, scene.flags), event, scene)
    if hit is None:
        return None
    ended = hit.job.kill()
    return None if _done(scene) else hit.struck("SIGKILL", ended, [])


def term(event: Event, scene: Scene) -> Struck | None:
    """SIGTERM: exit 75 within the grace, and no step is lost."""
    before = steps(scene.workdir)
    hit = _reach(Job(scene.workdir, scene.flags), event, scene)
    if hit is None:
        return None
    hit.job.process.send_signal(signal.SIGTERM)
    ended = _waited(hit.job, GRACE_SECONDS)
    if ended.code == 0 and _done(scene):
        return None
    if ended.code == -signal.SIGTERM and hit.after_seconds < _DEAF_SECONDS:
        return hit.struck("SIGTERM before Python hears signals", ended, [])
    wrong = [] if ended.code == PREEMPTED else [ended.words]
    return hit.struck("SIGTERM", ended, wrong + aftermath.lost_steps(hit.job, ended, before))


def pause(event: Event, scene: Scene) -> Struck | None:
    """SIGSTOP for some seconds, as by a host that stands still; it goes on by itself."""
    hit = _reach(Job(scene.workdir, scene.flags), event, scene)
    if hit is None:
        return None
    hit.job.process.send_signal(signal.SIGSTOP)
    seconds = 1 + 4 * event.severity
    time.sleep(seconds)
    hit.job.process.send_signal(signal.SIGCONT)
    return _went_on(hit, f"stood still for {seconds:.1f} s", [])


def jump(event: Event, scene: Scene) -> Struck | None:
    """The wall clock jumps by hours, and some seconds later further back."""
    assert scene.library is not None
    seconds = int(3600 * (1 + 23 * event.severity)) * (1 if event.choice % 2 else -1)
    after = event.moment * scene.length
    witness = scene.workdir.parent / f"{scene.workdir.name}.jumped"
    witness.unlink(missing_ok=True)
    jumps = [(after, seconds), (after + 2, -2 * seconds)]
    around = clock.environment(scene.library, jumps, witness)
    hit = _reach(Job(scene.workdir, scene.flags, around), event, scene)
    if hit is None:
        return None
    struck = _went_on(hit, f"clock {seconds / 3600:+.1f} h, then as far the other way", [])
    return struck if witness.exists() else None


def damage(event: Event, scene: Scene) -> Struck | None:
    """A kill, and a file of the newest checkpoint is damaged."""
    killed = _killed_with_a_checkpoint(event, scene)
    if killed is None:
        return None
    hit, ended, checkpoint = killed
    detail = wreck.damage(checkpoint, event, scene.damaged)
    return hit.struck(detail, ended, [])._replace(wrecked=checkpoint)


def remove(event: Event, scene: Scene) -> Struck | None:
    """A kill, and something is removed: a file or an item of the newest checkpoint, all of it, or rows."""
    killed = _killed_with_a_checkpoint(event, scene)
    if killed is None:
        return None
    hit, ended, checkpoint = killed
    metrics = scene.workdir / "metrics.jsonl"
    match event.choice % 4:
        case 0:
            detail = wreck.remove_file(checkpoint, event)
            return hit.struck(detail, ended, [])._replace(wrecked=checkpoint)
        case 1:
            detail = wreck.remove_item(checkpoint, event)
            return hit.struck(detail, ended, [])._replace(wrecked=checkpoint)
        case 2 if metrics.exists():
            detail = wreck.cut_rows(metrics, event)
            return hit.struck(detail, ended, [])._replace(rows_lost=True)
        case _:
            detail = wreck.remove_all(checkpoint)
            return hit.struck(detail, ended, [])._replace(gone=checkpoint)


def full(event: Event, scene: Scene) -> Struck | None:
    """The disk of the checkpoints, or of the whole run, fills up: one clear line, nothing older lost."""
    folder = scene.workdir / "checkpoints" if event.choice % 2 else scene.workdir
    rest = int(event.severity * _CHECKPOINT_BYTES)
    with disks.mounted(folder):
        hit = _reach(Job(scene.workdir, scene.flags), event, scene)
        if hit is None:
            return None
        before = aftermath.whole(scene.workdir)
        disks.fill(folder, rest)
        ended = _waited(hit.job, _LONGEST)
        wrong = aftermath.refused(ended, scene.workdir) + aftermath.lost_checkpoints(
            before, scene.workdir
        )
    if _done(scene):
        return None
    return hit.struck(f"disk of {_what(folder, scene)} full but for {rest} bytes", ended, wrong)


def readonly(event: Event, scene: Scene) -> Struck | None:
    """The disk of the checkpoints takes nothing any more: the same."""
    folder = scene.workdir / "checkpoints"
    with disks.mounted(folder):
        hit = _reach(Job(scene.workdir, scene.flags), event, scene)
        if hit is None:
            return None
        with disks.read_only(folder):
            before = aftermath.whole(scene.workdir)
            ended = _waited(hit.job, _LONGEST)
            wrong = aftermath.refused(ended, scene.workdir) + aftermath.lost_checkpoints(
                before, scene.workdir
            )
    if _done(scene):
        return None
    return hit.struck("disk of checkpoints read-only", ended, wrong)


STRIKES: dict[str, Callable[[Event, Scene], Struck | None]] = {
    "kill": kill,
    "term": term,
    "pause": pause,
    "clock": jump,
    "damage": damage,
    "remove": remove,
    "full": full,
    "readonly": readonly,
}
"""By kind. Each returns None if the run was over before; then the event has not happened."""


def _reach(job: Job, event: Event, scene: Scene) -> _Hit | None:
    """Waits for the moment; None if the job is done before, JobFailed if it fails before."""
    after = event.moment * scene.length
    if job.runs_for(after):
        return _Hit(job, event, after, job.phase(), time.monotonic())
    _check(job.ended())
    return None


def _check(ended: Ended) -> None:
    if ended.code:
        raise JobFailed(ended.words)


def _killed_with_a_checkpoint(event: Event, scene: Scene) -> tuple[_Hit, Ended, Path] | None:
    """Killed at the moment, or as soon as there is a checkpoint after it."""
    job = Job(scene.workdir, scene.flags)
    hit = _reach(job, event, scene)
    while hit is not None and newest(scene.workdir) is None:
        if not job.runs_for(0.02):
            _check(job.ended())
            return None
    ended = job.kill()
    checkpoint = newest(scene.workdir)
    if hit is None or checkpoint is None or _done(scene):
        return None
    return hit._replace(phase=hit.phase), ended, checkpoint


def _waited(job: Job, seconds: float) -> Ended:
    """The end of the job, which is killed if it takes longer."""
    try:
        return job.ended(seconds)
    except subprocess.TimeoutExpired:
        return job.kill()


def _went_on(hit: _Hit, detail: str, wrong: list[str]) -> Struck:
    ended = _waited(hit.job, _LONGEST)
    wrong = wrong if ended.code == 0 else [*wrong, ended.words]
    return hit.struck(detail, ended, wrong)._replace(done=ended.code == 0)


def _done(scene: Scene) -> bool:
    return (scene.workdir / "DONE").exists()


def _what(folder: Path, scene: Scene) -> str:
    return "the whole run" if folder == scene.workdir else folder.name
