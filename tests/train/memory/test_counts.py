"""What is counted in a traced step: kept bytes, work, and which stacks are trained."""

import jax
import pytest

from jaxfake.models.remat import POLICIES, Policy, Segment, StackName
from jaxfake.train.memory import counts
from jaxfake.train.memory.counts import SegmentCount, StepCount
from jaxfake.train.memory.plan import Plan, uniform
from jaxfake.train.memory.workload import Workload, trace_step
from tests.train.memory.workloads import workload

DEPTHS = {"overall": 2, "encoder": 2, "decoder": 2}
WIDTH, FLOAT = 16, 4
TOKENS: dict[StackName, int] = {"encoder": 13, "decoder": 17}
"""Of 16 patches 4 are masked, and there is a class token."""


def _counted(of: Workload, plan: Plan) -> StepCount:
    return counts.count(trace_step(of, plan).program)


@pytest.fixture(scope="module")
def recover() -> dict[Policy, StepCount]:
    return {policy: _counted(workload("recover"), uniform(policy, DEPTHS)) for policy in POLICIES}


def _block(step: StepCount, stack: StackName, policy: Policy) -> SegmentCount:
    """A block, where all blocks of a stack have one policy."""
    assert set(step.stacks[stack]) == {policy}
    assert step.stacks[stack][policy].blocks == 2
    return step.stacks[stack][policy]


def test_full_recomputation_keeps_the_input_of_each_block(
    recover: dict[Policy, StepCount],
) -> None:
    faces = workload("recover").settings.batch_size
    for name, tokens in TOKENS.items():
        kept = _block(recover["full"], name, "full")
        assert kept.kept == faces * tokens * WIDTH * FLOAT
        assert kept.moved == 0
        offloaded = _block(recover["offload"], name, "offload")
        assert (offloaded.kept, offloaded.moved) == (0, kept.kept)
    assert recover["full"].kept == 2 * faces * sum(TOKENS.values()) * WIDTH * FLOAT


def test_what_is_kept_and_what_is_computed_again_are_in_order(
    recover: dict[Policy, StepCount],
) -> None:
    order: tuple[Policy, ...] = ("none", "dots", "named", "full")
    for name in TOKENS:
        blocks = [_block(recover[policy], name, policy) for policy in order]
        kept = [block.kept for block in blocks]
        work = [block.backward.flops for block in blocks]
        assert kept == sorted(kept, reverse=True)
        assert work == sorted(work)
        assert len({block.forward.flops for block in blocks}) == 1
    assert recover["full"].whole.flops > recover["none"].whole.flops
    assert recover["full"].outside.flops == recover["none"].outside.flops


def test_a_block_has_the_products_that_it_is_known_for(recover: dict[Policy, StepCount]) -> None:
    faces, tokens = workload("recover").settings.batch_size, TOKENS["encoder"]
    a_block = 24 * tokens * WIDTH**2 + 4 * tokens**2 * WIDTH
    encoder = _block(recover["none"], "encoder", "none")
    assert encoder.forward.flops == faces * a_block
    assert encoder.backward.flops == 2 * encoder.forward.flops


def test_several_policies_in_one_step_count_as_they_do_alone(
    recover: dict[Policy, StepCount],
) -> None:
    """That is how a profile is made; the step with nothing added counts as 'none'."""
    of = workload("recover")
    mixed = (Segment("dots", 1), Segment("full", 1))
    for step in (_counted(of, Plan(encoder=mixed, decoder=mixed)), _counted(of, Plan())):
        for name, segments in step.stacks.items():
            for policy, segment in segments.items():
                alone = _block(recover[policy], name, policy)
                assert segment._replace(blocks=2) == alone


def test_a_stack_that_is_not_trained_does_not_count() -> None:
    """Mover trains three stacks; Recap's teacher is frozen, and only the mapping network counts."""
    assert set(_counted(workload("mover"), Plan()).stacks) == {"overall", "encoder", "decoder"}
    recap = _counted(workload("recap"), Plan())
    assert set(recap.stacks) == {"encoder", "decoder"}
    faces = workload("recap").settings.batch_size
    whole = faces * (24 * 17 * WIDTH**2 + 4 * 17**2 * WIDTH)
    assert _block(recap, "encoder", "none").forward.flops == whole  # once, on whole faces


def test_more_faces_are_more_of_everything(recover: dict[Policy, StepCount]) -> None:
    many = workload("recover").smaller(4)
    share = many.settings.batch_size / workload("recover").settings.batch_size
    one = _block(recover["dots"], "encoder", "dots")
    other = _block(_counted(many, uniform("dots", DEPTHS)), "encoder", "dots")
    assert other.kept == share * one.kept
    assert other.backward.flops == share * one.backward.flops


def test_keys_and_scalars_count_as_nothing() -> None:
    key = jax.eval_shape(lambda: jax.random.key(0))
    assert counts.nbytes(key) == 0
    assert counts.nbytes(jax.ShapeDtypeStruct((), "float32")) == 4
