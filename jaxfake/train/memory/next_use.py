"""In which order parameters are used by a forward pass, and so in which order they are updated."""

import re
from typing import Any

import jax
import numpy as np

from jaxfake.runtime.tree_paths import path_name

GROUP_BYTES = 64 * 2**20
"""Parameters are updated together up to so many bytes; a larger one alone. Our choice: enough for a copy
to run at the link's full speed, little beside what it spares."""

_USED: tuple[str, ...] = (
    r"(.*/)?(patch_embed|cls_token)(/.*)?",
    r"(finetuned|(.*/)?encoder)/blocks/.*",
    r"(finetuned|(.*/)?encoder)/.*",
    r"(.*/)?decoder/(embed|mask_token)(/.*)?",
    r"(.*/)?decoder/blocks/.*",
    r"(.*/)?decoder/.*",
    r".*",
)
"""Places in the networks, in the order in which a forward pass comes by."""


def groups_by_next_use(params: Any) -> tuple[tuple[int, ...], ...]:
    """Indices of the parameters (in the tree's order) in groups, the first used first."""
    leaves = jax.tree_util.tree_leaves_with_path(params)
    order = sorted(range(len(leaves)), key=lambda i: _place(path_name(leaves[i][0])))
    groups: list[list[int]] = []
    room = 0
    for index in order:
        size = nbytes(leaves[index][1])
        if not groups or size > room:
            groups.append([])
            room = GROUP_BYTES
        groups[-1].append(index)
        room -= size
    return tuple(map(tuple, groups))


def group_bytes(state: Any) -> tuple[int, ...]:
    """Bytes of moments and moving average that come to the device together, for each group."""
    leaves = jax.tree.leaves(state.params)
    every = nbytes((state.opt_state, state.ema)) / max(1, nbytes(state.params))
    groups = groups_by_next_use(state.params)
    return tuple(round(every * sum(nbytes(leaves[i]) for i in group)) for group in groups)


def nbytes(tree: Any) -> int:
    """Bytes of a device's share of all arrays of an abstract tree."""
    return sum(_of_a_device(leaf) for leaf in jax.tree.leaves(tree))


def _of_a_device(leaf: Any) -> int:
    sharding = getattr(leaf, "sharding", None)
    shape = leaf.shape if sharding is None else sharding.shard_shape(leaf.shape)
    return int(np.prod(shape)) * int(leaf.dtype.itemsize)


def _place(name: str) -> int:
    return next(i for i, pattern in enumerate(_USED) if re.fullmatch(pattern, name))
