"""One matcher for everything that is decided by a parameter's name.

Sharding, weight decay, learning rates and freezing are lists of (regular expression, value). The first
expression that matches the whole path decides. A parameter that none matches is an error, so a new
parameter cannot slip through unnoticed.

The first name of a path says what a network is for, the same in all methods: 'encoder' and 'decoder' are
stage 1's autoencoder; 'finetuned' is an encoder that became a classifier; 'mapping' is an
autoencoder that maps faces; 'decoding' is a decoder trained on; 'frozen' never changes; 'margin' holds
running medians; 'head' and 'localising' are new in stage 2.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxfake.runtime.errors import InputError

type Rules[Value] = Sequence[tuple[str, Value]]

DATA_AXIS, FSDP_AXIS = "data", "fsdp"


class Rate(NamedTuple):
    """How fast a parameter learns, beside the schedule. A factor of 0 freezes it."""

    factor: float
    layered: bool = False  # the earlier the block, the slower, by `Stage.layer_decay`


RATES: Rules[Rate] = (
    (r"frozen/.*", Rate(0.0)),
    (r"(finetuned|mapping/encoder)/.*", Rate(1.0, layered=True)),
    (r"decoding/.*", Rate(0.1)),
    (r"margin/.*", Rate(10.0)),
    (r"(encoder|decoder|mapping/decoder|head|localising)/.*", Rate(1.0)),
)
"""Layer-wise rates are those of finetuned ViTs (He et al., 2022); all else is our choice."""

DECAY: Rules[bool] = (
    (r"margin/.*", False),
    (r".*/(bias|scale)", False),
    (r".*(cls_token|mask_token)", False),
    (r".*/kernel", True),
)
"""Weight decay of the MAE (He et al., 2022): none on bias, norm and tokens."""

SHARDING: Rules[PartitionSpec] = (
    (r"(margin|head|localising)/.*", PartitionSpec()),
    (r".*/blocks/.*/(qkv|fc1)/kernel", PartitionSpec(None, None, FSDP_AXIS)),
    (r".*/blocks/.*/(proj|fc2)/kernel", PartitionSpec(None, FSDP_AXIS, None)),
    (r".*/(patch_embed|embed)/kernel", PartitionSpec(None, FSDP_AXIS)),
    (r".*/pred/kernel", PartitionSpec(FSDP_AXIS, None)),
    (r".*/(bias|scale)", PartitionSpec()),
    (r".*(cls_token|mask_token)", PartitionSpec()),
)
"""Each kernel is split over its wider or its only divisible side; vectors are whole everywhere."""

BATCH = PartitionSpec((DATA_AXIS, FSDP_AXIS))


def path_name(path: tuple[Any, ...]) -> str:
    """A tree path as in the rules: names joined by '/'."""
    return jax.tree_util.keystr(path, simple=True, separator="/")


def match[Value](rules: Rules[Value], tree: Any) -> Any:
    """A tree of the same structure that holds each parameter's value.

    Raises:
        ValueError: parameters have no rule; all of them are listed.
    """
    orphans: list[str] = []

    def value(path: tuple[Any, ...], _: Any) -> Any:
        name = path_name(path)
        for pattern, chosen in rules:
            if re.fullmatch(pattern, name):
                return chosen
        orphans.append(name)
        return None

    matched = jax.tree_util.tree_map_with_path(value, tree)
    if orphans:
        raise ValueError(f"no rule for the parameters {', '.join(orphans)}")
    return matched


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


def parts_of(share: int, most: int) -> int:
    """Fewest equal parts of a device's share of a batch that have at most `most` faces; 0: no limit."""
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
