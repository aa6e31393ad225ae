"""What one block of a stack costs under each policy, from its traced program alone."""

import dataclasses
from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp

from jaxfake import schema
from jaxfake.models import remat, rng, vit
from jaxfake.models.losses import masked_mean
from jaxfake.models.method import Method, Params
from jaxfake.models.remat import POLICIES, Policy, Segment
from jaxfake.models.vit import Compute, Size
from jaxfake.schema import Batch
from jaxfake.train.memory import jaxprs
from jaxfake.train.memory.plan import Plan, planned, stacks_of, with_segments

_FACES = 3
"""Faces that a block is traced with; costs are proportional to them."""

_LENGTH = 5
"""Blocks of a traced scan."""


@dataclasses.dataclass(frozen=True)
class Block:
    """Costs of a block for one face, under one policy.

    Attributes:
        kept: bytes on the device from its forward pass to its backward pass.
        moved: bytes that go to the host's memory and come back.
        flops: of its forward and backward pass, what is computed again included.
        traffic: bytes that its equations write, unfused.
    """

    kept: float
    moved: float
    flops: float
    traffic: float


@dataclasses.dataclass(frozen=True)
class Stack:
    """A stack of equal blocks that a method trains.

    Attributes:
        depth: number of blocks.
        tokens: that it carries for a face.
        params: bytes of the parameters of one block.
        policies: costs by policy.
    """

    depth: int
    tokens: int
    params: int
    policies: dict[Policy, Block]


def stacks(method: Method, params: Params, batch: Batch) -> dict[str, Stack]:
    """The stacks that a method trains, in the order in which a forward pass comes by.

    Args:
        method: of a stage.
        params: abstract.
        batch: abstract, of any number of faces.
    """
    mae = stacks_of(method)
    sizes = {"overall": mae.encoder, "encoder": mae.encoder, "decoder": mae.decoder}
    found = _trained(method, params, batch, sizes)
    return {name: _stack(sizes[name], mae.compute, found[name]) for name in sizes if name in found}


def _trained(
    method: Method, params: Params, batch: Batch, sizes: dict[str, Size]
) -> dict[str, int]:
    """Tokens of each stack that keeps something for a backward pass.

    A scan is recognised by how many arrays a block keeps, which differs between policies.
    """
    marks: dict[str, Policy] = {"overall": "dots", "encoder": "full", "decoder": "named"}
    arrays = {"dots": 4, "full": 1, "named": 3}
    plan = with_segments(
        Plan(), {name: (Segment(marks[name], size.depth),) for name, size in sizes.items()}
    )
    traced = jax.make_jaxpr(_backward(planned(method, plan)))(params, batch)
    seen = {}
    for scan in jaxprs.scans(traced.jaxpr):
        arrays_kept: list[Any] = [out.aval for out in scan.outvars[1:]]
        kept = [one.shape for one in arrays_kept if one.ndim >= 4]
        for name, size in sizes.items():
            block_input = [shape for shape in kept if shape[-1] == size.width]
            if len(kept) == arrays[marks[name]] and block_input:
                seen[name] = block_input[0][2]
    return seen


def _backward(method: Method) -> Callable[[Params, Batch], Any]:
    """What a forward pass leaves for the backward pass."""

    def backward(params: Params, batch: Batch) -> Any:
        count = batch[schema.VALID].shape[0]
        keys = rng.example_keys(jax.random.key(0), jnp.zeros((), jnp.int32), count)

        def total(params: Params) -> jax.Array:
            terms = method.losses(params, batch, keys).total
            return jnp.stack([masked_mean(term) for term in terms.values()]).sum()

        return jax.vjp(total, params)[1]

    return backward


def block_gradient(
    size: Size, compute: Compute, tokens: int, policy: Policy, blocks: int, faces: int
) -> tuple[Callable[[Params, jax.Array], Any], Params, jax.Array]:
    """Forward and backward pass of some blocks alone, with parameters and tokens to run it on."""
    apply, params, face = _alone(size, compute, tokens, blocks, faces)

    def gradient(params: Params, tokens: jax.Array) -> Any:
        segments = (Segment(policy, blocks),)

        def forward(params: Params, tokens: jax.Array) -> jax.Array:
            return remat.scan_segments(apply, params, tokens, None, segments, streamed=False)

        after, backward = jax.vjp(forward, params, tokens)
        return backward(after)

    def small(leaf: Any) -> jax.Array:
        return jnp.full(leaf.shape, 0.01, leaf.dtype)

    return gradient, jax.tree.map(small, params), small(face)


def _alone(
    size: Size, compute: Compute, tokens: int, blocks: int, faces: int
) -> tuple[remat.Block, Any, jax.ShapeDtypeStruct]:
    """A block as a function, and the shapes of some blocks' parameters and of its tokens."""
    block = vit.Block(size.heads, compute, named=True, parent=None)
    face = jax.ShapeDtypeStruct((faces, tokens, size.width), jnp.dtype(compute.dtype))
    params = jax.eval_shape(lambda x: block.init(jax.random.key(0), x), face)["params"]

    def apply(params: Any, x: jax.Array, survival: jax.Array | None) -> jax.Array:
        return cast(jax.Array, block.apply({"params": params}, x, survival)[0])

    several = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct((blocks, *leaf.shape), leaf.dtype), params
    )
    return apply, several, face


def _stack(size: Size, compute: Compute, tokens: int) -> Stack:
    _, params, _ = _alone(size, compute, tokens, _LENGTH, _FACES)
    size_of_params = sum(jaxprs.nbytes(leaf) for leaf in jax.tree.leaves(params)) // _LENGTH
    costs: dict[Policy, Block] = {
        policy: _block(size, compute, tokens, policy) for policy in POLICIES
    }
    return Stack(size.depth, tokens, size_of_params, costs)


def _block(size: Size, compute: Compute, tokens: int, policy: Policy) -> Block:
    apply, params, face = _alone(size, compute, tokens, _LENGTH, _FACES)
    segments = (Segment(policy, _LENGTH),)

    def kept(params: Any, tokens: jax.Array) -> Any:
        def forward(params: Any, tokens: jax.Array) -> jax.Array:
            return remat.scan_segments(apply, params, tokens, None, segments, streamed=False)

        return jax.vjp(forward, params, tokens)[1]

    scan = next(jaxprs.scans(jax.make_jaxpr(kept)(params, face).jaxpr))
    arrays: list[Any] = [out.aval for out in scan.outvars[1:]]
    host = [one for one in arrays if one.memory_space == jax.memory.Space.Host]
    moved = sum(map(jaxprs.nbytes, host))
    gradient, *_ = block_gradient(size, compute, tokens, policy, _LENGTH, _FACES)
    every = jax.make_jaxpr(gradient)(params, face).jaxpr
    of = _FACES * _LENGTH
    return Block(
        kept=(sum(map(jaxprs.nbytes, arrays)) - moved) / of,
        moved=moved / of,
        flops=jaxprs.flops(every) / of,
        traffic=jaxprs.traffic(every) / of,
    )
