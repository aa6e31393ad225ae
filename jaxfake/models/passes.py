"""A face seen several times, each time with another of its parts masked, and what comes of it."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxfake.faces.parts import FACE_PARTS, PartMap
from jaxfake.models.losses import squared_error
from jaxfake.models.masking import Mask, MaskRule, draw_mask
from jaxfake.models.pixels import unpatchify

PASSES = len(FACE_PARTS)
"""K: each of the parts is masked once."""


RESIDUAL_GAIN = 4.0
"""How much a residual is enlarged for a network that looks at it, as RFFR does it (2303.08439)."""


class Faces(NamedTuple):
    """A batch as the networks take it."""

    image: jax.Array  # float32 [B, H, W, 3] in -1..1
    patches: jax.Array  # float32 [B, N, P]
    parts: PartMap


class Masked(NamedTuple):
    """All B faces with the first part masked, then all with the second, ...: K x B of them."""

    faces: Faces
    mask: Mask


class Assembled(NamedTuple):
    """The K recoveries of each face as one face."""

    recovered: jax.Array  # float32 [B, H, W, 3] in -1..1, what was never masked as it was
    error: (
        jax.Array
    )  # float32 [B, grid, grid], squared error of the patches that were masked, else 0
    hidden: jax.Array  # bool [B, grid, grid], masked in one pass or another


def mask_each_part(rule: MaskRule, faces: Faces, keys: jax.Array) -> Masked:
    """Draws K masks for each face, M patches of another part each time; one batch for the networks.

    Args:
        keys: PRNG keys [B].
    """
    part = jnp.repeat(jnp.asarray(FACE_PARTS, jnp.int32), len(keys))
    several: Faces = repeated(faces)
    part_keys = jax.vmap(jax.random.fold_in)(repeated(keys), part)
    return Masked(several, draw_mask(rule, part_keys, several.parts, part))


def repeated(tree: Any) -> Any:
    """Each array [B, ...] of a tree K times, [K B, ...], as `Masked` holds the faces."""
    return jax.tree.map(lambda leaf: jnp.concatenate([leaf] * PASSES), tree)


def by_pass(tree: Any) -> Any:
    """Each array [K B, ...] of a tree as [K, B, ...]."""
    return jax.tree.map(lambda leaf: leaf.reshape(PASSES, -1, *leaf.shape[1:]), tree)


def enlarged_residual(recovered: jax.Array, given: jax.Array) -> jax.Array:
    """Recovered minus given pixels of any shape, enlarged and clipped to -1..1."""
    return jnp.clip(RESIDUAL_GAIN * (recovered - given), -1.0, 1.0)


def assemble(masked: Masked, predicted: jax.Array, patch: int) -> Assembled:
    """Puts the masked patches of every pass into one face.

    Args:
        predicted: float32 [K B, N, P], pixels of the patches as the passes recovered them.
        patch: side of a patch in pixels.
    """
    error = squared_error(predicted, masked.faces.patches)
    face = joined(masked, predicted, by_pass(masked.faces.patches)[0])
    heat = joined(masked, error[..., None], jnp.zeros((*face.shape[:2], 1)))
    grid = round(face.shape[1] ** 0.5)
    hidden = by_pass(masked.mask.dropped).any(0)
    return Assembled(
        unpatchify(face, patch),
        heat.reshape(-1, grid, grid),
        hidden.reshape(-1, grid, grid),
    )


def joined(masked: Masked, values: jax.Array, otherwise: jax.Array) -> jax.Array:
    """What every pass says of the patches that it masks; where passes overlap, the last one counts.

    Args:
        values: [K B, N, F].
        otherwise: [B, N, F], for patches that were never masked.
    """
    for dropped, said in zip(by_pass(masked.mask.dropped), by_pass(values), strict=True):
        otherwise = jnp.where(dropped[..., None], said, otherwise)
    return otherwise
