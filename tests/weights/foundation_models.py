"""Random ViTs under the names of each codebase, and what they compute, in plain NumPy."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jaxfake.models.finetuned.foundation_vit import ViTSettings
from jaxfake.models.vit import Size

Arrays = dict[str, np.ndarray]

WIDTH, DEPTH, HEADS, PATCH, GRID, REGISTERS = 16, 2, 2, 7, 4, 3
PLAIN = ViTSettings(
    size=Size(WIDTH, DEPTH, HEADS),
    patch=PATCH,
    positions="learned",
    registers=0,
    layer_scale=True,
    norm_pre=False,
    activation="gelu",
    epsilon=1e-6,
)
DINOV2_REGISTERS = dataclasses.replace(PLAIN, registers=REGISTERS)
DINOV3 = dataclasses.replace(DINOV2_REGISTERS, positions="rotary", epsilon=1e-5)
VIT = dataclasses.replace(PLAIN, layer_scale=False, epsilon=1e-12)
CLIP = dataclasses.replace(
    PLAIN, layer_scale=False, norm_pre=True, activation="quick_gelu", epsilon=1e-5
)


def random_vit(settings: ViTSettings, seed: int = 0) -> Arrays:
    """Weights of all kinds in torch's layout, by names of our own for this file."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int, mean: float = 0.0) -> np.ndarray:
        return (mean + 0.2 * rng.normal(size=shape)).astype(np.float32)

    def norm(name: str) -> Arrays:
        return {f"{name}.w": draw(WIDTH, mean=1.0), f"{name}.b": draw(WIDTH)}

    def linear(name: str, rows: int, columns: int) -> Arrays:
        return {f"{name}.w": draw(rows, columns), f"{name}.b": draw(rows)}

    weights = {"cls": draw(WIDTH), "reg": draw(settings.registers, WIDTH)}
    weights |= {"cls_place": draw(WIDTH), "places": draw(GRID**2, WIDTH)}
    weights |= {"patch.w": draw(WIDTH, 3, PATCH, PATCH), "patch.b": draw(WIDTH)}
    weights |= norm("pre") | norm("last")
    for i in range(DEPTH):
        weights |= norm(f"{i}.n1") | norm(f"{i}.n2")
        for name in "qkvo":
            weights |= linear(f"{i}.{name}", WIDTH, WIDTH)
        weights |= linear(f"{i}.f1", 4 * WIDTH, WIDTH) | linear(f"{i}.f2", WIDTH, 4 * WIDTH)
        weights |= {f"{i}.g1": draw(WIDTH), f"{i}.g2": draw(WIDTH)}
    if settings.norm_pre:
        weights["patch.b"] = np.zeros(WIDTH, np.float32)  # CLIP has none
    if settings.positions == "rotary":
        weights |= {"cls_place": np.zeros(WIDTH, np.float32), "places": np.zeros((GRID**2, WIDTH))}
        weights |= {f"{i}.k.b": np.zeros(WIDTH, np.float32) for i in range(DEPTH)}
    return weights


def compute(weights: Arrays, settings: ViTSettings, pixels: np.ndarray) -> np.ndarray:
    """The tokens [1 + R + N, D] after the last LayerNorm, of pixels [H, W, 3]."""
    weights = {name: array.astype(np.float64) for name, array in weights.items()}
    rows = [weights["cls"] + weights["cls_place"], *weights["reg"]]
    for place in range(GRID**2):
        row, column = divmod(place, GRID)
        cut = pixels[row * PATCH :, column * PATCH :][:PATCH, :PATCH].transpose(2, 0, 1)
        embedded = (weights["patch.w"] * cut).sum((1, 2, 3)) + weights["patch.b"]
        rows.append(embedded + weights["places"][place])
    x = np.stack(rows)
    if settings.norm_pre:
        x = _norm(x, weights, "pre", settings.epsilon)
    for i in range(DEPTH):
        branch = _attention(_norm(x, weights, f"{i}.n1", settings.epsilon), weights, i, settings)
        x = x + branch * (weights[f"{i}.g1"] if settings.layer_scale else 1)
        hidden = _linear(_norm(x, weights, f"{i}.n2", settings.epsilon), weights, f"{i}.f1")
        branch = _linear(_activation(hidden, settings), weights, f"{i}.f2")
        x = x + branch * (weights[f"{i}.g2"] if settings.layer_scale else 1)
    return _norm(x, weights, "last", settings.epsilon)


def _norm(x: np.ndarray, weights: Arrays, name: str, epsilon: float) -> np.ndarray:
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + epsilon)
    return x * weights[f"{name}.w"] + weights[f"{name}.b"]


def _linear(x: np.ndarray, weights: Arrays, name: str) -> np.ndarray:
    return x @ weights[f"{name}.w"].T + weights[f"{name}.b"]


def _activation(x: np.ndarray, settings: ViTSettings) -> np.ndarray:
    if settings.activation == "quick_gelu":
        return x / (1 + np.exp(-1.702 * x))
    return x * np.vectorize(lambda v: 0.5 * (1 + math.erf(v / math.sqrt(2))))(x)


def _attention(x: np.ndarray, weights: Arrays, i: int, settings: ViTSettings) -> np.ndarray:
    query, key, value = (_linear(x, weights, f"{i}.{name}") for name in "qkv")
    each, mixed = WIDTH // HEADS, []
    for head in range(HEADS):
        q, k, v = (part[:, head * each :][:, :each] for part in (query, key, value))
        if settings.positions == "rotary":
            q, k = _turned(q, settings.registers), _turned(k, settings.registers)
        logits = np.exp(q @ k.T / math.sqrt(each))
        mixed.append(logits / logits.sum(1, keepdims=True) @ v)
    return _linear(np.concatenate(mixed, axis=1), weights, f"{i}.o")


def _turned(x: np.ndarray, registers: int) -> np.ndarray:
    """Rotary positions of DINOv3: pairs of features as complex numbers, times a phase."""
    half = x.shape[1] // 2
    pairs = x[:, :half] + 1j * x[:, half:]
    for place in range(GRID**2):
        centre = [2 * (at + 0.5) / GRID - 1 for at in divmod(place, GRID)]
        for feature in range(half):
            axis, step = divmod(feature, half // 2)
            angle = 2 * math.pi * centre[axis] / 100 ** (step / (half // 2))
            pairs[1 + registers + place, feature] *= np.exp(1j * angle)
    return np.concatenate([pairs.real, pairs.imag], axis=1)


def _places(weights: Arrays) -> np.ndarray:
    return np.concatenate([weights["cls_place"][None], weights["places"]])


def _stacked(weights: Arrays, i: int, end: str) -> np.ndarray:
    return np.concatenate([weights[f"{i}.{name}.{end}"] for name in "qkv"])


def _with_ends(names: dict[str, str], weights: Arrays) -> Arrays:
    """Layers with weight and bias under the given names."""
    ends = (("w", "weight"), ("b", "bias"))
    return {
        f"{theirs}.{long}": weights[f"{ours}.{end}"]
        for ours, theirs in names.items()
        for end, long in ends
    }


def timm(weights: Arrays, settings: ViTSettings) -> Arrays:
    """timm's VisionTransformer; with registers, they and the class token have places in the table too."""
    table = _places(weights)
    if settings.registers:
        moved = 0.5 * weights["reg"]
        table = np.insert(table, 1, weights["reg"] - moved, axis=0)
        weights = weights | {"reg": moved}
    names = {"patch": "patch_embed.proj", "last": "norm"}
    names |= {"pre": "norm_pre"} if settings.norm_pre else {}
    for i in range(DEPTH):
        block = f"blocks.{i}"
        names |= {f"{i}.n1": f"{block}.norm1", f"{i}.n2": f"{block}.norm2"}
        names |= {f"{i}.o": f"{block}.attn.proj"}
        names |= {f"{i}.f1": f"{block}.mlp.fc1", f"{i}.f2": f"{block}.mlp.fc2"}
    theirs = _with_ends(names, weights)
    theirs |= {"cls_token": weights["cls"][None, None], "pos_embed": table[None]}
    if settings.registers:
        theirs["reg_token"] = weights["reg"][None]
    if settings.norm_pre:
        del theirs["patch_embed.proj.bias"]
    for i in range(DEPTH):
        for end, long in (("w", "weight"), ("b", "bias")):
            theirs[f"blocks.{i}.attn.qkv.{long}"] = _stacked(weights, i, end)
        if settings.layer_scale:
            theirs |= {f"blocks.{i}.ls{n}.gamma": weights[f"{i}.g{n}"] for n in (1, 2)}
    return theirs | {"head.weight": np.zeros((5, WIDTH), np.float32)}


def facebook(weights: Arrays, settings: ViTSettings) -> Arrays:
    """DINOv2 as its authors save it: registers have no place in the table."""
    theirs = timm(weights, dataclasses.replace(settings, registers=0))
    theirs["mask_token"] = np.zeros((1, WIDTH), np.float32)
    if settings.registers:
        theirs["register_tokens"] = weights["reg"][None]
    return theirs


def dinov2(weights: Arrays, settings: ViTSettings) -> Arrays:
    """Hugging Face's DINOv2, inside of a classifier."""
    names = {"patch": "embeddings.patch_embeddings.projection", "last": "layernorm"}
    for i in range(DEPTH):
        block = f"encoder.layer.{i}"
        names |= {f"{i}.n1": f"{block}.norm1", f"{i}.n2": f"{block}.norm2"}
        attention = f"{block}.attention.attention"
        names |= {f"{i}.q": f"{attention}.query", f"{i}.k": f"{attention}.key"}
        names |= {f"{i}.v": f"{attention}.value", f"{i}.o": f"{block}.attention.output.dense"}
        names |= {f"{i}.f1": f"{block}.mlp.fc1", f"{i}.f2": f"{block}.mlp.fc2"}
    theirs = _with_ends(names, weights)
    theirs["embeddings.cls_token"] = weights["cls"][None, None]
    theirs["embeddings.position_embeddings"] = _places(weights)[None]
    theirs["embeddings.mask_token"] = np.zeros((1, WIDTH), np.float32)
    if settings.registers:
        theirs["embeddings.register_tokens"] = weights["reg"][None]
    for i in range(DEPTH):
        theirs |= {
            f"encoder.layer.{i}.layer_scale{n}.lambda1": weights[f"{i}.g{n}"] for n in (1, 2)
        }
    wrapped = {f"dinov2.{name}": array for name, array in theirs.items()}
    return wrapped | {"classifier.weight": np.zeros((5, 2 * WIDTH), np.float32)}


def vit(weights: Arrays, settings: ViTSettings) -> Arrays:
    """Hugging Face's ViT."""
    renamed = {
        "norm1": "layernorm_before",
        "norm2": "layernorm_after",
        "mlp.fc1": "intermediate.dense",
        "mlp.fc2": "output.dense",
    }
    theirs = {}
    for name, array in dinov2(weights, settings).items():
        if "layer_scale" in name or "mask_token" in name:
            continue
        name = name.removeprefix("dinov2.")
        for old, new in renamed.items():
            name = name.replace(old, new)
        theirs[name] = array
    return theirs


def dinov3(weights: Arrays, settings: ViTSettings) -> Arrays:
    """Hugging Face's DINOv3: no table, no bias of the keys."""
    renamed = {
        "encoder.layer.": "layer.",
        "patch_embeddings.projection": "patch_embeddings",
        "attention.attention.query": "attention.q_proj",
        "attention.attention.key": "attention.k_proj",
        "attention.attention.value": "attention.v_proj",
        "attention.output.dense": "attention.o_proj",
        "mlp.fc1": "mlp.up_proj",
        "mlp.fc2": "mlp.down_proj",
        "layernorm.": "norm.",
    }
    theirs = {}
    for name, array in dinov2(weights, settings).items():
        name = name.removeprefix("dinov2.")
        for old, new in renamed.items():
            name = name.replace(old, new)
        theirs[name] = array
    absent = (
        "embeddings.position_embeddings",
        *(f"layer.{i}.attention.k_proj.bias" for i in range(DEPTH)),
    )
    return {name: array for name, array in theirs.items() if name not in absent}


def clip(weights: Arrays, settings: ViTSettings) -> Arrays:
    """Hugging Face's CLIP with its text half."""
    names = {"pre": "pre_layrnorm", "last": "post_layernorm", "patch": "embeddings.patch_embedding"}
    for i in range(DEPTH):
        block = f"encoder.layers.{i}"
        names |= {f"{i}.{name}": f"{block}.self_attn.{name}_proj" for name in "qkv"}
        names |= {f"{i}.o": f"{block}.self_attn.out_proj"}
        names |= {f"{i}.n1": f"{block}.layer_norm1", f"{i}.n2": f"{block}.layer_norm2"}
        names |= {f"{i}.f1": f"{block}.mlp.fc1", f"{i}.f2": f"{block}.mlp.fc2"}
    theirs = _with_ends(names, weights)
    del theirs["embeddings.patch_embedding.bias"]
    theirs["embeddings.class_embedding"] = weights["cls"]
    theirs["embeddings.position_embedding.weight"] = _places(weights)
    theirs["embeddings.position_ids"] = np.arange(GRID**2 + 1)[None]
    towers = {f"vision_model.{name}": array for name, array in theirs.items()}
    text = np.zeros((2, 2), np.float32)
    names_of_text = ("text_model.encoder.layers.0.mlp.fc1.weight", "visual_projection.weight")
    return towers | dict.fromkeys(names_of_text, text)


def openai(weights: Arrays, settings: ViTSettings) -> Arrays:
    """CLIP as OpenAI and OpenCLIP save it."""
    names = {"pre": "visual.ln_pre", "last": "visual.ln_post", "patch": "visual.conv1"}
    for i in range(DEPTH):
        block = f"visual.transformer.resblocks.{i}"
        names |= {f"{i}.o": f"{block}.attn.out_proj"}
        names |= {f"{i}.n1": f"{block}.ln_1", f"{i}.n2": f"{block}.ln_2"}
        names |= {f"{i}.f1": f"{block}.mlp.c_fc", f"{i}.f2": f"{block}.mlp.c_proj"}
    theirs = _with_ends(names, weights)
    del theirs["visual.conv1.bias"]
    for i in range(DEPTH):
        block = f"visual.transformer.resblocks.{i}.attn.in_proj"
        theirs |= {
            f"{block}_weight": _stacked(weights, i, "w"),
            f"{block}_bias": _stacked(weights, i, "b"),
        }
    theirs["visual.class_embedding"] = weights["cls"]
    theirs["visual.positional_embedding"] = _places(weights)
    text = np.zeros((2, 2), np.float32)
    return theirs | {"positional_embedding": text, "transformer.resblocks.0.ln_1.weight": text}


Naming = Callable[[Arrays, ViTSettings], Arrays]
NAMINGS: dict[str, tuple[Naming, ViTSettings]] = {
    "timm": (timm, PLAIN),
    "timm_registers": (timm, DINOV2_REGISTERS),
    "timm_clip": (timm, CLIP),
    "facebook_dinov2": (facebook, PLAIN),
    "facebook_dinov2_registers": (facebook, DINOV2_REGISTERS),
    "dinov2": (dinov2, PLAIN),
    "dinov2_registers": (dinov2, DINOV2_REGISTERS),
    "vit": (vit, VIT),
    "dinov3": (dinov3, DINOV3),
    "clip": (clip, CLIP),
    "openai_clip": (openai, CLIP),
}


def saved(arrays: Arrays, path: Any, **metadata: str) -> Any:
    """The path, with the arrays in it as a .safetensors file."""
    from safetensors.numpy import save_file

    save_file({name: np.ascontiguousarray(a) for name, a in arrays.items()}, path, metadata or None)
    return path
