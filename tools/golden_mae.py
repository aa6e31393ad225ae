"""Makes tests/golden/vit_mae.npz: what HF transformers' ViTMAE computes on a tiny random model.

The masked autoencoder of `jaxfake.models` is tested against these arrays without torch. They were made
with Python 3.11, torch 2.13.0 (CPU), transformers 5.23.0 and numpy 2.4.6, in an environment apart from
the project's own, by

    python tools/golden_mae.py tests/golden/vit_mae.npz

The weights are drawn here and rounded to multiples of 1/256, which keeps the file small and every
weight exact. transformers 5 leaves the position tables of a fresh model at zero, so they are set too.
"""

import sys
from collections.abc import Callable

import numpy as np
import torch  # type: ignore[import-not-found]
from transformers import ViTMAEConfig, ViTMAEForPreTraining  # type: ignore[import-not-found]
from transformers.models.vit_mae.modeling_vit_mae import (  # type: ignore[import-not-found]
    build_2d_sinusoidal_position_embedding,
)

Arrays = dict[str, np.ndarray]

SEED = 7
BATCH = 2
CONFIG = ViTMAEConfig(
    image_size=16,
    patch_size=4,
    hidden_size=20,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=80,
    decoder_hidden_size=12,
    decoder_num_hidden_layers=2,
    decoder_num_attention_heads=3,
    decoder_intermediate_size=48,
    layer_norm_eps=1e-6,
    mask_ratio=0.75,
    norm_pix_loss=False,
    attn_implementation="eager",
)


def main(path: str) -> None:
    """Writes the goldens to `path`."""
    torch.use_deterministic_algorithms(True)
    rng = np.random.default_rng(SEED)
    model = ViTMAEForPreTraining(CONFIG).eval()
    draw_weights(model, rng)
    arrays = {
        **{f"weight/{name}": value.numpy() for name, value in model.state_dict().items()},
        **masked_autoencoding(model, rng),
        **single_layers(model, rng),
    }
    np.savez_compressed(path, **arrays)
    print(f"{len(arrays)} arrays in {path}")


def draw_weights(model: ViTMAEForPreTraining, rng: np.random.Generator) -> None:
    """Sets every weight, biases and norms included, so that none hides behind a 0 or a 1."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if not weight.requires_grad:
                weight.copy_(positions(weight.shape))
                continue
            scale = weight[0].numel() ** -0.5 if weight.ndim > 1 else 0.2
            value = scale * rng.standard_normal(weight.shape)
            if "norm" in name and name.endswith("weight"):
                value += 1
            weight.copy_(torch.from_numpy(np.round(value * 256) / 256))


def positions(shape: torch.Size) -> torch.Tensor:
    """The fixed table [1, 1 + N, width] of the released MAE, columns in the first half."""
    side = round((shape[1] - 1) ** 0.5)
    table = build_2d_sinusoidal_position_embedding(side, side, shape[2], cls_token=True)
    return table.roll(shape[2] // 2, dims=1)[None]


def masked_autoencoding(model: ViTMAEForPreTraining, rng: np.random.Generator) -> Arrays:
    """One forward and backward pass, with the output of every step on the way."""
    side = CONFIG.image_size
    image = rng.integers(0, 256, (BATCH, side, side, 3), dtype=np.uint8)
    pixels = torch.from_numpy((image / 255 - 0.5) / 0.5).float().permute(0, 3, 1, 2)
    noise = torch.from_numpy(rng.random((BATCH, (side // CONFIG.patch_size) ** 2))).float()
    steps = watch(model)
    result = model(pixels, noise=noise)
    result.loss.backward()
    order = noise.argsort(1)
    kept = int((1 - result.mask[0]).sum())
    return {
        **steps,
        "image": image,
        "keep": order[:, :kept].int().numpy(),
        "drop": order[:, kept:].int().numpy(),
        "restore": result.ids_restore.int().numpy(),
        "prediction": result.logits.detach().numpy(),
        "loss": result.loss.detach().numpy(),
        **{
            f"gradient/{name}": w.grad.numpy()
            for name, w in model.named_parameters()
            if w.requires_grad
        },
    }


def watch(model: ViTMAEForPreTraining) -> Arrays:
    """A dict that the next forward pass fills with inputs and outputs of the modules below."""
    encoder, decoder, first = model.vit, model.decoder, model.vit.layers[0]
    outputs = {
        "patch_embed": encoder.embeddings.patch_embeddings,
        "encoder/norm": encoder.layernorm,
        "decoder/embed": decoder.decoder_embed,
        "decoder/norm": decoder.decoder_norm,
        **{f"encoder/block{i}": layer for i, layer in enumerate(encoder.layers)},
        **{f"decoder/block{i}": layer for i, layer in enumerate(decoder.decoder_layers)},
        "attention/output": first.attention,
        "mlp/output": first.mlp,
    }
    inputs = {
        "encoder/input": first,
        "decoder/input": decoder.decoder_layers[0],
        "attention/input": first.attention,
        "mlp/input": first.mlp,
    }
    steps: Arrays = {}
    for name, module in outputs.items():
        module.register_forward_hook(keep_output(steps, name))
    for name, module in inputs.items():
        module.register_forward_pre_hook(keep_input(steps, name))
    return steps


def keep_output(steps: Arrays, name: str) -> Callable[..., None]:
    """A hook that keeps a module's output; the attention's weights, its second, are left."""

    def hook(module: object, inputs: tuple, output: torch.Tensor | tuple) -> None:
        tensor = output[0] if isinstance(output, tuple) else output
        steps[name] = tensor.detach().numpy().copy()

    return hook


def keep_input(steps: Arrays, name: str) -> Callable[..., None]:
    """A hook that keeps a module's first input."""

    def hook(module: object, inputs: tuple) -> None:
        steps[name] = inputs[0].detach().numpy().copy()

    return hook


def single_layers(model: ViTMAEForPreTraining, rng: np.random.Generator) -> Arrays:
    """What a whole pass would hide: the LayerNorm's epsilon, and the order of pixels in a patch.

    The norm's input has a variance like epsilon's. The second is an image whose pixels are numbered by
    row, column, channel, cut into patches.
    """
    quiet = torch.from_numpy(1e-3 * rng.standard_normal((BATCH, 5, CONFIG.hidden_size))).float()
    side = CONFIG.image_size
    numbered = torch.arange(side * side * 3).float().reshape(1, side, side, 3).permute(0, 3, 1, 2)
    with torch.no_grad():
        normed = model.vit.layernorm(quiet)
    return {
        "norm/input": quiet.numpy(),
        "norm/output": normed.numpy(),
        "patch_order": model.patchify(numbered).int().numpy(),
    }


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/golden_mae.py OUTPUT.npz")
    main(sys.argv[1])
