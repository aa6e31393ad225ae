"""Delocate (Hu et al., 2401.13516), our reading: the recovered face and the forgery mask teach where.

Stated by the paper: as in Recap, facial parts of real faces are recovered first; a mapping module widens
the difference between real and fake on what was recovered, dwelling on fakes that were recovered
poorly; an encoder-decoder (U-Net with SENet and scSE) says where a face was touched; classification and
localisation are learnt together, by meta-learning (see `meta`). Our choice is what it leaves open: the
residual joined of one pass for each facial part, every layer and every weight of a loss.
"""

import dataclasses
from typing import Literal, NamedTuple, cast

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxfake import losses, schema
from jaxfake.losses import Term, mean_over
from jaxfake.models import heads, margin, vit
from jaxfake.models.meta import MetaRule
from jaxfake.models.method import Losses, Params, Prediction
from jaxfake.models.passes import Assembled, assemble, enlarged_residual, mask_each_part
from jaxfake.models.pictures import enlarge
from jaxfake.models.recover import Recover
from jaxfake.models.unet import Localised, UNet, convolved
from jaxfake.models.vit import Compute
from jaxfake.schema import Batch

POSITIVE_WEIGHT = 2.0
"""A touched pixel counts as much as so many others."""

TOUCHED = 0.5
"""A pixel is called touched from this probability on."""

_SHRUNK = 2  # the U-Net's map has half the side of its input


@dataclasses.dataclass(frozen=True)
class DelocateRule:
    """What may be varied.

    Attributes:
        masked: patches that each of the three passes masks; as many as a facial part has masks it whole.
        channels: of the mapping module.
        width: channels of the U-Net's first stage; the others have 2, 4 and 8 times as many.
        map_weight: of the mapping, beside classification and localisation.
        dropout: of the features of the verdict.
        meta: how the detector is made to generalise.
    """

    name: Literal["delocate"]
    masked: int
    channels: int
    width: int
    map_weight: float
    dropout: float
    meta: MetaRule


class Examined(NamedTuple):
    """A face beside what the frozen autoencoder makes of it, part by part."""

    image: jax.Array  # float32 [B, H, W, 3] in -1..1
    whole: Assembled


class Mapped(NamedTuple):
    """What the mapping module makes of an examined face."""

    features: jax.Array  # [B, H, W, F]
    face: jax.Array  # float32 [B, H, W, 3], near the recovered face if real, else far from it


class Verdicts(NamedTuple):
    """What the network says of each face."""

    logits: jax.Array  # float32 [B, 2], real and fake
    touched: jax.Array  # float32 [B, H/2, W/2], logits
    mapped: jax.Array  # float32 [B, H, W, 3], see `Mapped.face`


class MappingModule(nn.Module):
    """Two residual blocks over the face, its residual and the recovered face."""

    channels: int
    compute: Compute

    @nn.compact
    def __call__(self, examined: Examined) -> Mapped:
        recovered = examined.whole.recovered
        residual = enlarged_residual(recovered, examined.image)
        joined = jnp.concatenate([examined.image, residual, recovered], axis=-1)
        x = vit.dense(self.channels, self.compute, "stem")(joined.astype(self.compute.dtype))
        for n in range(2):
            inside = convolved(x, self.channels, self.compute, f"block_{n}_first")
            x = x + convolved(inside, self.channels, self.compute, f"block_{n}_second")
        return Mapped(x, vit.dense(3, self.compute, "face")(x).astype(jnp.float32))


class Localiser(nn.Module):
    """Mapping module, U-Net, and a verdict on its narrowest stage and its map."""

    rule: DelocateRule
    compute: Compute

    @nn.compact
    def __call__(self, examined: Examined, keys: jax.Array | None) -> Verdicts:
        """`keys` [B] are of dropout; None for none."""
        mapped = MappingModule(self.rule.channels, self.compute, name="mapping")(examined)
        found: Localised = UNet(self.rule.width, self.compute, name="unet")(mapped.features)
        chance = jax.nn.sigmoid(found.logits)
        features = [
            found.bottleneck.mean((1, 2)),
            chance.max((1, 2))[:, None].astype(self.compute.dtype),
            chance.mean((1, 2))[:, None].astype(self.compute.dtype),
        ]
        verdict = heads.Verdict(self.compute, self.rule.dropout, name="verdict")
        return Verdicts(verdict(features, keys), found.logits, mapped.face)


@dataclasses.dataclass(frozen=True)
class Delocate:
    """Stage 2 for the loop. Parameters: frozen (autoencoder), localising (all that learns), margin."""

    recover: Recover
    rule: DelocateRule

    @property
    def heat_threshold(self) -> float | None:
        """The heat is a probability."""
        return TOUCHED

    def init(self, key: jax.Array, autoencoder: Params | None) -> Params:
        """The autoencoder as stage 1 left it, and a fresh localiser."""
        own, fresh = jax.random.split(key)
        side = self.recover.mae.image
        face = jnp.zeros((1, side, side, 3))
        nothing = jnp.zeros((1, 1, 1))
        examined = Examined(face, Assembled(face, nothing, nothing > 0))
        return {
            "frozen": self.recover.init(own, autoencoder),
            "localising": self._localiser().init(fresh, examined, None)["params"],
            "margin": margin.first_guess(),
        }

    def losses(self, params: Params, batch: Batch, keys: jax.Array) -> Losses:
        """Classification of every face, localisation where there is a mask, mapping, and the medians."""
        draws = heads.training_keys(keys)
        examined = self._examined(params, batch, draws.mask)
        verdicts = self._verdicts(params, examined, draws.features)
        judged = heads.judge(verdicts.logits, batch)
        total = {"classification": judged.cross_entropy}
        total |= _localisation_terms(verdicts.touched, batch)
        total |= self._mapping_terms(params["margin"], examined, verdicts.mapped, batch)
        return Losses(total, {"accuracy": judged.accuracy})

    def predict(self, params: Params, batch: Batch, keys: jax.Array) -> Prediction:
        """P(fake), and P(touched) of each pixel at half the side."""
        examined = self._examined(params, batch, keys)
        verdicts = self._verdicts(params, examined, None)
        return Prediction(
            score=heads.fake_probability(verdicts.logits),
            heat=jax.nn.sigmoid(verdicts.touched),
            recovered=examined.whole.recovered,
            hidden=examined.whole.hidden,
            evidence={},
        )

    def _examined(self, params: Params, batch: Batch, keys: jax.Array) -> Examined:
        """Each part recovered in turn by the frozen stage 1."""
        teacher = jax.lax.stop_gradient(params["frozen"])
        faces = self.recover.faces(batch)
        rule = dataclasses.replace(self.recover.mask, mode="part", count=self.rule.masked)
        masked = mask_each_part(rule, faces, keys)
        recovery = self.recover.recover(teacher, masked.faces.image, masked.mask)
        return Examined(faces.image, assemble(masked, recovery.patches, self.recover.mae.patch))

    def _verdicts(self, params: Params, examined: Examined, keys: jax.Array | None) -> Verdicts:
        verdicts = self._localiser().apply({"params": params["localising"]}, examined, keys)
        return cast(Verdicts, verdicts)

    def _mapping_terms(
        self, medians: Params, examined: Examined, mapped: jax.Array, batch: Batch
    ) -> dict[str, Term]:
        """Pulls real faces to their recovery; pushes fakes away from it inside their mask."""
        real, fake = (heads.of_class(batch, label) for label in (schema.REAL, schema.FAKE))
        hidden = _flat(enlarge(examined.whole.hidden, self.recover.mae.image))
        touched = _flat(batch[schema.FORGERY_MASK] > 0) & hidden
        off = _flat(jnp.square(mapped - examined.whole.recovered).mean(-1))
        error = mean_over(
            _flat(jnp.square(examined.image - examined.whole.recovered).mean(-1)), hidden
        )
        distance = mean_over(off, hidden)
        push = jax.nn.relu(margin.bound(medians) - mean_over(off, touched))
        push = margin.emphasis(medians, error) * push
        masked = fake * (batch[schema.HAS_MASK] & touched.any(1)).astype(jnp.float32)
        terms = margin.median_terms(medians, Term(distance, real), Term(error, fake))
        weight = self.rule.map_weight
        return terms | {"pull": Term(weight * distance, real), "push": Term(weight * push, masked)}

    def _localiser(self) -> Localiser:
        return Localiser(self.rule, self.recover.mae.compute)


def _localisation_terms(logits: jax.Array, batch: Batch) -> dict[str, Term]:
    """Cross-entropy of the pixels of faces with a mask, and Dice of the fakes among them.

    A fake without a mask takes part in neither. A real face has an empty mask, for which Dice is
    undefined; the cross-entropy alone holds its map down.
    """
    truth = _shrunk(batch[schema.FORGERY_MASK])
    known = (batch[schema.VALID] & batch[schema.HAS_MASK]).astype(jnp.float32)
    touched = truth.any((1, 2)).astype(jnp.float32)
    forged = known * heads.of_class(batch, schema.FAKE) * touched
    return {
        "pixels": Term(losses.pixel_cross_entropy(logits, truth, POSITIVE_WEIGHT), known),
        "dice": Term(losses.soft_dice_error(jax.nn.sigmoid(logits), truth), forged),
    }


def _shrunk(mask: jax.Array) -> jax.Array:
    """uint8 [B, H, W] to float32 [B, H/2, W/2]: 1 where more than half of the area is touched."""
    batch, height, width = mask.shape
    parts = (mask > 0).reshape(batch, height // _SHRUNK, _SHRUNK, width // _SHRUNK, _SHRUNK)
    return (parts.astype(jnp.float32).mean((2, 4)) > 0.5).astype(jnp.float32)


def _flat(picture: jax.Array) -> jax.Array:
    return picture.reshape(picture.shape[0], -1)
