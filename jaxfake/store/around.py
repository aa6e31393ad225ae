"""A job whose folder is mirrored to a store: fetched before, uploaded meanwhile, complete afterwards."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from jaxfake.runtime.errors import InputError, Preempted
from jaxfake.runtime.preemption import preemption
from jaxfake.runtime.progress import say
from jaxfake.store import layout
from jaxfake.store.claims import config_of
from jaxfake.store.layout import Step
from jaxfake.store.mirror import PACE, Mirror, Pace
from jaxfake.store.pull import pull
from jaxfake.store.push import Push
from jaxfake.store.remote import Remote, StoreError


@contextmanager
def mirrored(
    workdir: Path, url: str | None, config_sha256: str, pace: Pace = PACE
) -> Iterator[None]:
    """Around a job. Without a URL, nothing.

    Raises:
        InputError: the store cannot be used, has another run, or cannot be asked whether it has this one.
        Preempted: the job is done, or was stopped, and the store does not have everything.
    """
    if url is None or _is_another(workdir, config_sha256):
        yield
        return
    remote = Remote(url, pace.silence)
    begin = _begin(remote, workdir, config_sha256, pace)
    push = Push(workdir, remote, config_sha256, begin.damaged)
    mirror = Mirror(push, remote, begin.trouble, pace)
    mirror.start()
    try:
        with preemption.before_exit(lambda: _left_behind(mirror, pace.patience)):
            yield
    except Preempted as stop:
        raise Preempted(f"{stop}{_left_behind(mirror, pace.patience)}") from stop
    except Exception:
        if remark := _left_behind(mirror, pace.patience / 8):
            say(f"failed{remark}")
        raise
    else:
        with preemption.protecting():
            _complete(mirror, pace)
    finally:
        mirror.close()


def _is_another(workdir: Path, config_sha256: str) -> bool:
    """Whether the workdir holds another run: the job will refuse it, and the store must not get it."""
    path = workdir / layout.CONFIG
    return path.exists() and config_of(path.read_bytes()) != config_sha256


class _Beginning(NamedTuple):
    """How the store was met."""

    damaged: frozenset[Step] = frozenset()
    trouble: str | None = None  # why it could not be, as the user was told


def _begin(remote: Remote, workdir: Path, config_sha256: str, pace: Pace) -> _Beginning:
    """Fetches what the store has more of. A workdir that has nothing waits for it, for some time."""
    until = time.monotonic() + pace.start
    while True:
        try:
            pulled = pull(remote, workdir, config_sha256)
            break
        except StoreError as error:
            if (workdir / layout.CONFIG).exists():
                say(f"{remote.url} cannot be asked ({error}): going on from what {workdir} has")
                return _Beginning(trouble=str(error))
            if time.monotonic() > until:
                raise InputError(
                    f"{remote.url} cannot be asked ({error}), and {workdir} has no run to go on with: "
                    "it would begin anew. Try again, or leave out --store"
                ) from error
        time.sleep(pace.start / 20)
    if pulled.fetched:
        steps = ", ".join(f"{step.stage} {step.number}" for step in pulled.fetched)
        say(f"fetched from {remote.url}: {steps}")
    return _Beginning(pulled.damaged)


def _left_behind(mirror: Mirror, patience: float) -> str:
    """Brings the newest to the store; a remark on what did not get there, or nothing."""
    lacking = mirror.finish(True, patience)
    return f"; but {mirror.words(lacking)}" if lacking else ""


def _complete(mirror: Mirror, pace: Pace) -> None:
    if lacking := mirror.finish(False, pace.patience):
        raise Preempted(
            f"the run is done, but {mirror.words(lacking)}: run the same command again to upload the rest"
        )
