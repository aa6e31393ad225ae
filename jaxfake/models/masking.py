"""Which patches are masked, at random for each example.

Our reading of the facial masking of DeepfakeMAE, Mover, Recap and Delocate ('part'), and the masks that it
is compared with: regions of interest of all parts ('roi_any'), that of the MAE ('random'; He et al.,
2022), and a whole part with an equal share of every other region ('crfr', after FSFM; Wang et al., 2025).

The number M of masked patches is the same for the whole batch, so that shapes are static: each mode gives
every patch a priority, and the M patches with the highest priorities are masked.
"""

import dataclasses
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from jaxfake.faces.parts import BACKGROUND, FACE_PARTS, PartMap

Mode = Literal["part", "roi_any", "random", "crfr"]

_ROI_BONUS = 0.25
"""Added to the priority of a patch in a region of interest, beside noise in 0..1. Our choice: with 0.5 and
M = 24, nearly every mask has the same ROI patches."""


class Mask(NamedTuple):
    """For each example, which of its N patches are kept and which are masked (dropped)."""

    keep: jax.Array  # int32 [B, N - M], indices of the kept patches
    drop: jax.Array  # int32 [B, M], indices of the masked patches
    restore: jax.Array  # int32 [B, N]: patch i is element restore[i] of keep followed by drop

    @property
    def dropped(self) -> jax.Array:
        """Bool [B, N], true where a patch is masked."""
        return self.restore >= self.keep.shape[1]


def nothing_masked(batch: int, patches: int) -> Mask:
    """The mask that keeps all N patches of each of B faces."""
    everything = jnp.broadcast_to(jnp.arange(patches, dtype=jnp.int32), (batch, patches))
    return Mask(everything, everything[:, :0], everything)


@dataclasses.dataclass(frozen=True)
class MaskSettings:
    """A mode and the number M of masked patches."""

    mode: Mode = "part"
    count: int = 24


def choose_parts(keys: jax.Array) -> jax.Array:
    """A random facial part for each example, uniform over eyes, cheek & nose, lips: int32 [B].

    Args:
        keys: PRNG keys [B].
    """
    draw = jax.vmap(lambda key: jax.random.randint(key, (), 0, len(FACE_PARTS)))
    return jnp.asarray(FACE_PARTS, jnp.int32)[draw(keys)]


def draw_mask(settings: MaskSettings, keys: jax.Array, parts: PartMap, chosen: jax.Array) -> Mask:
    """A mask of exactly `settings.count` patches for each example.

    Args:
        settings: mode and count.
        keys: PRNG keys [B], one per example.
        parts: part and ROI of each patch, [B, N].
        chosen: int32 [B], the part to mask in the modes 'part' and 'crfr'; see `choose_parts`.
    """
    count = parts.part.shape[1]
    noise = jax.vmap(lambda key: jax.random.uniform(key, (count,)))(keys)
    order = jnp.argsort(_priority(settings.mode, parts, chosen[:, None], noise), axis=1)
    order = order.astype(jnp.int32)
    restore = jnp.argsort(order, axis=1).astype(jnp.int32)
    return Mask(order[:, : count - settings.count], order[:, count - settings.count :], restore)


def _priority(mode: Mode, parts: PartMap, chosen: jax.Array, noise: jax.Array) -> jax.Array:
    """The priority of each patch, float [B, N]; the highest are masked. `noise` is in 0..1."""
    in_part = parts.part == chosen
    match mode:
        case "part":
            # If the part has fewer than M patches, the rest are of the face, not of the background.
            other_face = (parts.part != BACKGROUND) & ~in_part
            roi = jnp.where(parts.roi == chosen, _ROI_BONUS, 0.0)
            return jnp.where(in_part, 10.0, jnp.where(other_face, 2.0, 0.0)) + roi + noise
        case "roi_any":
            return jnp.where(parts.roi != BACKGROUND, 10.0, 0.0) + noise
        case "random":
            return noise
        case "crfr":
            return jnp.where(in_part, 10.0, 0.0) + _rank_in_region(parts.part, noise)


def _rank_in_region(part: jax.Array, noise: jax.Array) -> jax.Array:
    """The rank of each patch's noise within its region, scaled to 0..1: float [B, N].

    Masking the highest ranks masks the same share of every region.
    """
    same = part[:, :, None] == part[:, None, :]
    below = same & (noise[:, None, :] < noise[:, :, None])
    return (below.sum(-1).astype(noise.dtype) + 0.5) / same.sum(-1).astype(noise.dtype)
