"""Which activations of a stack of blocks are kept for the backward pass, and which are computed again.

Rematerialisation (activation checkpointing; Chen et al., 2016) by segments: the blocks of a stack run as a
few scans one after the other, each with its own policy. The parameters keep their one stacked
tree, so a run saved under one choice continues under another. Nothing here changes a result but by
rounding.
"""

import dataclasses
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Literal, cast, get_args

import jax
import numpy as np
from jax.ad_checkpoint import checkpoint_name

Policy = Literal["none", "dots", "named", "full", "offload"]
"""What a segment keeps of each block: everything; the results of matrix products with weights; its input
and the tensors of `KEPT`; its input alone; its input, in the host's memory."""

POLICIES: tuple[Policy, ...] = get_args(Policy)

StackName = Literal["overall", "encoder", "decoder"]
STACKS: tuple[StackName, ...] = get_args(StackName)
"""In the order of a forward pass: the encoder on whole faces, where a method has one; the masked
autoencoder's encoder; its decoder."""

BLOCK_INPUT = "block_input"
KEPT = ("qkv", "attended")
"""Names of the tensors that 'named' keeps: half of the recomputed products for 4 of the 10 widths a token
that 'dots' keeps. Our choice."""

_saves = jax.checkpoint_policies
_SAVED: dict[Policy, Callable[..., Any]] = {
    "dots": _saves.dots_with_no_batch_dims_saveable,
    "named": _saves.save_only_these_names(*KEPT),
    "full": _saves.nothing_saveable,
    "offload": _saves.save_and_offload_only_these_names(
        names_which_can_be_saved=[],
        names_which_can_be_offloaded=[BLOCK_INPUT],
        offload_src="device",
        offload_dst="pinned_host",
    ),
}


@dataclasses.dataclass(frozen=True)
class Segment:
    """So many blocks in a row under one policy."""

    policy: Policy
    blocks: int


Segments = tuple[Segment, ...]
"""Of a whole stack, from its first block on; () for one plain scan, as without any of this."""


@dataclasses.dataclass(frozen=True)
class StackRemat:
    """How one stack of blocks runs.

    Attributes:
        name: of the stack.
        segments: its policies.
        streamed: whether the stack finds its parameters in the host's memory, and takes each block's
            to the device when it is its turn.
    """

    name: StackName
    segments: Segments = ()
    streamed: bool = False

    def segments_of(self, depth: int) -> Segments:
        """The segments; () only where nothing at all was asked for."""
        if self.streamed and not self.segments:
            return (Segment("none", depth),)
        return self.segments


@dataclasses.dataclass(frozen=True)
class Remat:
    """How the networks of a method keep their activations, and where the parameters of the stacks lie.

    Attributes:
        overall, encoder, decoder: of each stack.
        localiser: of the blocks of Delocate's U-Net; 'none' or 'full'.
        streamed: of all stacks, see `StackRemat`.
    """

    overall: Segments = ()
    encoder: Segments = ()
    decoder: Segments = ()
    localiser: Policy = "none"
    streamed: bool = False

    def stack(self, name: StackName) -> StackRemat:
        """The part of one stack."""
        return StackRemat(name, getattr(self, name), self.streamed)


Block = Callable[[Any, jax.Array, jax.Array | None], jax.Array]
"""(parameters of a block, tokens, survival) -> tokens."""


def scan_segments(
    block: Block, params: Any, tokens: jax.Array, survival: jax.Array | None, stack: StackRemat
) -> jax.Array:
    """The tokens after all blocks.

    Args:
        block: one block, pure.
        params: of all blocks, each with a leading axis of their number L.
        tokens: [B, N, D].
        survival: float32 [L, B, 2] or None, see `vit.drop_path`.
        stack: its segments have L blocks in all.

    Raises:
        ValueError: the segments have another number of blocks.
    """
    depth = jax.tree.leaves(params)[0].shape[0]
    segments = stack.segments_of(depth)
    ends = np.cumsum([0, *(segment.blocks for segment in segments)])
    if ends[-1] != depth:
        raise ValueError(f"segments of {ends[-1]} blocks for a stack of {depth}")
    for segment, (start, stop) in zip(segments, pairwise(ends), strict=True):
        part = _blocks_of((params, survival), start, stop, depth)
        body = _body(block, segment.policy, stack.streamed)
        with jax.named_scope(scope_of(stack.name, segment.policy)):
            tokens, _ = jax.lax.scan(body, tokens, part)
    return tokens


def scope_of(stack: StackName, policy: Policy) -> str:
    """The scope that a segment's scan is traced in, by which the planner finds it."""
    return f"stack_{stack}_{policy}"


def _blocks_of(tree: Any, start: int, stop: int, depth: int) -> Any:
    """Blocks start to stop; the arrays themselves where these are all, since a slice is a copy."""
    if (start, stop) == (0, depth):
        return tree
    return jax.tree.map(lambda leaf: leaf[start:stop], tree)


def _body(block: Block, policy: Policy, streamed: bool) -> Callable[..., tuple[jax.Array, None]]:
    def body(tokens: jax.Array, part: Any) -> tuple[jax.Array, None]:
        params, survival = part
        if streamed:
            params = on_device(params)
        return block(params, tokens, survival), None

    if policy == "none":
        return body
    # Inside of a scan there is nothing that common subexpressions could be eliminated with.
    wrapped = jax.checkpoint(body, policy=_SAVED[policy], prevent_cse=False)
    return cast(Callable[..., tuple[jax.Array, None]], wrapped)


def named(tensor: jax.Array, name: str, wanted: bool) -> jax.Array:
    """The tensor under a name that policies know, if names are wanted; else as it is, with no trace."""
    return cast(jax.Array, checkpoint_name(tensor, name)) if wanted else tensor


def on_device(tree: Any) -> Any:
    """The arrays of a tree, fetched if they lie in the host's memory; the same arrays if none does."""

    def fetched(leaf: jax.Array) -> jax.Array:
        if jax.typeof(leaf).memory_space != jax.memory.Space.Host:
            return leaf
        return jax.device_put(leaf, jax.memory.Space.Device)

    return jax.tree.map(fetched, tree)
