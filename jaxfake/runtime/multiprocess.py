"""One run in several processes, on one machine or on many that share the run's folder.

All of them run the same program in lock-step on one mesh. Nobody can go on without the others, so the loss
of one ends all with exit code 75, and whoever started them starts them again.
"""

import faulthandler
import os
import shutil
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxfake.runtime import cli
from jaxfake.runtime.errors import Preempted
from jaxfake.runtime.progress import hush

NOTICED_SECONDS = 10
"""After so long without a sign of life a process counts as dead. One that was killed is noticed at once."""

_JOIN_SECONDS = 300
"""Machines start at different times."""

_OWN_FAULT = ("RESOURCE_EXHAUSTED", "INVALID_ARGUMENT", "UNIMPLEMENTED")
"""What JAX says where the others have nothing to do with it: memory, or a mistake."""

_NETWORK = ("Gloo", "NCCL", "UNAVAILABLE", "DEADLINE_EXCEEDED")
"""What anything says that talks to the others, Orbax included."""

_LATE = 2


class Crew(NamedTuple):
    """The processes of a run, as each of them is told."""

    coordinator: str  # host:port of the first
    size: int
    number: int  # of this one, from 0


class Wish(IntEnum):
    """What a process would do with its state now; the greatest of all wishes is done by all."""

    NOTHING = 0
    SAVE = 1
    STOP = 2


@contextmanager
def joined(crew: Crew) -> Iterator[None]:
    """Inside, this process is one of the crew. Whatever ends it early ends the process here.

    Raises:
        Preempted: the others did not come.
    """
    jax.config.update("jax_enable_preemption_service", False)  # it would take SIGTERM from us
    faulthandler.disable()  # JAX aborts when others are gone; the parent says that in a line
    try:
        jax.distributed.initialize(
            crew.coordinator,
            crew.size,
            crew.number,
            heartbeat_timeout_seconds=NOTICED_SECONDS,
            shutdown_timeout_seconds=NOTICED_SECONDS,
            initialization_timeout=_JOIN_SECONDS,
        )
    except RuntimeError as error:
        raise Preempted(
            f"{crew.size} processes did not meet at {crew.coordinator} within {_JOIN_SECONDS} s: start "
            "all of them again"
        ) from error
    if not is_first():
        hush()
    try:
        yield
        wait_for_all("end")
        jax.distributed.shutdown()
    except Exception as error:
        # The usual way out would wait for the others, who do not come.
        os._exit(cli.explain(_lost(error)))


def is_first() -> bool:
    """Whether this process writes what only one can write."""
    return jax.process_index() == 0


def wait_for_all(name: str) -> None:
    """Returns when every process is here; at once for a single one."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices(name)


def all_agree(fine: bool) -> bool:
    """Whether it is so in every process."""
    if jax.process_count() == 1:
        return fine
    return bool(np.all(multihost_utils.process_allgather(np.asarray(fine))))


@contextmanager
def one_after_the_first(name: str) -> Iterator[None]:
    """The first process goes through the inside alone, and then the others together."""
    if not is_first():
        wait_for_all(name)
    yield
    if is_first():
        wait_for_all(name)


def by_the_first(around: AbstractContextManager[None]) -> AbstractContextManager[None]:
    """What only one process does around the work; the others do nothing, and wait where they meet."""
    return around if is_first() else nullcontext()


@contextmanager
def desk(workdir: Path) -> Iterator[Path]:
    """The folder that this process works in.

    The run's own for the first. Each of the others computes the same, and has a folder that is
    thrown away; of the run's it sees the config, whether it is done, and the checkpoints.
    """
    if is_first():
        (workdir / "checkpoints").mkdir(parents=True, exist_ok=True)
    wait_for_all("folder")
    if is_first():
        wait_for_all("desk")
        yield workdir
        return
    with tempfile.TemporaryDirectory() as name:
        own = Path(name) / workdir.name
        own.mkdir()
        (own / "checkpoints").symlink_to((workdir / "checkpoints").resolve())
        for file in ("config.json", "DONE"):
            if (workdir / file).exists():
                shutil.copy(workdir / file, own / file)
        wait_for_all("desk")
        yield own


class Agreement:
    """What all processes do, from what each of them wishes; heard two turns late, so nobody waits."""

    def __init__(self, mesh: Mesh) -> None:
        self._place = NamedSharding(mesh, PartitionSpec(mesh.axis_names))
        whole = NamedSharding(mesh, PartitionSpec())
        self._greatest = jax.jit(lambda wishes: wishes.max(), out_shardings=whole)
        self._on_the_way: deque[jax.Array] = deque()

    def on(self, wish: Wish) -> Wish:
        """The wish of all, once a turn. A single process is heard at once."""
        if jax.process_count() == 1:
            return wish
        mine = np.full(jax.local_device_count(), wish, np.int32)
        wishes = jax.make_array_from_process_local_data(self._place, mine)
        self._on_the_way.append(self._greatest(wishes))
        if len(self._on_the_way) <= _LATE:
            return Wish.NOTHING
        return Wish(int(jax.device_get(self._on_the_way.popleft())))

    def forget(self) -> None:
        """What was wished before a save is fulfilled by it."""
        self._on_the_way.clear()


def _lost(error: Exception) -> Exception:
    """What the death of another process looks like from here, as a reason to start again."""
    for cause in _chain(error):
        text = " ".join(str(cause).split())
        of_jax = isinstance(cause, jax.errors.JaxRuntimeError)
        if any(sign in text for sign in _NETWORK) or (
            of_jax and not any(own in text for own in _OWN_FAULT)
        ):
            return Preempted(
                f"another process of this run is gone ({text[:120]}): what was saved is whole, start all "
                "of them again to go on"
            )
    return error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and what it came of."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
