"""What the weather does to a run: each kind of event, and what must be true right after it."""

import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from jaxfake.runtime.errors import PREEMPTED
from jaxfake.runtime.preemption import GRACE_SECONDS
from tools.chaos import aftermath, clock, disks, wreck
from tools.chaos.job import Job, steps
from tools.chaos.scene import (
    LONGEST,
    Scene,
    Struck,
    done,
    killed_with_a_checkpoint,
    reach,
    waited,
    went_on,
)
from tools.chaos.weather import Event

_DEAF_SECONDS = 3.0
"""A process that begins dies of SIGTERM until Python hears signals; longer on a busy machine."""
_CHECKPOINT_BYTES = 6e6


def kill(event: Event, scene: Scene) -> Struck | None:
    """SIGKILL."""
    hit = reach(Job(scene.workdir, scene.flags), event, scene)
    if hit is None:
        return None
    ended = hit.job.kill()
    return None if done(scene) else hit.struck("SIGKILL", ended, [])


def term(event: Event, scene: Scene) -> Struck | None:
    """SIGTERM: exit 75 within the grace, and no step is lost."""
    before = steps(scene.workdir)
    hit = reach(Job(scene.workdir, scene.flags), event, scene)
    if hit is None:
        return None
    hit.job.process.send_signal(signal.SIGTERM)
    ended = waited(hit.job, GRACE_SECONDS)
    if ended.code == 0 and done(scene):
        return None
    if ended.code == -signal.SIGTERM and hit.after_seconds < _DEAF_SECONDS:
        return hit.struck("SIGTERM before Python hears signals", ended, [])
    wrong = [] if ended.code == PREEMPTED else [ended.words]
    return hit.struck("SIGTERM", ended, wrong + aftermath.lost_steps(hit.job, ended, before))


def pause(event: Event, scene: Scene) -> Struck | None:
    """SIGSTOP for some seconds, as by a host that stands still; it goes on by itself."""
    hit = reach(Job(scene.workdir, scene.flags), event, scene)
    if hit is None:
        return None
    hit.job.process.send_signal(signal.SIGSTOP)
    seconds = 1 + 4 * event.severity
    time.sleep(seconds)
    hit.job.process.send_signal(signal.SIGCONT)
    return went_on(hit, f"stood still for {seconds:.1f} s", [])


def jump(event: Event, scene: Scene) -> Struck | None:
    """The wall clock jumps by hours, and some seconds later further back."""
    assert scene.library is not None
    seconds = int(3600 * (1 + 23 * event.severity)) * (1 if event.choice % 2 else -1)
    after = event.moment * scene.length
    witness = scene.workdir.parent / f"{scene.workdir.name}.jumped"
    witness.unlink(missing_ok=True)
    jumps = [(after, seconds), (after + 2, -2 * seconds)]
    around = clock.environment(scene.library, jumps, witness)
    hit = reach(Job(scene.workdir, scene.flags, around), event, scene)
    if hit is None:
        return None
    struck = went_on(hit, f"clock {seconds / 3600:+.1f} h, then as far the other way", [])
    return struck if witness.exists() else None


def damage(event: Event, scene: Scene) -> Struck | None:
    """A kill, and a file of the newest checkpoint is damaged."""
    killed = killed_with_a_checkpoint(event, scene)
    if killed is None:
        return None
    hit, ended, checkpoint = killed
    detail = wreck.damage(checkpoint, event, scene.damaged)
    return hit.struck(detail, ended, [])._replace(wrecked=checkpoint)


def remove(event: Event, scene: Scene) -> Struck | None:
    """A kill, and something is removed: a file or an item of the newest checkpoint, all of it, or rows."""
    killed = killed_with_a_checkpoint(event, scene)
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
    name = "the whole run" if folder == scene.workdir else folder.name
    detail = f"disk of {name} full but for {rest} bytes"
    return _refuses(folder, lambda: disks.filled(folder, rest), detail, event, scene)


def readonly(event: Event, scene: Scene) -> Struck | None:
    """The disk of the checkpoints takes nothing any more: the same."""
    folder = scene.workdir / "checkpoints"
    return _refuses(
        folder, lambda: disks.read_only(folder), "disk of checkpoints read-only", event, scene
    )


def _refuses(
    folder: Path,
    trouble: Callable[[], AbstractContextManager[None]],
    detail: str,
    event: Event,
    scene: Scene,
) -> Struck | None:
    """A disk at a folder that is in trouble from the moment on."""
    with disks.mounted(folder), Job(scene.workdir, scene.flags) as job:
        hit = reach(job, event, scene)
        if hit is None:
            return None
        with trouble():
            before = aftermath.whole(scene.workdir)
            ended = waited(job, LONGEST)
            wrong = aftermath.refused(ended, scene.workdir)
            wrong += aftermath.lost_checkpoints(before, scene.workdir)
    return None if done(scene) else hit.struck(detail, ended, wrong)


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
