"""DeepfakeMAE (Hu et al., 2303.01740v1), our reading: a finetuned encoder and a pretrained decoder decide.

Stated by the abstract: the pretrained encoder is finetuned for the overall information of a face; the
pretrained decoder tells real from fake, since what it recovers should be closer to a real face than to
a fake one. Our choice is what the abstract leaves open: the decoder reads a masked face through the
frozen encoder of stage 1, and its evidence is the residual of the masked patches, enlarged as RFFR
does it (Shi et al., 2303.08439), beside its last hidden state.
"""

import dataclasses
from typing import Literal, cast

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxfake import schema
from jaxfake.models import heads, vit
from jaxfake.models.losses import Term, mean_over, squared_error
from jaxfake.models.mae import Recovery
from jaxfake.models.method import Losses, Params, Prediction
from jaxfake.models.passes import (
    Masked,
    assemble,
    by_pass,
    enlarged_residual,
    mask_each_part,
    repeated,
)
from jaxfake.models.recover import Recover
from jaxfake.models.vit import Compute
from jaxfake.schema import Batch


@dataclasses.dataclass(frozen=True)
class DeepfakeMAERule:
    """What may be varied.

    Attributes:
        decoder: 'trained' goes on learning, slowly, and stays a model of real faces by
            `recovery_weight`; 'frozen' is its ablation.
        recovery_weight: of the masked error of real faces, beside the cross-entropy (MIFAE's 0.5).
        dropout: of the features.
        drop_path: of the finetuned encoder's branches.
    """

    name: Literal["deepfakemae"]
    decoder: Literal["trained", "frozen"]
    recovery_weight: float
    dropout: float
    drop_path: float


class DeepfakeMAEHead(nn.Module):
    """The verdict on the whole face and on how its masked patches were recovered."""

    width: int
    compute: Compute
    dropout: float

    @nn.compact
    def __call__(
        self,
        overall: jax.Array,
        residual: jax.Array,
        hidden: jax.Array,
        dropped: jax.Array,
        keys: jax.Array | None,
    ) -> jax.Array:
        """Logits of real and fake.

        Args:
            overall: [B, D], the finetuned encoder's mean patch.
            residual: [B, N, P], recovered minus given pixels, enlarged and clipped to -1..1.
            hidden: [B, N, E], the decoder's last hidden state.
            dropped: bool [B, N], the masked patches; the others are not looked at.
            keys: [B], of dropout.
        """
        seen = vit.dense(self.width, self.compute, "residual")(residual.astype(hidden.dtype))
        seen = seen + vit.dense(self.width, self.compute, "hidden")(hidden)
        features = [
            vit.layer_norm(overall, self.compute, "overall_norm"),
            vit.layer_norm(heads.mean_where(seen, dropped), self.compute, "recovery_norm"),
        ]
        return heads.Verdict(self.compute, self.dropout, name="verdict")(features, keys)


@dataclasses.dataclass(frozen=True)
class DeepfakeMAE:
    """Stage 2 for the loop. Parameters: finetuned, frozen (encoder), decoding (decoder), head.

    A decoder that is not trained is among the frozen.
    """

    recover: Recover
    rule: DeepfakeMAERule

    @property
    def heat_threshold(self) -> float | None:
        """The heat is an error."""
        return None

    def init(self, key: jax.Array, autoencoder: Params | None) -> Params:
        """Two encoders and a decoder as stage 1 left them, and a fresh head."""
        own, head_key = jax.random.split(key)
        start = self.recover.init(own, autoencoder)
        networks = {"finetuned": start["encoder"], "frozen": {"encoder": start["encoder"]}}
        if self.rule.decoder == "frozen":
            networks["frozen"]["decoder"] = start["decoder"]
        else:
            networks["decoding"] = {"decoder": start["decoder"]}
        mae = self.recover.mae
        head = self._head().init(
            head_key,
            jnp.zeros((1, mae.encoder.width)),
            jnp.zeros((1, 1, mae.pixels)),
            jnp.zeros((1, 1, mae.decoder.width)),
            jnp.ones((1, 1), jnp.bool_),
            None,
        )
        return networks | {"head": head["params"]}

    def losses(self, params: Params, batch: Batch, keys: jax.Array) -> Losses:
        """Cross-entropy of every face, and the masked error of real ones."""
        draws = heads.training_keys(keys)
        faces = self.recover.faces(batch)
        masked = Masked(faces, self.recover.training_mask(faces, draws.mask))
        recovery = self._recovery(params, masked)
        depth = self.recover.mae.encoder.depth
        survival = vit.drop_path(draws.path, depth, self.rule.drop_path)
        overall = self.recover.overall(params["finetuned"], faces, survival)
        logits = self._logits(params, overall, masked, recovery, draws.features)
        judged = heads.judge(logits, batch)
        error = mean_over(squared_error(recovery.patches, faces.patches), masked.mask.dropped)
        real = heads.of_class(batch, schema.REAL)
        total = {
            "classification": judged.cross_entropy,
            "recovery": Term(self.rule.recovery_weight * error, real),
        }
        return Losses(total, {"accuracy": judged.accuracy})

    def predict(self, params: Params, batch: Batch, keys: jax.Array) -> Prediction:
        """P(fake), mean over the K masks, and the face as the decoder recovers it."""
        faces = self.recover.faces(batch)
        masked = mask_each_part(self.recover.mask, faces, keys)
        recovery = self._recovery(params, masked)
        overall = repeated(self.recover.overall(params["finetuned"], faces))
        logits = self._logits(params, overall, masked, recovery, None)
        whole = assemble(masked, recovery.patches, self.recover.mae.patch)
        score = by_pass(heads.fake_probability(logits)).mean(0)
        return Prediction(score, whole.error, whole.recovered, whole.hidden, {})

    def _recovery(self, params: Params, masked: Masked) -> Recovery:
        """The masked face through the frozen encoder and the decoder."""
        frozen = jax.lax.stop_gradient(params["frozen"])
        together = {**frozen, **params.get("decoding", {})}
        return self.recover.recover(together, masked.faces.image, masked.mask)

    def _logits(
        self,
        params: Params,
        overall: jax.Array,
        masked: Masked,
        recovery: Recovery,
        keys: jax.Array | None,
    ) -> jax.Array:
        residual = enlarged_residual(recovery.patches, masked.faces.patches)
        arguments = (overall, residual, recovery.hidden, masked.mask.dropped, keys)
        logits = self._head().apply({"params": params["head"]}, *arguments)
        return cast(jax.Array, logits)

    def _head(self) -> DeepfakeMAEHead:
        mae = self.recover.mae
        return DeepfakeMAEHead(mae.encoder.width, mae.compute, self.rule.dropout)
