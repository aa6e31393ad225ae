"""A plan as text: written, read back, and refused with one line where it is wrong."""

import pytest

from jaxfake.models.remat import Segment
from jaxfake.runtime.errors import InputError
from jaxfake.train.memory.budget import size_in_bytes
from jaxfake.train.memory.plan import Plan, parse_plan, uniform

DEPTHS = {"encoder": 12, "decoder": 4, "overall": 12}

PLANS = (
    Plan(encoder=(Segment("none", 12),), decoder=(Segment("none", 4),)),
    uniform("full", DEPTHS, micro_batches=4, optimizer="host", params="host", localiser="full"),
    uniform("offload", DEPTHS),
    Plan(2, encoder=(Segment("full", 9), Segment("dots", 3)), decoder=(Segment("named", 4),)),
)


@pytest.mark.parametrize("plan", PLANS)
def test_what_is_written_is_read_back(plan: Plan) -> None:
    depths = {name: DEPTHS[name] for name in DEPTHS if getattr(plan, name)}
    assert parse_plan(str(plan), depths) == plan


def test_a_policy_alone_is_of_the_whole_stack_and_other_stacks_are_ignored() -> None:
    plan = parse_plan("encoder=full overall=dots", {"encoder": 3})
    assert plan == Plan(encoder=(Segment("full", 3),))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("encoder=often", "encoder must be one of none, dots, named, full, offload"),
        ("encoder=full:7", "must name 12 blocks in all"),
        ("micro_batches=0", "micro_batches must be a number from 1"),
        ("optimizer=moon", "optimizer must be one of device, host"),
        ("colour=blue", "is not a plan"),
        ("fast", "is not a plan"),
    ],
)
def test_what_is_wrong_is_said(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_plan(text, DEPTHS)


def test_sizes() -> None:
    assert size_in_bytes("24GiB") == 24 * 2**30
    assert size_in_bytes("1.5 MiB") == 1.5 * 2**20
    assert size_in_bytes("800") == 800
    for wrong in ("much", "-3GiB", "0GiB", ""):
        with pytest.raises(InputError, match="is not a size of memory"):
            size_in_bytes(wrong)


def test_what_offloads_says_so() -> None:
    assert not PLANS[0].offloads
    assert PLANS[1].offloads
    assert PLANS[2].offloads
