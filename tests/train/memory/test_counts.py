"""What is counted in a traced step: kept bytes, work, and which stacks are trained."""

import jax
import pytest

from jaxfake.models.remat import POLICIES, Policy
from jaxfake.train.memory import counts
from jaxfake.train.memory.counts import StepCount
from jaxfake.train.memory.plan import uniform
from jaxfake.train.memory.workload import Workload, main_program
from tests.train.memory.workloads import workload

DEPTHS = {"overall": 2, "encoder": 2, "decoder": 2}
WIDTH, TOKENS, FLOAT = 16, {"encoder": 13, "decoder": 17}, 4
"""Of 16 patches 4 are masked, and there is a class token."""


def _counted(of: Workload, policy: Policy) -> StepCount:
    program, arguments = main_program(of.parts.under(uniform(policy, DEPTHS)), of.batch)
    return counts.count(program.trace(*arguments))


@pytest.fixture(scope="module")
def recover() -> dict[Policy, StepCount]:
    return {policy: _counted(workload("recover"), policy) for policy in POLICIES}


def test_full_recomputation_keeps_the_input_of_each_block(
    recover: dict[Policy, StepCount],
) -> None:
    faces = workload("recover").settings.batch_size
    for name, tokens in TOKENS.items():
        kept = recover["full"].stacks[name]
        assert kept.kept == faces * 2 * tokens * WIDTH * FLOAT
        assert kept.moved == 0
        offloaded = recover["offload"].stacks[name]
        assert (offloaded.kept, offloaded.moved) == (0, kept.kept)


def test_what_is_kept_and_what_is_computed_again_are_in_order(
    recover: dict[Policy, StepCount],
) -> None:
    order: tuple[Policy, ...] = ("none", "dots", "named", "full")
    for name in TOKENS:
        kept = [recover[policy].stacks[name].kept for policy in order]
        work = [recover[policy].stacks[name].backward.flops for policy in order]
        assert kept == sorted(kept, reverse=True)
        assert work == sorted(work)
        assert len({recover[policy].stacks[name].forward.flops for policy in order}) == 1
    assert recover["full"].whole.flops > recover["none"].whole.flops


def test_a_block_has_the_products_that_it_is_known_for(recover: dict[Policy, StepCount]) -> None:
    faces, tokens = workload("recover").settings.batch_size, TOKENS["encoder"]
    a_block = 24 * tokens * WIDTH**2 + 4 * tokens**2 * WIDTH
    encoder = recover["none"].stacks["encoder"]
    assert encoder.forward.flops == 2 * faces * a_block
    assert encoder.backward.flops == 2 * encoder.forward.flops


def test_a_stack_that_is_not_trained_does_not_count() -> None:
    """Mover trains three stacks; Recap's teacher is frozen, and only the mapping network counts."""
    assert set(_counted(workload("mover"), "none").stacks) == {"overall", "encoder", "decoder"}
    recap = _counted(workload("recap"), "none").stacks
    assert set(recap) == {"encoder", "decoder"}
    faces = workload("recap").settings.batch_size
    whole = 2 * faces * (24 * 17 * WIDTH**2 + 4 * 17**2 * WIDTH)
    assert recap["encoder"].forward.flops == whole  # once, on whole faces


def test_more_faces_are_more_of_everything(recover: dict[Policy, StepCount]) -> None:
    many = workload("recover").smaller(4)
    share = many.settings.batch_size / workload("recover").settings.batch_size
    one, other = recover["dots"].stacks["encoder"], _counted(many, "dots").stacks["encoder"]
    assert other.kept == share * one.kept
    assert other.backward.flops == share * one.backward.flops


def test_keys_and_scalars_count_as_nothing() -> None:
    key = jax.eval_shape(lambda: jax.random.key(0))
    assert counts.nbytes(key) == 0
    assert counts.nbytes(jax.ShapeDtypeStruct((), "float32")) == 4
