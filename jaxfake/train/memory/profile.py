"""The profile of a stage on a device: what its blocks cost and what the rest of a step costs.

Counts come from the traced step under each uniform policy, and bytes from what the compiler says of a few
steps: the plain one; full recomputation of the whole batch and of two sizes of micro-batches; and, where
there is a localiser, full recomputation of that too. Seconds follow from counted work and a device's
rates, see `rates`. A profile is kept in the cache folder under everything that it depends on, and made
again when one of these changes.
"""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax

from jaxfake import schema
from jaxfake.models.remat import POLICIES, Policy, StackName
from jaxfake.runtime.tree_paths import path_name
from jaxfake.train.memory import counts, peak
from jaxfake.train.memory.counts import StackCount, StepCount, Work
from jaxfake.train.memory.kept import kept
from jaxfake.train.memory.next_use import group_bytes, nbytes
from jaxfake.train.memory.peak import Block, Fit, Point, Stack
from jaxfake.train.memory.placement import of_a_stack
from jaxfake.train.memory.plan import Plan, autoencoder_of, uniform
from jaxfake.train.memory.workload import MemoryNeed, Workload, compile_step, main_program

_OTHERS: tuple[Policy, ...] = tuple(policy for policy in POLICIES if policy != "full")
"""Than the policy whose step is compiled, and so is traced already."""


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
        gradients: bytes of all gradients.
        moments: bytes of the optimizer's state and of the moving average.
        stack_params: bytes of the stacks' parameters, the frozen ones included.
        groups: bytes of the optimizer's state for each group of parameters, in next-use order.
        rest: work for one face outside of the trained stacks.
        localiser_spares: bytes for one face that are not kept if the localiser computes its blocks again.
        localiser_again: the work that this costs; nothing where there is no localiser.
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


def make_profile(workload: Workload, plain: MemoryNeed | None = None) -> Profile:
    """Compiles a few plans and counts.

    Args:
        plain: what the step with nothing added needs, if that is known.
    """
    depths = depths_of(workload)
    plans = _plans_to_compile(workload, depths)
    needs = {} if plain is None else {"none": plain}
    missing = [name for name in plans if name not in needs]
    with ThreadPoolExecutor(len(missing)) as pool:  # a compiler does not hold Python's lock
        compiled = pool.map(lambda name: compile_step(workload, plans[name], quick=True), missing)
        steps = dict(zip(missing, compiled, strict=True))
    needs |= {name: step.need for name, step in steps.items()}
    counted = {policy: _count(workload, uniform(policy, depths)) for policy in _OTHERS}
    counted["full"] = counts.count(steps["full"].traced)
    stacks = _stacks(workload, counted, depths)
    fit = _fit(stacks, {name: _point(workload, plans[name], needs[name]) for name in plans})
    profile = _profile(workload, needs["full"], counted["full"], stacks, fit)
    if "localiser" not in steps:
        return profile
    spared = needs["full"].temporary - needs["localiser"].temporary
    more = counts.count(steps["localiser"].traced).whole + counted["full"].whole.times(-1.0)
    return dataclasses.replace(
        profile,
        localiser_spares=max(0.0, spared / workload.faces),
        localiser_again=more.times(1 / workload.settings.batch_size),
    )


def _plans_to_compile(workload: Workload, depths: dict[StackName, int]) -> dict[str, Plan]:
    """The plans that the bytes of a profile are fitted to."""
    plans, faces = {"none": Plan(), "full": uniform("full", depths)}, workload.faces
    if workload.cuttable and faces > 1:
        few = next(n for n in range(2, faces + 1) if faces % n == 0)
        for name, parts in {"few": few, "many": faces}.items():
            plan = uniform("full", depths, micro_batches=parts)
            if plan not in plans.values():
                plans[name] = plan
    if has_localiser(workload):
        plans["localiser"] = uniform("full", depths, localiser="full")
    return plans


def _point(workload: Workload, plan: Plan, need: MemoryNeed) -> Point:
    return Point(workload.faces // plan.micro_batches, need.temporary)


def _fit(stacks: dict[StackName, Stack], points: dict[str, Point]) -> Fit:
    cut = (points["few"], points.get("many", points["few"])) if "few" in points else None
    return peak.fitted(stacks, points["none"], points["full"], cut)


def has_localiser(workload: Workload) -> bool:
    """Whether the method has a U-Net whose blocks may be computed again."""
    return "localising" in workload.parts.abstract.params


def known_profile(workload: Workload, plain: MemoryNeed | None = None) -> Profile:
    """`make_profile`, kept in the cache folder."""
    found = kept("profile", workload.key, lambda: dataclasses.asdict(make_profile(workload, plain)))
    return from_json(found)


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


def _count(workload: Workload, plan: Plan) -> StepCount:
    update = workload.parts.under(plan)
    program, arguments = main_program(update, workload.batch)
    return counts.count(program.trace(*arguments))


def _stacks(
    workload: Workload, counted: dict[Policy, StepCount], depths: dict[StackName, int]
) -> dict[StackName, Stack]:
    mae, every = autoencoder_of(workload.method), workload.settings.batch_size
    widths = {"overall": mae.encoder.width, "encoder": mae.encoder.width}
    return {
        name: Stack(
            depths[name],
            4 * 12 * widths.get(name, mae.decoder.width) ** 2,
            {
                policy: _block(counted[policy].stacks[name], every * depths[name])
                for policy in POLICIES
            },
        )
        for name in counted["none"].stacks
    }


def _block(count: StackCount, share: int) -> Block:
    """Of one face and one block."""
    one = 1 / share
    return Block(
        count.kept * one, count.moved * one, count.forward.times(one), count.backward.times(one)
    )


def _profile(
    workload: Workload, need: MemoryNeed, full: StepCount, stacks: dict[StackName, Stack], fit: Fit
) -> Profile:
    state, every = workload.parts.abstract, workload.settings.batch_size
    of_stacks = [stack.forward + stack.backward for stack in full.stacks.values()]
    inside = sum(of_stacks, counts.NO_WORK)
    return Profile(
        faces=workload.faces,
        cuttable=workload.cuttable,
        stacks=stacks,
        fit=fit,
        arguments=need.arguments,
        batch=nbytes(workload.batch) / workload.batch[schema.VALID].shape[0],
        outputs=need.outputs - need.aliased,
        gradients=nbytes(state.params),
        moments=nbytes((state.opt_state, state.ema)),
        stack_params=_bytes_of_stacks(state.params),
        groups=group_bytes(state),
        rest=(full.whole + inside.times(-1.0)).times(1 / every),
        localiser_spares=0.0,
        localiser_again=counts.NO_WORK,
    )


def _bytes_of_stacks(params: Any) -> int:
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return sum(nbytes(leaf) for path, leaf in leaves if of_a_stack(path_name(path)))
