"""One run in several processes, on one machine or on many that share the run's folder.

All of them run the same program in lock-step on one mesh. No process can go on without the others: when one
is lost, all end with exit code 75, and whatever started them starts all of them again.
"""

import dataclasses
import faulthandler
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from enum import IntEnum

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxfake.runtime import cli
from jaxfake.runtime.devices import check_devices
from jaxfake.runtime.errors import Preempted
from jaxfake.runtime.preemption import exit_at_once
from jaxfake.runtime.progress import silence

HEARTBEAT_SECONDS = 10
"""A process without a heartbeat for this long counts as dead. One that was killed is noticed at once."""

_CONNECT_SECONDS = 300
"""Machines start at different times."""

_LOCAL_ERRORS = ("RESOURCE_EXHAUSTED", "INVALID_ARGUMENT", "UNIMPLEMENTED")
"""JAX's error codes that the other processes did not cause: memory, or a mistake in the program."""

_NETWORK_ERRORS = ("Gloo", "NCCL", "UNAVAILABLE", "DEADLINE_EXCEEDED")
"""Words in the errors of everything that talks to the other processes, Orbax included."""

_DELAY_STEPS = 2


@dataclasses.dataclass(frozen=True)
class ProcessGroup:
    """The processes of a run, and which of them this is."""

    coordinator: str  # host:port of the first
    size: int
    index: int  # of this process, from 0


class Action(IntEnum):
    """What a process proposes to do with its state now; all processes do the greatest proposal."""

    CONTINUE = 0
    SAVE = 1
    STOP = 2


@contextmanager
def connected(group: ProcessGroup) -> Iterator[None]:
    """Inside, this process is connected to the others. An error inside ends the process here.

    Raises:
        Preempted: the other processes did not connect in time.
    """
    jax.config.update("jax_enable_preemption_service", False)  # it would take SIGTERM from us
    faulthandler.disable()  # JAX aborts when other processes are gone; the parent explains it in a line
    try:
        jax.distributed.initialize(
            group.coordinator,
            group.size,
            group.index,
            heartbeat_timeout_seconds=HEARTBEAT_SECONDS,
            shutdown_timeout_seconds=HEARTBEAT_SECONDS,
            initialization_timeout=_CONNECT_SECONDS,
        )
    except RuntimeError as error:
        raise Preempted(
            f"{group.size} processes did not meet at {group.coordinator} within {_CONNECT_SECONDS} s: "
            "start all of them again"
        ) from error
    try:
        check_devices()
        if not is_first():
            silence()
        yield
        wait_for_all("end")
        jax.distributed.shutdown()
    except Exception as error:
        # An ordinary exit would wait for the other processes, which may be gone.
        exit_at_once(cli.explain(_preempted_if_others_are_gone(error)))


def is_first() -> bool:
    """Whether this process writes what only one process may write."""
    return jax.process_index() == 0


def wait_for_all(name: str) -> None:
    """A barrier: returns when every process has called it. A single process does not wait."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices(name)


def all_agree(fine: bool) -> bool:
    """Whether the condition is true in every process."""
    if jax.process_count() == 1:
        return fine
    return bool(np.all(multihost_utils.process_allgather(np.asarray(fine))))


def first_says(fine: bool) -> bool:
    """The condition as the first process finds it, which alone has all files of the run."""
    if jax.process_count() == 1:
        return fine
    return bool(multihost_utils.broadcast_one_to_all(np.asarray(fine)))


@contextmanager
def first_process_first(name: str) -> Iterator[None]:
    """The first process runs the body alone; then all other processes run it together."""
    if not is_first():
        wait_for_all(name)
    yield
    if is_first():
        wait_for_all(name)


def only_in_first(context: AbstractContextManager[None]) -> AbstractContextManager[None]:
    """The context in the first process; in the others one that does nothing."""
    return context if is_first() else nullcontext()


class Consensus:
    """The action that all processes take at the same step.

    The answer to a proposal comes two steps later, so that no process waits for the network.
    """

    def __init__(self, mesh: Mesh) -> None:
        self._sharding = NamedSharding(mesh, PartitionSpec(mesh.axis_names))
        replicated = NamedSharding(mesh, PartitionSpec())
        self._greatest = jax.jit(lambda actions: actions.max(), out_shardings=replicated)
        self._in_flight: deque[jax.Array] = deque()

    def propose(self, action: Action) -> Action:
        """The action to take now; called once a step. A single process does what it proposes at once."""
        if jax.process_count() == 1:
            return action
        mine = np.full(jax.local_device_count(), action, np.int32)
        with jax.transfer_guard("allow"):  # this is a transfer by name
            actions = jax.make_array_from_process_local_data(self._sharding, mine)
        self._in_flight.append(self._greatest(actions))
        if len(self._in_flight) <= _DELAY_STEPS:
            return Action.CONTINUE
        return Action(int(jax.device_get(self._in_flight.popleft())))

    def clear(self) -> None:
        """Drops older proposals; call it after a save, which has fulfilled them."""
        self._in_flight.clear()


def _preempted_if_others_are_gone(error: Exception) -> Exception:
    """Preempted where the error is what the loss of another process looks like; else the error itself."""
    for cause in _causes(error):
        text = " ".join(str(cause).split())
        from_jax = isinstance(cause, jax.errors.JaxRuntimeError)
        if any(word in text for word in _NETWORK_ERRORS) or (
            from_jax and not any(code in text for code in _LOCAL_ERRORS)
        ):
            return Preempted(
                f"another process of this run is gone ({text[:120]}): what was saved is whole, start all "
                "of them again to go on"
            )
    return error


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, then what caused it, and so on."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
