"""The faults: one function for each kind of event, with the checks right after it."""

import json
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from jaxfake.experiment.run_folder import RunFolder
from jaxfake.runtime.errors import PREEMPTED, USAGE
from jaxfake.runtime.preemption import GRACE_SECONDS
from tools.chaos import checks, clock, disks, file_damage
from tools.chaos.injection import (
    ALL_DAMAGED,
    Injected,
    JobFailed,
    Target,
    done,
    finish,
    kill_with_checkpoint,
    run_until_event,
    wait_or_kill,
)
from tools.chaos.job import Ended, Job, steps
from tools.chaos.schedule import Event

Fault = Callable[[Event, Target], Injected | None]

_STARTUP_SECONDS = 3.0
"""A signal ends a process that just started, before Python handles signals; longer on a busy machine."""
_CHECKPOINT_BYTES = 6e6
_POLL_SECONDS = 0.05


def kill(event: Event, target: Target) -> Injected | None:
    """SIGKILL."""
    point = run_until_event(Job(target.workdir, target.flags), event, target)
    if point is None:
        return None
    ended = point.job.kill()
    return None if done(target) else point.injected("SIGKILL", ended, [])


def _asked(number: signal.Signals) -> Fault:
    """A signal that asks to stop: exit code 75 within the grace period, and no step is lost."""

    def ask(event: Event, target: Target) -> Injected | None:
        before = steps(target.workdir)
        point = run_until_event(Job(target.workdir, target.flags), event, target)
        if point is None:
            return None
        point.job.process.send_signal(number)
        ended = wait_or_kill(point.job, GRACE_SECONDS)
        _raise_if_all_is_damaged(ended)
        if ended.code == 0 and done(target):
            return None
        if ended.code == -number and point.after_seconds < _STARTUP_SECONDS:
            return point.injected(f"{number.name} before Python handles signals", ended, [])
        wrong = [] if ended.code == PREEMPTED else [ended.words]
        wrong += checks.lost_steps(point.job, ended, before)
        return point.injected(number.name, ended, wrong)

    return ask


def _raise_if_all_is_damaged(ended: Ended) -> None:
    """For a job that had nothing left to go on from, and said so before it could do what is checked."""
    if ended.code == USAGE and ALL_DAMAGED.search(ended.words):
        raise JobFailed(ended.words)


def second(event: Event, target: Target) -> Injected | None:
    """The same command once more beside the job: it is refused in one line, and the job goes on."""
    with Job(target.workdir, target.flags) as job:
        point = run_until_event(job, event, target)
        if point is None:
            return None
        while not _at_work(job):  # it has just started: it must be the first of the two
            if not job.runs_for(_POLL_SECONDS):
                return None
        with Job(target.workdir, target.flags) as beside:
            ended = wait_or_kill(beside, target.longest)
        if (
            ended.code == 0 and "restored step" not in ended.output
        ):  # the first had just done it all
            return None
        _raise_if_all_is_damaged(ended)
        wrong = checks.refused_beside(ended, target.workdir)
        return finish(point, target, f"a second process: exit code {ended.code}", wrong)


def _at_work(job: Job) -> bool:
    """Whether it holds the lease of its folder."""
    try:
        lease = json.loads(RunFolder(job.workdir).lease(0).read_text())
    except (OSError, ValueError):
        return False
    return bool(lease["process"] == job.process.pid)


def closed(event: Event, target: Target) -> Injected | None:
    """Nobody reads standard output and error any more: the job goes on to its end."""
    with Job(target.workdir, target.flags, read=True) as job:
        point = run_until_event(job, event, target)
        if point is None:
            return None
        job.stop_reading()
        return replace(finish(point, target, "output closed", []), unheard=True)


def pause(event: Event, target: Target) -> Injected | None:
    """SIGSTOP for some seconds, as on a host that hangs; then the job goes on by itself."""
    point = run_until_event(Job(target.workdir, target.flags), event, target)
    if point is None:
        return None
    point.job.process.send_signal(signal.SIGSTOP)
    seconds = 1 + 4 * event.severity
    time.sleep(seconds)
    point.job.process.send_signal(signal.SIGCONT)
    return finish(point, target, f"stopped for {seconds:.1f} s", [])


def jump(event: Event, target: Target) -> Injected | None:
    """The wall clock jumps by hours, and some seconds later further back."""
    assert target.clock_library is not None
    seconds = int(3600 * (1 + 23 * event.severity)) * (1 if event.choice % 2 else -1)
    after = event.moment * target.duration
    witness = target.workdir.parent / f"{target.workdir.name}.jumped"
    witness.unlink(missing_ok=True)
    jumps = [(after, seconds), (after + 2, -2 * seconds)]
    environment = clock.environment(target.clock_library, jumps, witness)
    point = run_until_event(Job(target.workdir, target.flags, environment), event, target)
    if point is None:
        return None
    injected = finish(
        point, target, f"clock {seconds / 3600:+.1f} h, then as far the other way", []
    )
    return injected if witness.exists() else None


def damage(event: Event, target: Target) -> Injected | None:
    """SIGKILL, then a file of the newest checkpoint is damaged."""
    killed = kill_with_checkpoint(event, target)
    if killed is None:
        return None
    point, ended, checkpoint = killed
    detail = file_damage.damage(checkpoint, event, target.damage_counts)
    return replace(point.injected(detail, ended, []), damaged=checkpoint)


def remove(event: Event, target: Target) -> Injected | None:
    """SIGKILL, then a file, an item or all of the newest checkpoint is removed, or rows of metrics."""
    killed = kill_with_checkpoint(event, target)
    if killed is None:
        return None
    point, ended, checkpoint = killed
    metrics = RunFolder(target.workdir).metrics
    match event.choice % 4:
        case 0:
            detail = file_damage.remove_file(checkpoint, event)
            return replace(point.injected(detail, ended, []), damaged=checkpoint)
        case 1:
            detail = file_damage.remove_item(checkpoint, event)
            return replace(point.injected(detail, ended, []), damaged=checkpoint)
        case 2 if metrics.exists():
            detail = file_damage.cut_rows(metrics, event)
            return replace(point.injected(detail, ended, []), rows_lost=True)
        case _:
            detail = file_damage.remove_all(checkpoint)
            return replace(point.injected(detail, ended, []), removed=checkpoint)


def full(event: Event, target: Target) -> Injected | None:
    """The disk of the checkpoints, or of the whole run, fills up: one clear line, nothing older lost."""
    folder = RunFolder(target.workdir).checkpoints if event.choice % 2 else target.workdir
    rest = int(event.severity * _CHECKPOINT_BYTES)
    name = "the whole run" if folder == target.workdir else folder.name
    detail = f"disk of {name} full but for {rest} bytes"
    return _disk_fails(folder, lambda: disks.filled(folder, rest), detail, event, target)


def readonly(event: Event, target: Target) -> Injected | None:
    """The disk of the checkpoints becomes read-only: one clear line, nothing older lost."""
    folder = RunFolder(target.workdir).checkpoints
    return _disk_fails(
        folder, lambda: disks.read_only(folder), "disk of checkpoints read-only", event, target
    )


def _disk_fails(
    folder: Path,
    failure: Callable[[], AbstractContextManager[None]],
    detail: str,
    event: Event,
    target: Target,
) -> Injected | None:
    """The disk of a folder fails from the instant of the event on."""
    with disks.mounted(folder), Job(target.workdir, target.flags) as job:
        point = run_until_event(job, event, target)
        if point is None:
            return None
        with failure():
            before = checks.checkpoint_digests(target.workdir)
            ended = wait_or_kill(job, target.longest)
            wrong = checks.refused(ended, target.workdir)
            wrong += checks.lost_checkpoints(before, target.workdir)
    return None if done(target) else point.injected(detail, ended, wrong)


FAULTS: dict[str, Fault] = {
    "kill": kill,
    "term": _asked(signal.SIGTERM),
    "hup": _asked(signal.SIGHUP),
    "usr1": _asked(signal.SIGUSR1),
    "usr2": _asked(signal.SIGUSR2),
    "second": second,
    "closed": closed,
    "pause": pause,
    "clock": jump,
    "damage": damage,
    "remove": remove,
    "full": full,
    "readonly": readonly,
}
"""By kind of event. Each returns None if the run was over before, so that the event did not happen."""
