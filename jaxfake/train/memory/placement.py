"""What of a state lies in the host's memory, and on which devices that means anything."""

import jax
from jax.sharding import NamedSharding

from jaxfake.runtime.errors import InputError
from jaxfake.runtime.tree_paths import path_name
from jaxfake.train.memory.plan import Plan
from jaxfake.train.state import TrainState

HOST = "pinned_host"
"""The memory kind that devices copy from and to by themselves."""


def on_host(sharding: NamedSharding) -> NamedSharding:
    """The same split, in the memory of the host."""
    return sharding.with_memory_kind(HOST)


def on_device(sharding: NamedSharding) -> NamedSharding:
    """The same split, in the memory of the devices."""
    return sharding.with_memory_kind("device")


def why_no_offload(device: jax.Device) -> str | None:
    """Why nothing can be offloaded from a device; None if it can.

    A CPU has a memory of the host's kind by name, but it is the same memory: nothing would move, and
    nothing be spared.
    """
    if device.platform == "cpu":
        return "a CPU has no memory but the host's"
    kinds = {memory.kind for memory in device.addressable_memories()}
    if HOST not in kinds:
        return f"{device.device_kind} has no memory of kind {HOST!r}"
    return None


def check_offload(plan: Plan, device: jax.Device) -> None:
    """Refuses a plan that a device cannot follow.

    Raises:
        InputError: the plan offloads, and the device has no host memory space.
    """
    reason = why_no_offload(device)
    if plan.offloads and reason is not None:
        raise InputError(f"config.memory: '{plan}' offloads, and {reason}")


def placed(abstract: TrainState, plan: Plan) -> TrainState:
    """The same shapes, with what the plan says in the host's memory.

    Single numbers stay on the device.
    """
    moved = abstract
    if plan.optimizer == "host":
        moments, ema = (jax.tree.map(_hosted, tree) for tree in (abstract.opt_state, abstract.ema))
        moved = moved.replace(opt_state=moments, ema=ema)
    if plan.params == "host":
        params = jax.tree_util.tree_map_with_path(
            lambda path, leaf: _hosted(leaf) if of_a_stack(path_name(path)) else leaf,
            abstract.params,
        )
        moved = moved.replace(params=params)
    return moved


def of_a_stack(name: str) -> bool:
    """Whether a parameter belongs to a stack of blocks, by its path."""
    return "blocks" in name.split("/")


def _hosted(leaf: jax.ShapeDtypeStruct) -> jax.ShapeDtypeStruct:
    if not leaf.shape:
        return leaf
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=on_host(leaf.sharding))
