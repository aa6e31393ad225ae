"""Delocate (Hu et al., 2401.13516), our reading: the recovered face and the forgery mask teach where.

Stated by the paper: as in Recap, facial parts of real faces are recovered first; a mapping module widens
the difference between real and fake on what was recovered, dwelling on fakes that were recovered
poorly; an encoder-decoder (U-Net with SENet and scSE) says where a face was touched; classification and
localisation are learnt together, by meta-learning (see `meta`). Our choice is what it leaves open: the
residual joined of one pass for each facial part; that the mapping module is Recap's mapping network,
whose fakes are pushed inside their mask alone; every other layer and every weight of a loss.
"""

import dataclasses
from typing import Literal, NamedTuple, cast

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxfake import schema
from jaxfake.models import heads, losses, margin, vit
from jaxfake.models.losses import Term, mean_over
from jaxfake.models.masking import nothing_masked
from jaxfake.models.meta import MetaRule
from jaxfake.models.method import Losses, Params, Prediction
from jaxfake.models.passes import (
    Assembled,
    Faces,
    assemble,
    by_pass,
    enlarged_residual,
    joined,
    mask_each_part,
)
from jaxfake.models.pictures import enlarge
from jaxfake.models.pixels import patchify, unpatchify
from jaxfake.models.recover import Recover
from jaxfake.models.unet import Localised, UNet
from jaxfake.models.vit import Compute
from jaxfake.schema import Batch

POSITIVE_WEIGHT = 2.0
"""A touched pixel counts as much as so many others."""

TOUCHED = 0.5
"""A pixel is called touched from this probability on."""


@dataclasses.dataclass(frozen=True)
class DelocateRule:
    """What may be varied.

    Attributes:
        masked: patches that each of the three passes masks; as many as a facial part has masks it whole.
        shrink: the U-Net works at the side of the face divided by this; its map is as fine as the face.
        channels: of what the U-Net is given.
        width: channels of the U-Net's first stage; the others have 2, 4 and 8 times as many.
        map_weight: of the mapping, beside classification and localisation.
        dropout: of the features of the verdict.
        meta: how the detector is made to generalise.
    """

    name: Literal["delocate"]
    masked: int
    shrink: int
    channels: int
    width: int
    map_weight: float
    dropout: float
    meta: MetaRule


class Examined(NamedTuple):
    """A face beside what both autoencoders make of it."""

    image: jax.Array  # float32 [B, H, W, 3] in -1..1
    recovered: jax.Array  # float32 [B, H, W, 3], part by part, by the frozen one
    mapped: jax.Array  # float32 [B, H, W, 3], near the recovered face if real, else far from it
    expected: jax.Array  # [B, N, E], each patch as the frozen decoder expects it of the other parts
    seen: jax.Array  # [B, N, D], each patch as the mapping network's encoder sees it in its face


class Recovered(NamedTuple):
    """A face as the frozen autoencoder recovers it, part by part."""

    whole: Assembled
    expected: jax.Array  # see `Examined.expected`


class Verdicts(NamedTuple):
    """What the network says of each face."""

    logits: jax.Array  # float32 [B, 2], real and fake
    touched: jax.Array  # float32 [B, H, W], logits


class Localiser(nn.Module):
    """U-Net over a face, what sets it apart from its recovery and mapping, and what its patches say.

    At each place the stem sees a whole square of pixels, so that none is lost, and the last layer says of
    each of them whether it was touched; in between there are so many times fewer places to convolve.
    """

    rule: DelocateRule
    compute: Compute
    recompute: bool = False  # see `UNet`

    @nn.compact
    def __call__(self, examined: Examined, keys: jax.Array | None) -> Verdicts:
        """`keys` [B] are of dropout; None for none."""
        patches = jnp.concatenate([examined.expected, examined.seen], axis=-1)
        shape = (self.rule.width, self.rule.shrink)
        unet = UNet(*shape, self.compute, self.recompute, name="unet")
        found: Localised = unet(self._stem(examined, patches))
        touched = found.logits + self._first_guess(examined, patches)
        chance = jax.nn.sigmoid(touched)
        features = [
            found.bottleneck.mean((1, 2)),
            examined.seen.mean(1),
            chance.max((1, 2))[:, None].astype(self.compute.dtype),
            chance.mean((1, 2))[:, None].astype(self.compute.dtype),
        ]
        verdict = heads.Verdict(self.compute, self.rule.dropout, name="verdict")
        return Verdicts(verdict(features, keys), touched)

    def _stem(self, examined: Examined, patches: jax.Array) -> jax.Array:
        """[B, h, w, F], of the pixels and of the patches [B, N, E + D]."""
        given, recovered, mapped = examined.image, examined.recovered, examined.mapped
        pixels = [given, enlarged_residual(recovered, given), enlarged_residual(mapped, recovered)]
        squares = _squares(jnp.concatenate(pixels, axis=-1), self.rule.shrink)
        fine = vit.dense(self.rule.channels, self.compute, "stem")(squares.astype(patches.dtype))
        coarse = vit.dense(self.rule.channels, self.compute, "patches")(patches)
        grid = round(coarse.shape[1] ** 0.5)
        coarse = coarse.reshape(-1, grid, grid, self.rule.channels)
        return fine + enlarge(coarse, fine.shape[1])

    def _first_guess(self, examined: Examined, patches: jax.Array) -> jax.Array:
        """Logits of every pixel, float32 [B, H, W], from its patch alone; the U-Net corrects them."""
        side = examined.image.shape[1] // round(patches.shape[1] ** 0.5)
        logits = vit.dense(side**2, self.compute, "guess")(patches).astype(jnp.float32)
        return unpatchify(logits, side, channels=1)[..., 0]


@dataclasses.dataclass(frozen=True)
class Delocate:
    """Stage 2 for the loop. Parameters: frozen and mapping (autoencoders), localising, margin."""

    recover: Recover
    rule: DelocateRule

    @property
    def heat_threshold(self) -> float | None:
        """The heat is a probability."""
        return TOUCHED

    def init(self, key: jax.Array, autoencoder: Params | None) -> Params:
        """Teacher and mapping network as stage 1 left them, and a fresh localiser."""
        own, fresh = jax.random.split(key)
        start = self.recover.init(own, autoencoder)
        mae = self.recover.mae
        face = jnp.zeros((1, mae.image, mae.image, 3))
        patches = (
            jnp.zeros((1, mae.grid**2, stack.width), mae.compute.dtype)
            for stack in (mae.decoder, mae.encoder)
        )
        examined = Examined(face, face, face, *patches)
        return {
            "frozen": start,
            "mapping": start,
            "localising": self._localiser().init(fresh, examined, None)["params"],
            "margin": margin.first_guess(),
        }

    def losses(self, params: Params, batch: Batch, keys: jax.Array) -> Losses:
        """Classification of every face, localisation where there is a mask, mapping, and the medians."""
        draws = heads.training_keys(keys)
        faces = self.recover.faces(batch)
        recovered = self._recovered(params, faces, draws.mask)
        examined = self._examined(params, faces, recovered)
        verdicts = self._verdicts(params, examined, draws.features)
        judged = heads.judge(verdicts.logits, batch)
        total = {"classification": judged.cross_entropy}
        total |= _localisation_terms(verdicts.touched, batch)
        total |= self._mapping_terms(params["margin"], examined, recovered.whole, batch)
        return Losses(total, {"accuracy": judged.accuracy})

    def predict(self, params: Params, batch: Batch, keys: jax.Array) -> Prediction:
        """P(fake), and P(touched) of each pixel."""
        faces = self.recover.faces(batch)
        recovered = self._recovered(params, faces, keys)
        verdicts = self._verdicts(params, self._examined(params, faces, recovered), None)
        return Prediction(
            score=heads.fake_probability(verdicts.logits),
            heat=jax.nn.sigmoid(verdicts.touched),
            recovered=recovered.whole.recovered,
            hidden=recovered.whole.hidden,
            evidence={},
        )

    def _recovered(self, params: Params, faces: Faces, keys: jax.Array) -> Recovered:
        """Each part recovered in turn by the frozen stage 1."""
        teacher = jax.lax.stop_gradient(params["frozen"])
        rule = dataclasses.replace(self.recover.mask, mode="part", count=self.rule.masked)
        masked = mask_each_part(rule, faces, keys)
        recovery = self.recover.recover(teacher, masked.faces.image, masked.mask)
        whole = assemble(masked, recovery.patches, self.recover.mae.patch)
        nothing = jnp.zeros_like(by_pass(recovery.hidden)[0])
        return Recovered(whole, joined(masked, recovery.hidden, nothing))

    def _examined(self, params: Params, faces: Faces, recovered: Recovered) -> Examined:
        """The whole face through the mapping network, beside its recovery."""
        everything = nothing_masked(*faces.patches.shape[:2])
        mapped = self.recover.recover(params["mapping"], faces.image, everything)
        return Examined(
            image=faces.image,
            recovered=recovered.whole.recovered,
            mapped=unpatchify(mapped.patches, self.recover.mae.patch),
            expected=recovered.expected,
            seen=mapped.tokens[:, 1:],
        )

    def _verdicts(self, params: Params, examined: Examined, keys: jax.Array | None) -> Verdicts:
        verdicts = self._localiser().apply({"params": params["localising"]}, examined, keys)
        return cast(Verdicts, verdicts)

    def _mapping_terms(
        self, medians: Params, examined: Examined, whole: Assembled, batch: Batch
    ) -> dict[str, Term]:
        """Pulls real faces to their recovery; pushes fakes away from it inside their mask."""
        real, fake = (heads.of_class(batch, label) for label in (schema.REAL, schema.FAKE))
        hidden = _flat(enlarge(whole.hidden, self.recover.mae.image))
        touched = _flat(batch[schema.FORGERY_MASK] > 0) & hidden
        off = _flat(jnp.square(examined.mapped - whole.recovered).mean(-1))
        error = mean_over(_flat(jnp.square(examined.image - whole.recovered).mean(-1)), hidden)
        push = jax.nn.relu(margin.bound(medians) - mean_over(off, touched))
        push = margin.emphasis(medians, error) * push
        masked = fake * (batch[schema.HAS_MASK] & touched.any(1)).astype(jnp.float32)
        # The bound is a multiple of how far real faces are from their recovery, not from their mapping as
        # in Recap: pushing fakes moves the mapping of reals too, and the bound would run ahead of it.
        terms = margin.median_terms(medians, Term(error, real), Term(error, fake))
        weight, distance = self.rule.map_weight, mean_over(off, hidden)
        return terms | {"pull": Term(weight * distance, real), "push": Term(weight * push, masked)}

    def _localiser(self) -> Localiser:
        mae = self.recover.mae
        return Localiser(self.rule, mae.compute, mae.remat.localiser != "none")


def _localisation_terms(logits: jax.Array, batch: Batch) -> dict[str, Term]:
    """Cross-entropy of the pixels of faces with a mask, and Dice of the fakes among them.

    A fake without a mask takes part in neither. A real face has an empty mask, for which Dice is
    undefined; the cross-entropy alone holds its map down.
    """
    truth = (batch[schema.FORGERY_MASK] > 0).astype(jnp.float32)
    known = (batch[schema.VALID] & batch[schema.HAS_MASK]).astype(jnp.float32)
    touched = truth.any((1, 2)).astype(jnp.float32)
    forged = known * heads.of_class(batch, schema.FAKE) * touched
    return {
        "pixels": Term(losses.pixel_cross_entropy(logits, truth, POSITIVE_WEIGHT), known),
        "dice": Term(losses.soft_dice_error(jax.nn.sigmoid(logits), truth), forged),
    }


def _squares(picture: jax.Array, times: int) -> jax.Array:
    """The pixels of each square side by side, [B, H, W, C] to [B, h, w, times^2 C]."""
    batch, height, width, _ = picture.shape
    return patchify(picture, times).reshape(batch, height // times, width // times, -1)


def _flat(picture: jax.Array) -> jax.Array:
    return picture.reshape(picture.shape[0], -1)
