"""How a run is spread over devices: mesh, shardings of parameters and batches, micro-batches."""

from functools import partial
from typing import Any

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxfake.runtime.errors import InputError
from jaxfake.runtime.tree_paths import path_name
from jaxfake.train.param_rules import Rules, match

DATA_AXIS, FSDP_AXIS = "data", "fsdp"

BATCH = PartitionSpec((DATA_AXIS, FSDP_AXIS))
"""The examples of a batch are split over all devices."""

SHARDING: Rules[PartitionSpec] = (
    (r"(margin|head|localising)/.*", PartitionSpec()),
    (r".*/blocks/.*/(qkv|fc1)/kernel", PartitionSpec(None, None, FSDP_AXIS)),
    (r".*/blocks/.*/(proj|fc2)/kernel", PartitionSpec(None, FSDP_AXIS, None)),
    (r".*/(patch_embed|embed)/kernel", PartitionSpec(None, FSDP_AXIS)),
    (r".*/pred/kernel", PartitionSpec(FSDP_AXIS, None)),
    (r".*/(bias|scale)", PartitionSpec()),
    (r".*(cls_token|mask_token|reg_token|pos_embed)", PartitionSpec()),
    (r".*/(gamma|lora_a|lora_b)", PartitionSpec()),
)
"""Each kernel is split over its wider or its only divisible side; vectors are whole everywhere."""


def make_mesh(fsdp: int, batch_size: int) -> Mesh:
    """All devices as (data, fsdp); each must get the same number of a batch's examples.

    Raises:
        InputError: the devices cannot be divided so.
    """
    devices = jax.devices()
    if len(devices) % fsdp:
        raise InputError(f"config: fsdp {fsdp} must divide the {len(devices)} devices")
    if batch_size % len(devices):
        raise InputError(
            f"config: a batch of {batch_size} faces cannot be spread evenly over {len(devices)} "
            "devices, and another batch would be another run: use a number of devices that divides it"
        )
    return jax.make_mesh(
        (len(devices) // fsdp, fsdp),
        (DATA_AXIS, FSDP_AXIS),
        axis_types=(jax.sharding.AxisType.Auto,) * 2,
        devices=devices,
    )


def micro_batches(share: int, most: int) -> int:
    """Fewest equal parts of a device's share of a batch with at most `most` faces each; 0 for no limit."""
    if most == 0:
        return 1
    return next(n for n in range(1, share + 1) if share % n == 0 and share // n <= most)


def shardings(mesh: Mesh, params: Any) -> Any:
    """The sharding of each parameter, from shapes alone.

    Raises:
        InputError: the mesh does not divide a parameter that is to be split.
    """
    parts = mesh.shape[FSDP_AXIS]

    def place(path: tuple[Any, ...], leaf: Any, spec: PartitionSpec) -> NamedSharding:
        for axis, name in enumerate(spec):
            if name == FSDP_AXIS and leaf.shape[axis] % parts:
                raise InputError(
                    f"config: fsdp {parts} must divide axis {axis} of {path_name(path)} {leaf.shape}"
                )
        return NamedSharding(mesh, spec)

    return jax.tree_util.tree_map_with_path(place, params, match(SHARDING, params))


def replicated(mesh: Mesh) -> NamedSharding:
    """Whole on every device."""
    return NamedSharding(mesh, PartitionSpec())


def put(tree: Any, where: NamedSharding) -> Any:
    """Arrays of the host on the devices: each process gives what its own devices hold of them.

    A transfer by name, also where the transfer guard forbids those that slip in.
    """
    with jax.transfer_guard("allow"):
        return jax.tree.map(partial(jax.make_array_from_process_local_data, where), tree)
