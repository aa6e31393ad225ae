"""K passes over a face, each with another part masked, and how their results are combined."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxfake.faces.parts import FACE_PARTS, PartMap
from jaxfake.models.losses import squared_error
from jaxfake.models.masking import Mask, MaskSettings, draw_mask
from jaxfake.models.pixels import unpatchify

PASSES = len(FACE_PARTS)
"""K: each of the parts is masked once."""

RESIDUAL_GAIN = 4.0
"""Factor by which a residual is enlarged as the input of a network, as in RFFR (2303.08439)."""


class Faces(NamedTuple):
    """A batch as the networks take it."""

    image: jax.Array  # float32 [B, H, W, 3] in -1..1
    patches: jax.Array  # float32 [B, N, P]
    parts: PartMap


class MaskedFaces(NamedTuple):
    """Faces and the mask of each. With K passes: all faces with the first part masked, then the second…"""

    faces: Faces
    mask: Mask


class CombinedPasses(NamedTuple):
    """The K recoveries of each face combined into one."""

    recovered: jax.Array  # float32 [B, H, W, 3] in -1..1, unchanged where nothing was masked
    error: jax.Array  # float32 [B, grid, grid], squared error of the masked patches, else 0
    hidden: jax.Array  # bool [B, grid, grid], masked in any pass


def mask_each_part(settings: MaskSettings, faces: Faces, keys: jax.Array) -> MaskedFaces:
    """Draws K masks for each face, each of M patches of another part: one batch of K B faces.

    Args:
        settings: mode and number of masked patches.
        faces: B of them.
        keys: PRNG keys [B].
    """
    part = jnp.repeat(jnp.asarray(FACE_PARTS, jnp.int32), len(keys))
    repeated: Faces = repeat(faces)
    part_keys = jax.vmap(jax.random.fold_in)(repeat(keys), part)
    return MaskedFaces(repeated, draw_mask(settings, part_keys, repeated.parts, part))


def repeat(tree: Any) -> Any:
    """Each array [B, ...] of a tree K times, [K B, ...], in the order of `mask_each_part`."""
    return jax.tree.map(lambda leaf: jnp.concatenate([leaf] * PASSES), tree)


def by_pass(tree: Any) -> Any:
    """Each array [K B, ...] of a tree as [K, B, ...]."""
    return jax.tree.map(lambda leaf: leaf.reshape(PASSES, -1, *leaf.shape[1:]), tree)


def enlarged_residual(recovered: jax.Array, given: jax.Array) -> jax.Array:
    """Recovered minus given pixels of any shape, enlarged and clipped to -1..1."""
    return jnp.clip(RESIDUAL_GAIN * (recovered - given), -1.0, 1.0)


def combine_passes(masked: MaskedFaces, predicted: jax.Array, patch: int) -> CombinedPasses:
    """Combines the masked patches of all passes into one face.

    Args:
        masked: K B faces.
        predicted: float32 [K B, N, P], the patches as the passes recovered them.
        patch: side of a patch in pixels.
    """
    given = by_pass(masked.faces.patches)[0]
    face = masked_values(masked, predicted, given)
    grid = round(face.shape[1] ** 0.5)
    hidden = by_pass(masked.mask.dropped).any(0)
    return CombinedPasses(
        unpatchify(face, patch),
        squared_error(face, given).reshape(-1, grid, grid),  # 0 where nothing was masked
        hidden.reshape(-1, grid, grid),
    )


def masked_values(masked: MaskedFaces, values: jax.Array, otherwise: jax.Array) -> jax.Array:
    """The value of each patch from the pass that masks it; the mean where passes overlap.

    They overlap where a part has fewer than M patches, since its mask then takes some of other parts.

    Args:
        masked: K B faces.
        values: [K B, N, F].
        otherwise: [B, N, F], for patches that no pass masks.
    """
    dropped = by_pass(masked.mask.dropped)[..., None]
    times = dropped.sum(0, dtype=values.dtype)
    total = jnp.where(dropped, by_pass(values), 0).sum(0)
    return jnp.where(times > 0, total / jnp.maximum(times, 1), otherwise)
