"""Which patches are masked: a static number of them, drawn per example from its own key.

Our reading of the facial masking of DeepfakeMAE, Mover, Recap and Delocate ('part'), beside the masks it
is compared with: regions of interest of all parts at once ('roi_any'), the MAE's ('random'; He et al.,
2022) and one whole part with an even share of the rest ('crfr', after FSFM; Wang et al., 2025).

One number M of masked patches serves the whole batch, so that shapes are static: each mode ranks the
patches and masks the M highest.
"""

import dataclasses
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from jaxfake.faces.parts import BACKGROUND, FACE_PARTS, PartMap

Mode = Literal["part", "roi_any", "random", "crfr"]

_ROI_BONUS = 0.25
"""How much an ROI patch is favoured inside its part, against a draw from 0..1. Our choice: with 0.5 and
M = 24 nearly every draw holds the same ROI patches; a half leaves room for chance."""


class Mask(NamedTuple):
    """A split of N patches into kept and dropped ones, per example."""

    keep: jax.Array  # int32 [B, N - M], indices of the kept patches
    drop: jax.Array  # int32 [B, M], indices of the masked patches
    restore: jax.Array  # int32 [B, N]: patch i is element restore[i] of keep followed by drop

    @property
    def dropped(self) -> jax.Array:
        """bool [B, N], true where a patch is masked."""
        return self.restore >= self.keep.shape[1]


def nothing_masked(batch: int, patches: int) -> Mask:
    """The mask that keeps all N patches of each of B faces."""
    everything = jnp.broadcast_to(jnp.arange(patches, dtype=jnp.int32), (batch, patches))
    return Mask(everything, everything[:, :0], everything)


@dataclasses.dataclass(frozen=True)
class MaskRule:
    """A mode and the number M of masked patches."""

    mode: Mode = "part"
    count: int = 24


def choose_parts(keys: jax.Array) -> jax.Array:
    """One facial part per example, uniform over eyes, cheek & nose, lips: int32 [B].

    Args:
        keys: PRNG keys [B].
    """
    draw = jax.vmap(lambda key: jax.random.randint(key, (), 0, len(FACE_PARTS)))
    return jnp.asarray(FACE_PARTS, jnp.int32)[draw(keys)]


def draw_mask(rule: MaskRule, keys: jax.Array, faces: PartMap, chosen: jax.Array) -> Mask:
    """A mask of exactly `rule.count` patches for each example.

    Args:
        rule: mode and count.
        keys: PRNG keys [B], one per example.
        faces: part and ROI of each patch, [B, N].
        chosen: int32 [B], the part to mask in the modes 'part' and 'crfr'; see `choose_parts`.
    """
    count = faces.part.shape[1]
    chance = jax.vmap(lambda key: jax.random.uniform(key, (count,)))(keys)
    order = jnp.argsort(_ranking(rule.mode, faces, chosen[:, None], chance), axis=1)
    order = order.astype(jnp.int32)
    restore = jnp.argsort(order, axis=1).astype(jnp.int32)
    return Mask(order[:, : count - rule.count], order[:, count - rule.count :], restore)


def _ranking(mode: Mode, faces: PartMap, chosen: jax.Array, chance: jax.Array) -> jax.Array:
    """A number per patch, float [B, N]: the highest are masked first."""
    in_part = faces.part == chosen
    match mode:
        case "part":
            # A part smaller than M spills over into the rest of the face, not into the background.
            other_face = (faces.part != BACKGROUND) & ~in_part
            roi = jnp.where(faces.roi == chosen, _ROI_BONUS, 0.0)
            return jnp.where(in_part, 10.0, jnp.where(other_face, 2.0, 0.0)) + roi + chance
        case "roi_any":
            return jnp.where(faces.roi != BACKGROUND, 10.0, 0.0) + chance
        case "random":
            return chance
        case "crfr":
            return jnp.where(in_part, 10.0, 0.0) + _place_in_region(faces.part, chance)


def _place_in_region(part: jax.Array, chance: jax.Array) -> jax.Array:
    """The place of each patch's draw among those of its own region, in 0..1: float [B, N].

    Masking the highest places masks the same share of every region.
    """
    same = part[:, :, None] == part[:, None, :]
    below = same & (chance[:, None, :] < chance[:, :, None])
    return (below.sum(-1).astype(chance.dtype) + 0.5) / same.sum(-1).astype(chance.dtype)
