"""A profile made of round numbers, for tests of what is decided from one."""

from jaxfake.models.remat import Policy
from jaxfake.train.memory.blocks import Block, Stack
from jaxfake.train.memory.live import Fit
from jaxfake.train.memory.profile import Profile
from jaxfake.train.memory.speed import Speed

MB = 1e6

SPEED = Speed(
    flops=1e12, traffic=1e12, launch=1e-4, to_device=2e10, to_host=2e10, factors={}, measured=False
)


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
        policy: Block(width * keeps, width * moves, work * 1e9, width * 60 * work)
        for policy, (keeps, moves, work) in kept.items()
    }
    return Stack(depth, 50, int(10 * width), blocks)


def profile(**changes: object) -> Profile:
    """Two stacks, 16 faces."""
    values: dict[str, object] = {
        "faces": 16,
        "cuttable": True,
        "stacks": {"encoder": stack(6, 0.5 * MB), "decoder": stack(3, 0.3 * MB)},
        "fit": Fit(scales={}, base=100 * MB, per_face=2 * MB, floor=250 * MB),
        "arguments": 400 * MB,
        "batch": 0.2 * MB,
        "outputs": 0,
        "gradients": 100 * MB,
        "moments": 200 * MB,
        "stack_params": 80 * MB,
        "groups": (20 * MB, 60 * MB, 60 * MB, 60 * MB),
        "rest_flops": 5e9,
        "rest_traffic": 5 * MB,
    }
    return Profile(**{**values, **changes})  # type: ignore[arg-type]
