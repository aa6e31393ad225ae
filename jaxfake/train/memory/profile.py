"""The profile of a stage on a device: what its blocks cost and what the rest of a step costs.

Bytes come from at most six compiled steps (see `live.fit`) and from traced blocks; seconds from counted
work and, where asked, from short timed runs (see `speed`). A profile is kept in the cache folder under
everything that it depends on, and made again when one of these changes.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import jax

from jaxfake import schema
from jaxfake.models.method import Method
from jaxfake.models.remat import Policy
from jaxfake.runtime.files import cache_folder, write_atomically
from jaxfake.runtime.tree_paths import path_name
from jaxfake.schema import Batch
from jaxfake.train.memory import live
from jaxfake.train.memory.analysis import Analysis
from jaxfake.train.memory.blocks import Block, Stack, stacks
from jaxfake.train.memory.live import Anchor, Fit
from jaxfake.train.memory.next_use import groups_by_next_use
from jaxfake.train.memory.offload import of_a_stack
from jaxfake.train.memory.plan import Plan, uniform
from jaxfake.train.state import TrainState

ANCHORED: tuple[Policy, ...] = ("none", "dots", "named", "full")
"""Policies that are compiled for a whole step each."""

VERSION = 4
"""Of what is counted here; a profile of another version is made again."""


@dataclasses.dataclass(frozen=True)
class Profile:
    """All that a plan is decided from.

    Attributes:
        faces: a device's share of a batch.
        cuttable: whether it may be cut into micro-batches.
        stacks: that are trained, in the order of a forward pass; what is kept as the compiler keeps it.
        fit: of the temporary bytes.
        arguments: bytes of the state and the batch.
        batch: bytes of one face in a batch.
        outputs: bytes of a step's outputs that take no argument's place.
        gradients: bytes of all gradients.
        moments: bytes of the optimizer's state and of the moving average.
        stack_params: bytes of the stacks' parameters, the frozen ones included.
        groups: bytes of the optimizer's state for each group of parameters, in next-use order.
        rest_flops, rest_traffic: of a step for one face, without the blocks of the trained stacks.
    """

    faces: int
    cuttable: bool
    stacks: dict[str, Stack]
    fit: Fit
    arguments: int
    batch: float
    outputs: int
    gradients: int
    moments: int
    stack_params: int
    groups: tuple[int, ...]
    rest_flops: float
    rest_traffic: float

    def for_faces(self, faces: int) -> "Profile":
        """The profile of another batch, with so many faces for a device."""
        arguments = self.arguments + round((faces - self.faces) * self.batch)
        return dataclasses.replace(self, faces=faces, arguments=arguments)

    @property
    def group(self) -> int:
        """The largest group."""
        return max(self.groups)

    @property
    def depths(self) -> dict[str, int]:
        """Blocks of each stack."""
        return {name: stack.depth for name, stack in self.stacks.items()}


class Subject(NamedTuple):
    """What is profiled: a stage of training, abstract.

    Attributes:
        analysed: plan -> what the compiler says of the stage's step under it.
        key: says in words all that a profile depends on.
    """

    method: Method
    state: TrainState
    batch: Batch
    faces: int
    cuttable: bool
    analysed: Callable[[Plan], Analysis]
    key: str


def make_profile(subject: Subject) -> Profile:
    """Compiles the anchors and counts the rest."""
    params = subject.state.params
    trained = stacks(subject.method, params, subject.batch)
    depths = {name: stack.depth for name, stack in trained.items()}
    plans = _anchor_plans(subject, depths)
    with ThreadPoolExecutor(len(plans)) as pool:  # a compiler does not hold Python's lock
        said = dict(zip(plans, pool.map(subject.analysed, plans.values()), strict=True))
    anchors = {
        name: Anchor(subject.faces // plan.micro_batches, said[name].temporary)
        for name, plan in plans.items()
    }
    uniforms = {policy: anchors[policy] for policy in ANCHORED}
    fitted = live.fit(trained, uniforms, anchors.get("half"), anchors.get("least"))
    whole, full = said["full"], {n: s.policies["full"] for n, s in trained.items()}
    faces = subject.faces
    moments = _bytes((subject.state.opt_state, subject.state.ema))
    return Profile(
        faces=faces,
        cuttable=subject.cuttable,
        stacks={name: live.scaled(stack, fitted.scales) for name, stack in trained.items()},
        fit=fitted,
        arguments=whole.arguments,
        batch=_bytes(subject.batch) / subject.batch[schema.VALID].shape[0],
        outputs=whole.outputs - whole.aliased,
        gradients=_bytes(params),
        moments=moments,
        stack_params=_bytes_of_stacks(params),
        groups=_groups(subject.state),
        rest_flops=whole.flops / faces - sum(b.flops * depths[n] for n, b in full.items()),
        rest_traffic=whole.traffic / faces - sum(b.traffic * depths[n] for n, b in full.items()),
    )


def cached_profile(subject: Subject) -> Profile:
    """The profile of the cache folder; made and kept there if there is none."""
    path = cache_path(subject, "profile")
    if path.exists():
        return from_json(json.loads(path.read_text()))
    profile = make_profile(subject)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(dataclasses.asdict(profile)))
    return profile


def cache_path(subject: Subject, what: str) -> Path:
    """Where something is kept that depends on a subject and on nothing else."""
    digest = hashlib.sha256(f"{VERSION} {subject.key}".encode()).hexdigest()
    return cache_folder() / "memory" / f"{what}-{digest[:32]}.json"


def from_json(values: dict[str, Any]) -> Profile:
    """A profile from `dataclasses.asdict`."""
    trained = {
        name: Stack(**{**stack, "policies": _blocks(stack["policies"])})
        for name, stack in values["stacks"].items()
    }
    return Profile(
        **{
            **values,
            "stacks": trained,
            "fit": Fit(**values["fit"]),
            "groups": tuple(values["groups"]),
        }
    )


def _blocks(values: dict[Policy, Any]) -> dict[Policy, Block]:
    return {policy: Block(**costs) for policy, costs in values.items()}


def _anchor_plans(subject: Subject, depths: dict[str, int]) -> dict[str, Plan]:
    faces = subject.faces
    plans: dict[str, Plan] = {policy: uniform(policy, depths) for policy in ANCHORED}
    if subject.cuttable and faces > 1:
        half = next(n for n in range(2, faces + 1) if faces % n == 0)
        plans["half"] = uniform("full", depths, micro_batches=half)
        if half < faces:
            plans["least"] = uniform("full", depths, micro_batches=faces)
    return plans


def _bytes(tree: Any) -> int:
    return sum(_of_a_device(leaf) for leaf in jax.tree.leaves(tree))


def _of_a_device(leaf: jax.ShapeDtypeStruct) -> int:
    """Bytes of a device's share of an array."""
    shape = leaf.sharding.shard_shape(leaf.shape) if leaf.sharding else leaf.shape
    size = leaf.dtype.itemsize
    for side in shape:
        size *= side
    return int(size)


def _bytes_of_stacks(params: Any) -> int:
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return sum(_of_a_device(leaf) for path, leaf in leaves if of_a_stack(path_name(path)))


def _groups(state: TrainState) -> tuple[int, ...]:
    """Bytes of moments and average that come to the device together."""
    leaves = jax.tree.leaves(state.params)
    every = _bytes((state.opt_state, state.ema)) / max(1, _bytes(state.params))
    groups = groups_by_next_use(state.params)
    return tuple(round(every * sum(_of_a_device(leaves[i]) for i in group)) for group in groups)
