"""Forms of the recovery error: each masks every part once and gives one number a face and part.

All are our choice. The first two are those of stage 1; the others ask whether the premise of the methods
('a fake is recovered worse') holds once texture and sharpness, which fakes have less of, no longer count.
"""

import dataclasses
from collections.abc import Sequence
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np

from jaxfake.models.finetuned.foundation_vit import Encoded
from jaxfake.models.finetuned.network import ImportedViT, middle
from jaxfake.models.losses import mean_over, squared_error
from jaxfake.models.mae import recovered_patches
from jaxfake.models.method import Params
from jaxfake.models.part_passes import Faces, MaskedFaces, by_pass, repeat
from jaxfake.models.pixels import patchify, unpatchify
from jaxfake.models.recover import Recover, part_variance
from jaxfake.models.recovery_pictures import enlarge

FORMS = {
    "raw": "squared error of the masked pixels",
    "relative": "the same, divided by the variance of the pixels",
    "high_pass": "squared error of what a blur of 1.5 pixels removes",
    "high_pass_relative": "the same, divided by its mean square in the given face",
    "whitened": "squared error in units of what is usual for real faces, direction by direction of a patch",
    "tokens": "distance of stage 1's tokens of the recovered face from those of the given one",
    "context_gain": "log error given the face itself, less that given two other faces",
    "distant_gain": "log error given the face itself, less that given only what touches the masked "
    "patches, and two other faces elsewhere",
    "smoothness": "one over that mean square: what the same face tells without any recovery",
    "foundation": "one less the cosine of an imported network's tokens, recovered and given",
}
"""What each form is; a larger number speaks for a fake if the premise holds."""

LOGS = ("context_gain", "distant_gain")
"""Those that are logarithms."""

CONTROL = "smoothness"
"""The form that recovers nothing: what another form tells beyond it is the recovery's."""

BLUR = 1.5
"""Standard deviation in pixels of the blur whose remainder is high-pass."""

_TINY = 1e-6


@dataclasses.dataclass(frozen=True)
class Networks:
    """Stage 1 and, if there is one, an imported network."""

    recover: Recover
    imported: ImportedViT | None


def residuals(networks: Networks, params: Params, faces: Faces, keys: jax.Array) -> jax.Array:
    """Recovered less given, float32 [K B, M, P]: of the masked patches alone."""
    masked = networks.recover.mask_each_part(faces, keys)
    predicted = networks.recover.autoencode(params, masked).patches
    error = predicted - masked.faces.patches
    return jnp.take_along_axis(error, masked.mask.drop[..., None], axis=1)


def whitening(found: np.ndarray) -> np.ndarray:
    """A matrix [P, P] after which residuals [n, P] of real faces have variance 1 in every direction.

    Directions of hardly any variance are kept small: a thousandth of the mean variance is added to all.
    """
    values, vectors = np.linalg.eigh(found.T @ found / len(found))
    return (vectors / np.sqrt(values + 1e-3 * values.mean())).astype(np.float32)


def measure(
    networks: Networks,
    params: Params,
    weights: Params | None,
    whiten: jax.Array,
    faces: Faces,
    others: Sequence[Faces],
    keys: jax.Array,
) -> dict[str, jax.Array]:
    """Each form for each part and face, float32 [K, B].

    Args:
        networks: to measure with.
        params: of stage 1.
        weights: of the imported network.
        whiten: [P, P], see `whitening`.
        faces: B of them, with the landmarks by which they are masked.
        others: faces of other people, B each, as contexts.
        keys: PRNG keys [B], of the masks.
    """
    recover = networks.recover
    masked = recover.mask_each_part(faces, keys)
    dropped, given = masked.mask.dropped, masked.faces.patches
    recovery = recover.autoencode(params, masked)
    predicted = recovery.patches
    raw = mean_over(squared_error(predicted, given), dropped)
    complete = recovered_patches(given, recovery, masked.mask)
    sharp = _high_pass(complete, recover.mae.patch), _high_pass(given, recover.mae.patch)
    high = mean_over(squared_error(*sharp), dropped)
    detail = mean_over(jnp.square(sharp[1]).mean(-1), dropped) + _TINY
    around = [repeat(other).patches for other in others]
    near = _near(masked.mask.dropped, recover.mae.grid)[..., None]
    mixed = [jnp.where(near, given, other) for other in around]
    found = {
        "raw": raw,
        "relative": raw / part_variance(masked),
        "high_pass": high,
        "high_pass_relative": high / detail,
        CONTROL: 1 / detail,
        "whitened": mean_over(jnp.square((predicted - given) @ whiten).mean(-1), dropped),
        "tokens": mean_over(_token_distance(recover, params, masked.faces, complete), dropped),
        "context_gain": _gain(raw, around, recover, params, masked),
        "distant_gain": _gain(raw, mixed, recover, params, masked),
    }
    if networks.imported is not None and weights is not None:
        found["foundation"] = _foundation(networks, weights, complete, masked)
    return {name: by_pass(values) for name, values in found.items()}


def _high_pass(patches: jax.Array, patch: int) -> jax.Array:
    """What a blur removes of the pictures, as patches [B, N, P]."""
    picture = unpatchify(patches, patch)
    reach = round(3 * BLUR)
    taps = np.exp(-0.5 * np.square(np.arange(-reach, reach + 1) / BLUR))
    kernel = jnp.asarray(taps / taps.sum(), jnp.float32)

    def along(values: jax.Array, axis: int) -> jax.Array:
        pads = [(reach, reach) if at == axis else (0, 0) for at in range(values.ndim)]
        padded, length = jnp.pad(values, pads, mode="edge"), values.shape[axis]
        shifted = (
            jax.lax.slice_in_dim(padded, n, n + length, axis=axis) for n in range(2 * reach + 1)
        )
        return sum(
            (kernel[n] * part for n, part in enumerate(shifted)), start=jnp.zeros_like(values)
        )

    return patchify(picture - along(along(picture, 1), 2), patch)


def _token_distance(
    recover: Recover, params: Params, faces: Faces, complete: jax.Array
) -> jax.Array:
    """Mean squared distance [K B, N] of the tokens of whole faces, given and recovered [K B, N, P]."""
    pair = (faces._replace(patches=complete), faces)
    recovered, given = (recover.whole_tokens(params["encoder"], one)[:, 1:] for one in pair)
    return squared_error(recovered, given)


def _near(dropped: jax.Array, grid: int) -> jax.Array:
    """The masked patches, bool [K B, N], and all that touch one."""
    places = dropped.reshape(-1, grid, grid).astype(jnp.int32)
    grown = jax.lax.reduce_window(places, 0, jax.lax.max, (1, 3, 3), (1, 1, 1), "SAME")
    return grown.reshape(dropped.shape) > 0


def _gain(
    raw: jax.Array,
    around: Sequence[jax.Array],
    recover: Recover,
    params: Params,
    masked: MaskedFaces,
) -> jax.Array:
    """Log of the error [K B], less that of the mean error where other patches [K B, N, P] lie around."""
    errors = []
    for patches in around:
        shown = masked.faces._replace(image=unpatchify(patches, recover.mae.patch))
        predicted = recover.autoencode(params, MaskedFaces(shown, masked.mask)).patches
        errors.append(
            mean_over(squared_error(predicted, masked.faces.patches), masked.mask.dropped)
        )
    return jnp.log(raw + _TINY) - jnp.log(jnp.stack(errors).mean(0) + _TINY)


def _foundation(
    networks: Networks, weights: Params, complete: jax.Array, masked: MaskedFaces
) -> jax.Array:
    """How far the tokens of the imported network lie apart where something was masked, [K B].

    Tokens of the last block that it reads, of the part of a crop that it sees.
    """
    vit, mae = networks.imported, networks.recover.mae
    assert vit is not None
    side, grid, run = vit.settings.side, vit.grid, vit.run_weights(weights)

    def tokens(patches: jax.Array) -> jax.Array:
        image = middle(unpatchify(patches, mae.patch), vit.settings.window)
        resized = jax.image.resize(image, (len(image), side, side, 3), "bicubic")
        output = cast(Encoded, vit.network.apply({"params": run}, resized))
        one = output.tokens[:, 1 + vit.settings.vit.registers :]
        return one / jnp.linalg.norm(one, axis=-1, keepdims=True)

    apart = 1 - (tokens(complete) * tokens(masked.faces.patches)).sum(-1)
    hidden = enlarge(masked.mask.dropped.reshape(-1, mae.grid, mae.grid), mae.image)
    seen = middle(hidden.astype(jnp.float32)[..., None], vit.settings.window)[..., 0]
    share = jax.image.resize(seen, (len(hidden), grid, grid), "linear").reshape(len(hidden), -1)
    return (apart * share).sum(-1) / (share.sum(-1) + _TINY)
