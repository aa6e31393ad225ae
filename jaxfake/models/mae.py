"""Masked autoencoder (He et al., 2022); the mask is an input.

The encoder gets the kept patches; the decoder gets a mask token in place of each dropped patch and predicts
the pixels of every patch. `masking` draws the masks; the methods use the prediction.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxfake.models import vit
from jaxfake.models.masking import Mask
from jaxfake.models.pixels import patchify
from jaxfake.models.remat import Remat, StackRemat
from jaxfake.models.vit import Compute, Size

CHANNELS = 3


class Recovery(NamedTuple):
    """The output of a masked autoencoder, with the features inside it."""

    patches: jax.Array  # float32 [B, N, P], predicted pixels of every patch, -1..1
    tokens: jax.Array  # [B, 1 + N - M, D], the encoder's output for the visible patches
    hidden: jax.Array  # [B, N, E], the decoder's last hidden state


class Decoder(nn.Module):
    """Predicts the pixels of all N patches from the tokens of the visible ones."""

    size: Size
    grid: int
    pixels: int
    compute: Compute = Compute()
    stack: StackRemat = StackRemat("decoder")

    @nn.compact
    def __call__(self, tokens: jax.Array, restore: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Decodes tokens.

        Args:
            tokens: [B, 1 + N - M, D], class token first.
            restore: int [B, N], see `Mask.restore`.

        Returns:
            Predicted pixels, float32 [B, N, P], and the last hidden state [B, N, E].
        """
        dtype = self.compute.dtype
        x = vit.dense(self.size.width, self.compute, "embed")(tokens)
        mask_token = self.param("mask_token", nn.initializers.normal(0.02), (1, 1, self.size.width))
        missing = restore.shape[1] - (x.shape[1] - 1)
        mask_tokens = jnp.broadcast_to(mask_token.astype(dtype), (x.shape[0], missing, x.shape[2]))
        shuffled = jnp.concatenate([x[:, 1:], mask_tokens], axis=1)
        ordered = jnp.take_along_axis(shuffled, restore[..., None], axis=1)
        x = jnp.concatenate([x[:, :1], ordered], axis=1)
        x = x + jnp.asarray(vit.sincos_positions(self.size.width, self.grid), dtype)
        x = vit.run_blocks(self.size, self.compute, x, None, self.stack)
        hidden = vit.layer_norm(x, self.compute, "norm")[:, 1:]
        return vit.dense(self.pixels, self.compute, "pred")(hidden).astype(jnp.float32), hidden


class MaskedAutoencoder(nn.Module):
    """Encoder over the kept patches and decoder over all of them."""

    encoder: Size
    decoder: Size
    image: int
    patch: int
    compute: Compute = Compute()
    remat: Remat = Remat()

    @property
    def grid(self) -> int:
        """Patches along one side of the image."""
        return self.image // self.patch

    @property
    def pixels(self) -> int:
        """P, the number of values of one patch."""
        return self.patch**2 * CHANNELS

    @nn.compact
    def __call__(self, image: jax.Array, mask: Mask) -> Recovery:
        """Recovers the dropped patches of `image`, float [B, H, W, 3] in -1..1."""
        patches = patchify(image, self.patch)
        kept = jnp.take_along_axis(patches, mask.keep[..., None], axis=1)
        stacks = self.remat.stack("encoder"), self.remat.stack("decoder")
        encoder = vit.Encoder(self.encoder, self.grid, self.compute, stacks[0], name="encoder")
        decoder = Decoder(
            self.decoder, self.grid, self.pixels, self.compute, stacks[1], name="decoder"
        )
        tokens = encoder(kept, mask.keep)
        predicted, hidden = decoder(tokens, mask.restore)
        return Recovery(predicted, tokens, hidden)


def recovered_patches(image_patches: jax.Array, recovery: Recovery, mask: Mask) -> jax.Array:
    """The face with its dropped patches recovered and its kept patches unchanged, [B, N, P]."""
    return jnp.where(mask.dropped[..., None], recovery.patches, image_patches)


def encoder_of(mae: MaskedAutoencoder) -> vit.Encoder:
    """The encoder alone, for the parameters under 'encoder'."""
    return vit.Encoder(mae.encoder, mae.grid, mae.compute, mae.remat.stack("overall"))
