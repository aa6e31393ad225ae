"""Stage 1, recovering: a masked autoencoder of real faces, shared by all four methods.

Our reading of DeepfakeMAE, Mover, Recap and Delocate: facial parts of real faces are masked and
recovered from the other parts. The loss is the mean squared error over the masked patches, of raw
pixels, so that the result is a picture (He et al. also normalise the pixels of each patch).

`predict` uses the masked recovery error alone as a zero-shot detector. Each part is masked once. The error
is given as it is, and divided by the pixel variance of the part, because the plain error mostly measures
texture.
"""

import dataclasses
from typing import ClassVar, cast

import jax
import jax.numpy as jnp

from jaxfake import schema
from jaxfake.faces.parts import FACE_PARTS, PART_NAMES, part_map
from jaxfake.models import heads
from jaxfake.models.losses import Term, mean_over, squared_error
from jaxfake.models.mae import MaskedAutoencoder, Recovery, encoder_of
from jaxfake.models.masking import MaskSettings, choose_parts, draw_mask, nothing_masked
from jaxfake.models.method import Losses, Params, Prediction, fresh_params
from jaxfake.models.part_passes import Faces, MaskedFaces, by_pass, combine_passes, mask_each_part
from jaxfake.models.pixels import normalise, patchify
from jaxfake.schema import Batch


@dataclasses.dataclass(frozen=True)
class Recover:
    """Stage 1, and the recovery that stage 2 and the reports use. Parameters: encoder, decoder."""

    mae: MaskedAutoencoder
    mask: MaskSettings
    heat_threshold: ClassVar[float | None] = None  # the heat is an error

    def init(self, key: jax.Array, start: Params | None) -> Params:
        """The given parameters of the autoencoder, or random ones."""
        if start is not None and "encoder" in start:
            return {stack: start[stack] for stack in ("encoder", "decoder")}
        side = self.mae.image
        mask = nothing_masked(1, self.mae.grid**2)
        return fresh_params(self.mae, key, jnp.zeros((1, side, side, 3)), mask)

    def losses(self, params: Params, batch: Batch, keys: jax.Array) -> Losses:
        """Mean squared error over the masked patches of each face."""
        faces = self.faces(batch)
        masked = self.mask_for_training(faces, keys)
        recovery = self.autoencode(params, masked)
        error = mean_over(squared_error(recovery.patches, faces.patches), masked.mask.dropped)
        valid = batch[schema.VALID].astype(jnp.float32)
        return Losses({"recovery": Term(error, valid)}, {})

    def predict(self, params: Params, batch: Batch, keys: jax.Array) -> Prediction:
        """The recovery error of each part as scores and as a heat map, and the recovered face."""
        masked = self.mask_each_part(self.faces(batch), keys)
        predicted = self.autoencode(params, masked).patches
        evidence = _evidence(masked, squared_error(predicted, masked.faces.patches))
        combined = combine_passes(masked, predicted, self.mae.patch)
        return Prediction(
            score=evidence["relative_mean"],
            heat=combined.error,
            recovered=combined.recovered,
            hidden=combined.hidden,
            evidence=evidence,
        )

    def faces(self, batch: Batch) -> Faces:
        """Normalised pixels, patches and part map, all on device."""
        image = normalise(batch[schema.IMAGE])
        parts = part_map(batch[schema.LANDMARKS], self.mae.image, self.mae.patch)
        return Faces(image, patchify(image, self.mae.patch), parts)

    def mask_for_training(self, faces: Faces, keys: jax.Array) -> MaskedFaces:
        """Masks each face once; modes that mask parts mask a random part."""
        part_keys, mask_keys = _split(keys)
        mask = draw_mask(self.mask, mask_keys, faces.parts, choose_parts(part_keys))
        return MaskedFaces(faces, mask)

    def mask_each_part(self, faces: Faces, keys: jax.Array) -> MaskedFaces:
        """Masks each face K times, another part each time."""
        return mask_each_part(self.mask, faces, keys)

    def autoencode(self, params: Params, masked: MaskedFaces) -> Recovery:
        """Masked faces through an autoencoder."""
        recovery = self.mae.apply({"params": params}, masked.faces.image, masked.mask)
        return cast(Recovery, recovery)  # Flax types it as what any module may return

    def autoencode_whole(self, params: Params, faces: Faces) -> Recovery:
        """Whole faces through an autoencoder, nothing masked."""
        mask = nothing_masked(*faces.patches.shape[:2])
        return self.autoencode(params, MaskedFaces(faces, mask))

    def overall(
        self, encoder: Params, faces: Faces, survival: jax.Array | None = None
    ) -> jax.Array:
        """Whole faces through an encoder, nothing masked: its pooled output, [B, D]."""
        return heads.pool(self.whole_tokens(encoder, faces, survival))

    def whole_tokens(
        self, encoder: Params, faces: Faces, survival: jax.Array | None = None
    ) -> jax.Array:
        """Whole faces through an encoder, nothing masked: class token, then patches, [B, 1 + N, D]."""
        everywhere = nothing_masked(*faces.patches.shape[:2]).keep
        network = encoder_of(self.mae)
        tokens = network.apply({"params": encoder}, faces.patches, everywhere, survival)
        return cast(jax.Array, tokens)


def _split(keys: jax.Array) -> tuple[jax.Array, jax.Array]:
    pairs = jax.vmap(jax.random.split)(keys)
    return pairs[:, 0], pairs[:, 1]


def _evidence(masked: MaskedFaces, error: jax.Array) -> dict[str, jax.Array]:
    """Masked error of each part, raw and divided by the variance of the part; their means and maxima."""
    in_pass = mean_over(error, masked.mask.dropped)
    raw = by_pass(in_pass)
    relative = by_pass(in_pass / part_variance(masked))
    evidence = {
        "error_mean": raw.mean(0),
        "error_max": raw.max(0),
        "relative_mean": relative.mean(0),
        "relative_max": relative.max(0),
    }
    for k, part in enumerate(FACE_PARTS):
        evidence[f"error_{PART_NAMES[part]}"] = raw[k]
        evidence[f"relative_{PART_NAMES[part]}"] = relative[k]
    return evidence


def part_variance(masked: MaskedFaces) -> jax.Array:
    """Variance of the given pixels under each mask, [K B]; a lower bound keeps the ratio finite."""
    patches, dropped = masked.faces.patches, masked.mask.dropped
    mean = mean_over(patches.mean(-1), dropped)[:, None, None]
    variance = mean_over(jnp.square(patches - mean).mean(-1), dropped)
    return jnp.maximum(variance, 1e-4)
