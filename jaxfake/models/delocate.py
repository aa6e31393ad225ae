"""Delocate (Hu et al., 2401.13516), our reading: the recovered face and the forgery mask supervise.

Stated by the paper: as in Recap, facial parts of real faces are recovered first; a mapping module increases
the difference between real and fake, with emphasis on fakes that were recovered poorly; an encoder-decoder
(U-Net with SENet and scSE) localises the manipulation; classification and localisation are learnt
together, by meta-learning. Our choice is what it leaves open: the recovery is combined from
one pass for each facial part; the mapping module is Recap's mapping network, whose fakes are pushed only
inside their mask; every other layer and every weight of a loss.
"""

import dataclasses
from typing import ClassVar, Literal, NamedTuple, cast

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxfake import schema
from jaxfake.models import heads, losses, margin_loss, vit
from jaxfake.models.finetuned.network import ImportedViT
from jaxfake.models.losses import Term, mean_over
from jaxfake.models.meta_learning import MetaSettings
from jaxfake.models.method import Losses, Params, Prediction, fresh_params
from jaxfake.models.part_passes import (
    CombinedPasses,
    Faces,
    by_pass,
    combine_passes,
    enlarged_residual,
    mask_each_part,
    masked_values,
)
from jaxfake.models.pixels import patchify, unpatchify
from jaxfake.models.recover import Recover
from jaxfake.models.recovery_pictures import enlarge
from jaxfake.models.unet import STAGES, UNet, UNetOutput
from jaxfake.models.vit import Compute
from jaxfake.schema import Batch

POSITIVE_WEIGHT = 2.0
"""Weight of a manipulated pixel in the cross-entropy; other pixels have weight 1."""

THRESHOLD = 0.5
"""A pixel of at least this probability is predicted to be manipulated."""


@dataclasses.dataclass(frozen=True)
class DelocateSettings:
    """Settings of the method.

    Attributes:
        shrink: the U-Net works at the face's resolution divided by this; its map has the full resolution.
        channels: of the features that the U-Net gets.
        width: channels of the U-Net, by which those of its stages are counted.
        map_weight: of the mapping losses, beside classification and localisation.
        dropout: of the features of the classifier.
        meta: settings of meta-learning.
        stages: channels of each stage of the U-Net, in widths; each but the first halves the side.
    """

    name: Literal["delocate"]
    shrink: int
    channels: int
    width: int
    map_weight: float
    dropout: float
    meta: MetaSettings
    stages: tuple[int, ...] = STAGES


class LocaliserInput(NamedTuple):
    """A face, and the outputs of the networks for it."""

    image: jax.Array  # float32 [B, H, W, 3] in -1..1
    recovered: jax.Array  # float32 [B, H, W, 3], by the frozen autoencoder, each part in turn
    mapped: jax.Array  # float32 [B, H, W, 3], close to `recovered` for real faces, far for fakes
    decoded: jax.Array  # [B, N, E], the frozen decoder's hidden state of each masked patch
    encoded: jax.Array  # [B, N, D], the patch tokens of the mapping network's encoder
    overall: jax.Array | None  # [B, W], features of the imported network; None without one


class TeacherOutput(NamedTuple):
    """A face as the frozen autoencoder recovers it, each part in turn."""

    combined: CombinedPasses
    decoded: jax.Array  # see `LocaliserInput.decoded`


class LocaliserOutput(NamedTuple):
    """The two predictions for each face."""

    logits: jax.Array  # float32 [B, 2], real and fake
    mask_logits: jax.Array  # float32 [B, H, W], that a pixel is manipulated


class Localiser(nn.Module):
    """U-Net over a face, its differences from recovery and mapping, and the features of its patches.

    The stem turns each square of pixels into one place, so that no pixel is lost, and the last layer
    predicts every pixel of the square; in between, the convolutions work at the lower resolution.
    """

    settings: DelocateSettings
    compute: Compute
    recompute: bool = False  # see `UNet`

    @nn.compact
    def __call__(self, given: LocaliserInput, keys: jax.Array | None) -> LocaliserOutput:
        """`keys` [B] are of dropout; None for none."""
        patches = jnp.concatenate([given.decoded, given.encoded], axis=-1)
        width, shrink, stages = self.settings.width, self.settings.shrink, self.settings.stages
        unet = UNet(width, shrink, self.compute, self.recompute, stages, name="unet")
        output: UNetOutput = unet(self._stem(given, patches))
        mask_logits = output.logits + self._patch_logits(given, patches)
        probability = jax.nn.sigmoid(mask_logits)
        features = [
            output.bottleneck.mean((1, 2)),
            given.encoded.mean(1),
            probability.max((1, 2))[:, None].astype(self.compute.dtype),
            probability.mean((1, 2))[:, None].astype(self.compute.dtype),
        ]
        if given.overall is not None:
            features.append(vit.layer_norm(given.overall, self.compute, heads.OVERALL_NORM))
        classifier = heads.Classifier(self.compute, self.settings.dropout, name=heads.CLASSIFIER)
        return LocaliserOutput(classifier(features, keys), mask_logits)

    def _stem(self, given: LocaliserInput, patches: jax.Array) -> jax.Array:
        """Features [B, h, w, F] of the pixels and of the patches [B, N, E + D]."""
        image, recovered, mapped = given.image, given.recovered, given.mapped
        pixels = [image, enlarged_residual(recovered, image), enlarged_residual(mapped, recovered)]
        squares = _space_to_depth(jnp.concatenate(pixels, axis=-1), self.settings.shrink)
        channels = self.settings.channels
        fine = vit.dense(channels, self.compute, "stem")(squares.astype(patches.dtype))
        coarse = vit.dense(channels, self.compute, "patches")(patches)
        grid = round(coarse.shape[1] ** 0.5)
        coarse = coarse.reshape(-1, grid, grid, channels)
        return fine + enlarge(coarse, fine.shape[1])

    def _patch_logits(self, given: LocaliserInput, patches: jax.Array) -> jax.Array:
        """Logits of each pixel, float32 [B, H, W], from its patch only; the U-Net corrects them."""
        side = given.image.shape[1] // round(patches.shape[1] ** 0.5)
        logits = vit.dense(side**2, self.compute, "guess")(patches).astype(jnp.float32)
        return unpatchify(logits, side, channels=1)[..., 0]


@dataclasses.dataclass(frozen=True)
class Delocate:
    """Stage 2. Parameters: frozen and mapping (autoencoders), localising, margin.

    With an imported network, 'finetuned' and 'imported' beside them.
    """

    recover: Recover
    settings: DelocateSettings
    imported: ImportedViT | None = None
    heat_threshold: ClassVar[float | None] = THRESHOLD  # the heat is a probability

    def init(self, key: jax.Array, start: Params | None) -> Params:
        """Teacher and mapping network from stage 1, and a new localiser."""
        networks_key, localiser_key = jax.random.split(key)
        autoencoder = self.recover.init(networks_key, start)
        networks, overall = {"frozen": autoencoder, "mapping": autoencoder}, None
        if self.imported is not None:
            networks |= self.imported.init(networks_key, start)
            overall = jnp.zeros((1, self.imported.width))
        mae = self.recover.mae
        face = jnp.zeros((1, mae.image, mae.image, 3))
        decoded, encoded = (
            jnp.zeros((1, mae.grid**2, stack.width), mae.compute.dtype)
            for stack in (mae.decoder, mae.encoder)
        )
        given = LocaliserInput(face, face, face, decoded, encoded, overall)
        localising = fresh_params(self._localiser(), localiser_key, given, None)
        localising = heads.start_at_probe(localising, start, last=True)
        return networks | {"localising": localising, "margin": margin_loss.initial_medians()}

    def losses(self, params: Params, batch: Batch, keys: jax.Array) -> Losses:
        """Classification of all faces, localisation of faces with a mask, mapping, and the medians."""
        each = heads.training_keys(keys)
        faces = self.recover.faces(batch)
        teacher = self._teacher(params, faces, each.mask)
        given = self._localiser_input(params, faces, teacher)
        output = self._localise(params, given, each.dropout)
        classified = heads.classification(output.logits, batch)
        total = {"classification": classified.cross_entropy}
        total |= _localisation_terms(output.mask_logits, batch)
        total |= self._mapping_terms(params["margin"], given, teacher.combined, batch)
        return Losses(total, {"accuracy": classified.accuracy})

    def predict(self, params: Params, batch: Batch, keys: jax.Array) -> Prediction:
        """P(fake), and P(manipulated) of each pixel."""
        faces = self.recover.faces(batch)
        teacher = self._teacher(params, faces, keys)
        output = self._localise(params, self._localiser_input(params, faces, teacher), None)
        return Prediction(
            score=heads.fake_probability(output.logits),
            heat=jax.nn.sigmoid(output.mask_logits),
            recovered=teacher.combined.recovered,
            hidden=teacher.combined.hidden,
            evidence={},
        )

    def _teacher(self, params: Params, faces: Faces, keys: jax.Array) -> TeacherOutput:
        """Each part in turn, recovered by the frozen autoencoder."""
        frozen = jax.lax.stop_gradient(params["frozen"])
        settings = dataclasses.replace(self.recover.mask, mode="part")
        masked = mask_each_part(settings, faces, keys)
        recovery = self.recover.autoencode(frozen, masked)
        combined = combine_passes(masked, recovery.patches, self.recover.mae.patch)
        zeros = jnp.zeros_like(by_pass(recovery.hidden)[0])
        return TeacherOutput(combined, masked_values(masked, recovery.hidden, zeros))

    def _localiser_input(
        self, params: Params, faces: Faces, teacher: TeacherOutput
    ) -> LocaliserInput:
        """The face, its recovery, and the whole face through the mapping network."""
        mapped = self.recover.autoencode_whole(params["mapping"], faces)
        return LocaliserInput(
            image=faces.image,
            recovered=teacher.combined.recovered,
            mapped=unpatchify(mapped.patches, self.recover.mae.patch),
            decoded=teacher.decoded,
            encoded=mapped.tokens[:, 1:],
            overall=None if self.imported is None else self.imported.overall(params, faces),
        )

    def _localise(
        self, params: Params, given: LocaliserInput, keys: jax.Array | None
    ) -> LocaliserOutput:
        output = self._localiser().apply({"params": params["localising"]}, given, keys)
        return cast(LocaliserOutput, output)

    def _mapping_terms(
        self, medians: Params, given: LocaliserInput, combined: CombinedPasses, batch: Batch
    ) -> dict[str, Term]:
        """Pulls real faces to their recovery, pushes fakes away from it inside their mask."""
        real, fake = (heads.class_weight(batch, label) for label in (schema.REAL, schema.FAKE))
        hidden = _flat(enlarge(combined.hidden, self.recover.mae.image))
        manipulated = _flat(batch[schema.FORGERY_MASK] > 0) & hidden
        distance = _flat(jnp.square(given.mapped - combined.recovered).mean(-1))
        error = mean_over(_flat(jnp.square(given.image - combined.recovered).mean(-1)), hidden)
        push = jax.nn.relu(margin_loss.margin(medians) - mean_over(distance, manipulated))
        push = margin_loss.emphasis(medians, error) * push
        masked = fake * (batch[schema.HAS_MASK] & manipulated.any(1)).astype(jnp.float32)
        # The margin is a multiple of the recovery error of real faces, not of the distance of their mapping
        # as in Recap: pushing fakes moves the mapping of reals too, and the margin would grow with it.
        terms = margin_loss.median_losses(medians, Term(error, real), Term(error, fake))
        weight, pull = self.settings.map_weight, mean_over(distance, hidden)
        return terms | {"pull": Term(weight * pull, real), "push": Term(weight * push, masked)}

    def _localiser(self) -> Localiser:
        mae = self.recover.mae
        return Localiser(self.settings, mae.compute, mae.remat.localiser != "none")


def _localisation_terms(logits: jax.Array, batch: Batch) -> dict[str, Term]:
    """Cross-entropy of the pixels of faces with a mask, and the Dice loss of the fakes among them.

    A fake without a mask counts in neither. A real face has an empty mask, for which Dice is undefined, so
    only the cross-entropy trains its map.
    """
    mask = (batch[schema.FORGERY_MASK] > 0).astype(jnp.float32)
    known = (batch[schema.VALID] & batch[schema.HAS_MASK]).astype(jnp.float32)
    not_empty = mask.any((1, 2)).astype(jnp.float32)
    manipulated = known * heads.class_weight(batch, schema.FAKE) * not_empty
    return {
        "pixels": Term(losses.pixel_cross_entropy(logits, mask, POSITIVE_WEIGHT), known),
        "dice": Term(losses.soft_dice_loss(jax.nn.sigmoid(logits), mask), manipulated),
    }


def _space_to_depth(picture: jax.Array, times: int) -> jax.Array:
    """The pixels of each square as channels of one place, [B, H, W, C] to [B, h, w, times^2 C]."""
    batch, height, width, _ = picture.shape
    return patchify(picture, times).reshape(batch, height // times, width // times, -1)


def _flat(picture: jax.Array) -> jax.Array:
    return picture.reshape(picture.shape[0], -1)
