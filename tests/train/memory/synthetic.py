"""A profile made of round numbers, for tests of what is decided from one."""

from jaxfake.models.remat import POLICIES, Policy
from jaxfake.train.memory.counts import NO_WORK, Work
from jaxfake.train.memory.peak import Block, Fit, Stack
from jaxfake.train.memory.profile import Profile
from jaxfake.train.memory.rates import Rates

MB = 1e6

RATES = Rates(flops=1e12, traffic=1e12, launch=1e-4, to_device=2e10, to_host=2e10, factors={})


def stack(depth: int, width: float) -> Stack:
    """A stack whose blocks keep multiples of `width` bytes a face, as a ViT's do."""
    kept: dict[Policy, tuple[float, float, float]] = {
        "none": (24, 0, 2.0),
        "dots": (10, 0, 2.1),
        "named": (5, 0, 2.4),
        "full": (1, 0, 2.7),
        "offload": (0, 1, 2.7),
    }
    blocks = {
        policy: Block(
            width * keeps,
            width * moves,
            Work(7e8, width * 40),
            Work((work - 0.7) * 1e9, width * 60 * (work - 0.7)),
        )
        for policy, (keeps, moves, work) in kept.items()
    }
    return Stack(depth, int(10 * width), blocks)


def profile(**changes: object) -> Profile:
    """Two stacks, 16 faces."""
    values: dict[str, object] = {
        "faces": 16,
        "cuttable": True,
        "stacks": {"encoder": stack(6, 0.5 * MB), "decoder": stack(3, 0.3 * MB)},
        "fit": Fit(dict.fromkeys(POLICIES, 1.0), 30 * MB, 30 * MB, 1 * MB, 1 * MB),
        "arguments": int(400 * MB),
        "batch": 0.2 * MB,
        "outputs": 1000,
        "gradients": int(100 * MB),
        "moments": int(200 * MB),
        "stack_params": int(60 * MB),
        "groups": (int(60 * MB), int(60 * MB), int(80 * MB)),
        "rest": Work(1e9, 40 * MB),
        "localiser_spares": 0.0,
        "localiser_again": NO_WORK,
        "compiling": 1.0,
    }
    return Profile(**(values | changes))  # type: ignore[arg-type]
