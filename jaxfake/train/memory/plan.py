"""A memory plan: what it decides, how it is written in a config, and the method that follows it.

The decisions are AutoHete's (Zeng et al., 2503.01890) in JAX's terms: activation checkpointing for each
segment of a stack of blocks, parameters and optimizer state in the device's memory or the host's; and,
beside them, into how many micro-batches a batch is cut. A plan changes no result but by rounding, so it is
no part of what a run is.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, Literal

from jaxfake.models.mae import MaskedAutoencoder
from jaxfake.models.method import Method
from jaxfake.models.remat import POLICIES, STACKS, Policy, Remat, Segment, Segments, StackName
from jaxfake.runtime.errors import InputError

Place = Literal["device", "host"]
_ENTRY = re.compile(r"(\w+)=(\S+)")
_SYNTAX = (
    "a memory plan is written like 'micro_batches=4 encoder=none:4,full:8 decoder=full "
    "optimizer=host params=device'"
)


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is decided for one stage of training.

    Attributes:
        micro_batches: parts that a device's share of a batch is cut into, one after the other.
        overall, encoder, decoder: policies of the stacks' segments, see `Remat`; a stack with no
            segments keeps everything.
        localiser: of the blocks of Delocate's U-Net; 'none' or 'full'.
        optimizer: where the optimizer's moments (and the moving average) lie between updates.
        params: where the parameters of the stacks lie; 'host' streams them block by block.
    """

    micro_batches: int = 1
    overall: Segments = ()
    encoder: Segments = ()
    decoder: Segments = ()
    localiser: Policy = "none"
    optimizer: Place = "device"
    params: Place = "device"

    @property
    def remat(self) -> Remat:
        """The part of the plan that the networks follow."""
        streamed = self.params == "host"
        return Remat(self.overall, self.encoder, self.decoder, self.localiser, streamed)

    @property
    def policies(self) -> set[Policy]:
        """All that occur in the stacks."""
        return {segment.policy for name in STACKS for segment in getattr(self, name)}

    @property
    def offloads(self) -> bool:
        """Whether anything lies in the host's memory."""
        return "offload" in self.policies or "host" in (self.optimizer, self.params)

    def __str__(self) -> str:
        """As it is written in a config; `parse_plan` reads it."""
        words = [f"micro_batches={self.micro_batches}"]
        words += [f"{name}={_text(getattr(self, name))}" for name in STACKS if getattr(self, name)]
        if self.localiser != "none":
            words.append(f"localiser={self.localiser}")
        words += [
            f"{name}=host" for name in ("optimizer", "params") if getattr(self, name) == "host"
        ]
        return " ".join(words)


def parse_plan(text: str, depths: Mapping[StackName, int]) -> Plan:
    """The plan that a text says; a policy without a number is of the whole stack.

    Args:
        text: such as 'micro_batches=2 encoder=none:4,full:8 optimizer=host'.
        depths: blocks of each stack that the stage has. What is said of a stack that it lacks is
            ignored, since one text serves both stages.

    Raises:
        InputError: it is not a plan for these stacks.
    """
    given = dict(_ENTRY.findall(text))
    unknown = given.keys() - {field.name for field in dataclasses.fields(Plan)}
    if unknown or _ENTRY.sub("", text).strip() or not given:
        raise InputError(f"config.memory: {text!r} is not a plan; {_SYNTAX}")
    values: dict[str, Any] = {
        name: _segments(name, given[name], depth) for name, depth in depths.items() if name in given
    }
    values["localiser"] = _one_of("localiser", given.get("localiser", "none"), ("none", "full"))
    for name in ("optimizer", "params"):
        values[name] = _one_of(name, given.get(name, "device"), ("device", "host"))
    parts = given.get("micro_batches", "1")
    if not parts.isdecimal() or int(parts) < 1:
        raise InputError(f"config.memory: micro_batches must be a number from 1, not {parts!r}")
    return Plan(int(parts), **values)


def with_remat(inside: Any, remat: Remat) -> Any:
    """The same method with its networks following the plan: all methods hold one autoencoder."""
    if isinstance(inside, MaskedAutoencoder):
        return inside.clone(remat=remat)
    name = next(name for name in ("mae", "recover", "method") if hasattr(inside, name))
    return dataclasses.replace(inside, **{name: with_remat(getattr(inside, name), remat)})


def autoencoder_of(method: Method) -> MaskedAutoencoder:
    """The autoencoder whose stacks a plan is about."""
    inside: Any = method
    while not isinstance(inside, MaskedAutoencoder):
        inside = next(
            getattr(inside, name) for name in ("mae", "recover", "method") if hasattr(inside, name)
        )
    return inside


def uniform(policy: Policy, depths: Mapping[StackName, int], **changes: Any) -> Plan:
    """The plan with one policy for all blocks of all stacks."""
    values: dict[str, Any] = {name: (Segment(policy, depth),) for name, depth in depths.items()}
    return Plan(**values, **changes)


def with_segments(plan: Plan, segments: Mapping[StackName, Segments]) -> Plan:
    """The plan with other segments for some stacks, by name."""
    values: dict[str, Any] = {str(name): several for name, several in segments.items()}
    return dataclasses.replace(plan, **values)


def _text(segments: Segments) -> str:
    return ",".join(f"{segment.policy}:{segment.blocks}" for segment in segments)


def _segments(stack: str, text: str, depth: int) -> Segments:
    pieces = [piece.partition(":") for piece in text.split(",")]
    segments = tuple(
        Segment(_one_of(stack, policy, POLICIES), int(count) if count.isdecimal() else depth)
        for policy, _, count in pieces
    )
    if sum(segment.blocks for segment in segments) != depth:
        raise InputError(f"config.memory: {stack}={text} must name {depth} blocks in all")
    return segments


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> Any:
    if value not in choices:
        raise InputError(
            f"config.memory: {name} must be one of {', '.join(choices)}, not {value!r}"
        )
    return value
