"""Recap (Hu et al., 2308.09921), our reading: the recovered face teaches how faces are mapped.

Stated by the abstract: the output of the recovery supervises a mapping of faces; the mapping dwells on
fakes that were recovered poorly and makes their representation worse, and refines that of real faces.
Our reading of this: a mapping network that sees the whole face is pulled to the frozen recovery for real
faces and pushed away from it for fakes. Our choice is all else, above all the margin: pushing
without a bound has no optimum (MIFAE's DualRecon; kept here as an ablation).
"""

import dataclasses
from typing import Literal, NamedTuple, cast

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxfake import schema
from jaxfake.models import heads, margin, vit
from jaxfake.models.losses import Term, mean_over, squared_error
from jaxfake.models.mae import Recovery, recovered_patches
from jaxfake.models.masking import nothing_masked
from jaxfake.models.method import Losses, Params, Prediction
from jaxfake.models.passes import Faces, Masked, assemble, by_pass, mask_each_part, repeated
from jaxfake.models.recover import Recover
from jaxfake.models.vit import Compute
from jaxfake.schema import Batch


@dataclasses.dataclass(frozen=True)
class RecapRule:
    """What may be varied.

    Attributes:
        mapping: 'margin' pulls real faces and pushes fakes up to the margin; 'real' only pulls (MIFAE's
            RealRecon); 'unbounded' pushes without end (its DualRecon); 'none' does neither.
        emphasis: whether poorly recovered fakes count more.
        map_weight: of the mapping, beside the cross-entropy.
        dropout: of the features.
    """

    name: Literal["recap"]
    mapping: Literal["margin", "real", "unbounded", "none"]
    emphasis: bool
    map_weight: float
    dropout: float


class Compared(NamedTuple):
    """A mapped face beside its recovery."""

    seen: jax.Array  # [B, D], mean patch of the mapping network's encoder
    discrepancy: jax.Array  # float32 [B, N], mean over the pixels of |mapped - recovered|
    distance: jax.Array  # float32 [B], mean squared difference over the masked patches
    recovery_error: jax.Array  # float32 [B], of the masked patches


class RecapHead(nn.Module):
    """The verdict on the mapped face and on where it left the recovered one."""

    width: int
    compute: Compute
    dropout: float

    @nn.compact
    def __call__(
        self, seen: jax.Array, discrepancy: jax.Array, keys: jax.Array | None
    ) -> jax.Array:
        """Logits of real and fake; see `Compared`. `keys` [B] are of dropout."""
        where = vit.dense(self.width, self.compute, "discrepancy")(discrepancy.astype(seen.dtype))
        features = [
            vit.layer_norm(seen, self.compute, "seen_norm"),
            vit.layer_norm(where, self.compute, "discrepancy_norm"),
        ]
        return heads.Verdict(self.compute, self.dropout, name="verdict")(features, keys)


@dataclasses.dataclass(frozen=True)
class Recap:
    """Stage 2 for the loop. Parameters: frozen (autoencoder, the teacher), mapping, head, margin."""

    recover: Recover
    rule: RecapRule

    @property
    def heat_threshold(self) -> float | None:
        """The heat is an error."""
        return None

    def init(self, key: jax.Array, autoencoder: Params | None) -> Params:
        """Teacher and mapping network as stage 1 left them, and a fresh head."""
        own, head_key = jax.random.split(key)
        start = self.recover.init(own, autoencoder)
        mae = self.recover.mae
        seen, discrepancy = jnp.zeros((1, mae.encoder.width)), jnp.zeros((1, mae.grid**2))
        return {
            "frozen": start,
            "mapping": start,
            "head": self._head().init(head_key, seen, discrepancy, None)["params"],
            "margin": margin.first_guess(),
        }

    def losses(self, params: Params, batch: Batch, keys: jax.Array) -> Losses:
        """Cross-entropy, pull and push of the mapping, and the two medians."""
        draws = heads.training_keys(keys)
        faces = self.recover.faces(batch)
        masked = Masked(faces, self.recover.training_mask(faces, draws.mask))
        recovery = self._recovery(params, masked)
        compared = _compare(self._mapped(params, faces), recovery, masked)
        judged = heads.judge(self._logits(params, compared, draws.features), batch)
        return Losses(
            {"classification": judged.cross_entropy}
            | self._mapping_terms(params["margin"], compared, batch),
            {"accuracy": judged.accuracy},
        )

    def predict(self, params: Params, batch: Batch, keys: jax.Array) -> Prediction:
        """P(fake), mean over the K masks, and the face as the teacher recovers it."""
        faces = self.recover.faces(batch)
        masked = mask_each_part(self.recover.mask, faces, keys)
        recovery = self._recovery(params, masked)
        compared = _compare(repeated(self._mapped(params, faces)), recovery, masked)
        score = heads.fake_probability(self._logits(params, compared, None))
        whole = assemble(masked, recovery.patches, self.recover.mae.patch)
        return Prediction(by_pass(score).mean(0), whole.error, whole.recovered, whole.hidden, {})

    def _mapping_terms(self, medians: Params, compared: Compared, batch: Batch) -> dict[str, Term]:
        real, fake = (heads.of_class(batch, label) for label in (schema.REAL, schema.FAKE))
        distance, error = compared.distance, compared.recovery_error
        terms = margin.median_terms(medians, Term(distance, real), Term(error, fake))
        weight = self.rule.map_weight
        if self.rule.mapping != "none":
            terms["pull"] = Term(weight * distance, real)
        push = {
            "margin": jax.nn.relu(margin.bound(medians) - distance),
            "unbounded": -distance,
        }.get(self.rule.mapping)
        if push is not None:
            times = margin.emphasis(medians, error) if self.rule.emphasis else 1.0
            terms["push"] = Term(weight * times * push, fake)
        return terms

    def _recovery(self, params: Params, masked: Masked) -> Recovery:
        """The masked face as the frozen stage 1 recovers it."""
        teacher = jax.lax.stop_gradient(params["frozen"])
        return self.recover.recover(teacher, masked.faces.image, masked.mask)

    def _mapped(self, params: Params, faces: Faces) -> Recovery:
        """The whole face through the mapping network."""
        everything = nothing_masked(*faces.patches.shape[:2])
        return self.recover.recover(params["mapping"], faces.image, everything)

    def _logits(self, params: Params, compared: Compared, keys: jax.Array | None) -> jax.Array:
        head = {"params": params["head"]}
        logits = self._head().apply(head, compared.seen, compared.discrepancy, keys)
        return cast(jax.Array, logits)

    def _head(self) -> RecapHead:
        mae = self.recover.mae
        return RecapHead(mae.encoder.width, mae.compute, self.rule.dropout)


def _compare(mapped: Recovery, recovery: Recovery, masked: Masked) -> Compared:
    """The recovered face is the given one outside of the mask."""
    dropped = masked.mask.dropped
    target = recovered_patches(masked.faces.patches, recovery, masked.mask)
    return Compared(
        seen=heads.mean_patch(mapped.tokens),
        discrepancy=jnp.abs(mapped.patches - target).mean(-1),
        distance=mean_over(squared_error(mapped.patches, target), dropped),
        recovery_error=mean_over(squared_error(recovery.patches, masked.faces.patches), dropped),
    )
