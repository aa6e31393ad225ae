"""The profile of a stage on a device: what its blocks cost and what the rest of a step costs.

Counts come from traced steps, and bytes beside them from one that is compiled: full recomputation of the
whole batch, or the plain step where that is known or a batch may not be cut. `whole_profile` knows the
plain step in any case, and what a localiser spares, and takes longer. Seconds follow from counted work and
a device's rates, see `rates`. A profile is kept in the cache folder under everything that it depends on,
and made again when one of these changes.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from typing import Any

import jax
import optax

from jaxfake import schema
from jaxfake.models.remat import POLICIES, Policy, Segment, Segments, StackName
from jaxfake.runtime.tree_paths import path_name
from jaxfake.train.memory import counts, peak
from jaxfake.train.memory.counts import SegmentCount, StepCount, Work
from jaxfake.train.memory.kept import kept, known
from jaxfake.train.memory.next_use import group_bytes, nbytes
from jaxfake.train.memory.peak import Block, Fit, Point, Stack
from jaxfake.train.memory.placement import of_a_stack
from jaxfake.train.memory.plan import Plan, autoencoder_of, uniform, with_segments
from jaxfake.train.memory.workload import (
    CompiledStep,
    MemoryNeed,
    Workload,
    compile_step,
    trace_step,
)

_GRADIENTS = {"cpu": (3.0, 3.0), "gpu": (1.0, 2.0)}
"""Times the bytes of all gradients that a step needs beside activations, by back end: with a batch at once,
and in micro-batches, whose gradients are added up. Steps of ViT-S and ViT-B: 2.9 to 3.1 on a CPU, 0.9 to
1.0 and 2.0 on an H200."""

_FROM_FULL, _FROM_PLAIN = "profile", "profile_from_plain"
"""What a profile is kept as, by the step that was compiled for it."""


@dataclasses.dataclass(frozen=True)
class Profile:
    """All that a plan is decided from.

    Attributes:
        faces: a device's share of a batch.
        cuttable: whether it may be cut into micro-batches.
        stacks: that are trained, in the order of a forward pass.
        fit: of the temporary bytes.
        arguments: bytes of the state and the batch.
        batch: bytes of one face in a batch.
        outputs: bytes of a step's outputs that take no argument's place.
        gradients: bytes of the gradients of all that is trained.
        moments: bytes of the optimizer's state and of the moving average.
        stack_params: bytes of the stacks' parameters, the frozen ones included.
        groups: bytes of the optimizer's state for each group of parameters, in next-use order.
        rest: work for one face outside of the trained stacks.
        localiser_spares: bytes for one face that are not kept if the localiser computes its blocks again.
        localiser_again: the work that this costs; nothing where there is no localiser.
        compiling: seconds that the step took to compile that the profile was made with.
    """

    faces: int
    cuttable: bool
    stacks: dict[StackName, Stack]
    fit: Fit
    arguments: int
    batch: float
    outputs: int
    gradients: int
    moments: int
    stack_params: int
    groups: tuple[int, ...]
    rest: Work
    localiser_spares: float
    localiser_again: Work
    compiling: float

    def for_faces(self, faces: int) -> "Profile":
        """The profile of another batch, with so many faces for a device."""
        arguments = self.arguments + round((faces - self.faces) * self.batch)
        return dataclasses.replace(self, faces=faces, arguments=arguments)

    @property
    def group(self) -> int:
        """Bytes of the largest group."""
        return max(self.groups)

    @property
    def depths(self) -> dict[StackName, int]:
        """Blocks of each stack."""
        return {name: stack.depth for name, stack in self.stacks.items()}


def depths_of(workload: Workload) -> dict[StackName, int]:
    """Blocks of every stack that a method of this workload may have."""
    mae = autoencoder_of(workload.method)
    encoder, decoder = mae.encoder.depth, mae.decoder.depth
    return {"overall": encoder, "encoder": encoder, "decoder": decoder}


def make_profile(workload: Workload, plain: CompiledStep | None = None) -> Profile:
    """Compiles one step, and counts in others meanwhile.

    Args:
        plain: the step with nothing added, if it was compiled with the whole batch at once; no other is
            compiled then.
    """
    count = counts.count(trace_step(workload, plain_plan(workload)).program)
    depths = {name: depth for name, depth in depths_of(workload).items() if name in count.stacks}
    plan = plain_plan(workload) if plain or not workload.cuttable else uniform("full", depths)
    with ThreadPoolExecutor(1) as pool:  # a compiler does not hold Python's lock
        compiling = pool.submit(lambda: plain or compile_step(workload, plan, quick=True))
        stacks = _stacks(workload, _counted(workload, depths, count), depths)
    step = compiling.result()
    policy: Policy = "none" if plan in (None, Plan()) else "full"
    point = Point(policy, workload.faces, step.need.temporary)
    fit = peak.fitted(stacks, point, *_gradient_bytes(workload))
    return _profile(workload, step, count.outside, stacks, fit)


def _gradient_bytes(workload: Workload) -> Iterator[float]:
    """Of a step with a batch at once, and of one in micro-batches."""
    times = _GRADIENTS.get(jax.default_backend(), _GRADIENTS["gpu"])
    return (one * _gradients(workload) for one in times)


def has_localiser(workload: Workload) -> bool:
    """Whether the method has a U-Net whose blocks may be computed again."""
    return "localising" in workload.parts.abstract.params


def known_profile(workload: Workload, plain: CompiledStep | None = None) -> Profile:
    """`make_profile`, kept in the cache folder."""
    what = _FROM_PLAIN if plain else _FROM_FULL
    found = kept(what, workload.key, lambda: dataclasses.asdict(make_profile(workload, plain)))
    return from_json(found)


def kept_profile(workload: Workload) -> Profile | None:
    """A profile that was made before; None if there is none."""
    found = known(_FROM_FULL, workload.key) or known(_FROM_PLAIN, workload.key)
    return None if found is None else from_json(found)


def whole_profile(workload: Workload) -> Profile:
    """The profile with all that may be known: for a start of training that would take too long.

    It compiles the plain step too and, where there is a localiser, two more to see what that may spare.
    """
    profile = known_profile(workload)
    if workload.cuttable:
        plain = MemoryNeed(*kept("plain", workload.key, lambda: _plain_need(workload)))
        point = Point("none", workload.faces, plain.temporary)
        fit = peak.with_plain(profile.fit, profile.stacks, point)
        profile = dataclasses.replace(profile, fit=fit)
    if not has_localiser(workload):
        return profile
    spares, again = kept("localiser", workload.key, lambda: _localiser(workload))
    return dataclasses.replace(profile, localiser_spares=spares, localiser_again=Work(*again))


def _plain_need(workload: Workload) -> MemoryNeed:
    return compile_step(workload, plain_plan(workload), quick=True).need


def _localiser(workload: Workload) -> tuple[float, Work]:
    """Bytes that a localiser spares for a face where nothing else is kept, and what that costs."""
    plans = [uniform("full", depths_of(workload), localiser=one) for one in ("none", "full")]
    with ThreadPoolExecutor(len(plans)) as pool:
        steps = pool.map(lambda plan: compile_step(workload, plan, quick=True), plans)
        before, after = (step.need.temporary for step in steps)
    kept_all, kept_less = (counts.count(trace_step(workload, one).program).whole for one in plans)
    again = (kept_less + kept_all.times(-1.0)).times(1 / workload.settings.batch_size)
    return max(0.0, (before - after) / workload.faces), again


def from_json(values: dict[str, Any]) -> Profile:
    """A profile from `dataclasses.asdict`, through JSON or not."""
    stacks = {
        name: Stack(**{**stack, "policies": _blocks(stack["policies"])})
        for name, stack in values["stacks"].items()
    }
    made = {"stacks": stacks, "fit": Fit(**values["fit"]), "groups": tuple(values["groups"])}
    works = {name: Work(*values[name]) for name in ("rest", "localiser_again")}
    return Profile(**{**values, **made, **works})


def _blocks(values: dict[Policy, Any]) -> dict[Policy, Block]:
    work = ("forward", "backward")
    return {
        policy: Block(**{**block, **{name: Work(*block[name]) for name in work}})
        for policy, block in values.items()
    }


def _counted(
    workload: Workload, depths: dict[StackName, int], plain: StepCount
) -> dict[StackName, dict[Policy, SegmentCount]]:
    """Each stack under each policy, from as few steps as possible."""
    stacks = {name: dict(policies) for name, policies in plain.stacks.items()}
    for plan in _plans_to_trace(depths):
        for name, policies in counts.count(trace_step(workload, plan).program).stacks.items():
            stacks[name] |= policies
    return stacks


def plain_plan(workload: Workload) -> Plan | None:
    """The plan of a step with nothing added and a batch at once; None where that is what was asked for."""
    return None if workload.fewest_micro_batches == 1 else Plan()


def _plans_to_trace(depths: dict[StackName, int]) -> Iterator[Plan]:
    """Plans with all policies but 'none', as many in one as a stack has blocks."""
    policies = [policy for policy in POLICIES if policy != "none"]
    for several in batched(policies, min(depths.values())):
        yield with_segments(Plan(), {name: _a_block_each(several, n) for name, n in depths.items()})


def _a_block_each(policies: Sequence[Policy], depth: int) -> Segments:
    """A block with each policy, and all others with the last."""
    *first, last = policies
    return (*(Segment(one, 1) for one in first), Segment(last, depth - len(first)))


def _stacks(
    workload: Workload,
    counted: dict[StackName, dict[Policy, SegmentCount]],
    depths: dict[StackName, int],
) -> dict[StackName, Stack]:
    mae, share = autoencoder_of(workload.method), 1 / workload.settings.batch_size
    widths = {"overall": mae.encoder.width, "encoder": mae.encoder.width}
    return {
        name: Stack(
            depths[name],
            4 * 12 * widths.get(name, mae.decoder.width) ** 2,
            {policy: _block(one, share) for policy, one in policies.items()},
        )
        for name, policies in counted.items()
    }


def _block(count: SegmentCount, share: float) -> Block:
    """Of one face and one block."""
    return Block(
        count.kept * share,
        count.moved * share,
        count.forward.times(share),
        count.backward.times(share),
    )


def _profile(
    workload: Workload, step: CompiledStep, outside: Work, stacks: dict[StackName, Stack], fit: Fit
) -> Profile:
    state, every = workload.parts.abstract, workload.settings.batch_size
    return Profile(
        faces=workload.faces,
        cuttable=workload.cuttable,
        stacks=stacks,
        fit=fit,
        arguments=step.need.arguments,
        batch=nbytes(workload.batch) / workload.batch[schema.VALID].shape[0],
        outputs=step.need.outputs - step.need.aliased,
        gradients=_gradients(workload),
        moments=nbytes((state.opt_state, state.ema)),
        stack_params=_bytes_of_stacks(state.params),
        groups=group_bytes(state),
        rest=outside.times(1 / every),
        localiser_spares=0.0,
        localiser_again=counts.NO_WORK,
        compiling=step.seconds,
    )


def _gradients(workload: Workload) -> int:
    """Bytes of one gradient of all that is trained: the optimizer has a first moment of each."""
    return nbytes(optax.tree.get(workload.parts.abstract.opt_state, "mu"))


def _bytes_of_stacks(params: Any) -> int:
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return sum(nbytes(leaf) for path, leaf in leaves if of_a_stack(path_name(path)))
