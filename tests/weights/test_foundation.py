"""ViTs of foundation models: each codebase's names, what they compute, and what is refused."""

import dataclasses
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from jaxfake.models.finetuned.foundation_vit import FoundationViT, ViTSettings
from jaxfake.runtime.errors import InputError
from jaxfake.weights.foundation import load_foundation
from tests.weights import foundation_models
from tests.weights.foundation_models import (
    CLIP,
    DINOV2_REGISTERS,
    DINOV3,
    GRID,
    NAMINGS,
    PATCH,
    PLAIN,
    WIDTH,
    Arrays,
    compute,
    random_vit,
    saved,
)

PIXELS = np.random.default_rng(5).normal(size=(GRID * PATCH, GRID * PATCH, 3)).astype(np.float32)


@cache
def shapes(settings: ViTSettings, grid: int = GRID) -> Any:
    """The parameters without their values."""
    image = jnp.zeros((1, grid * settings.patch, grid * settings.patch, 3))
    network = FoundationViT(settings, grid)
    return jax.eval_shape(lambda: network.init(jax.random.key(0), image))["params"]


@cache
def compiled(settings: ViTSettings) -> Any:
    return jax.jit(FoundationViT(settings, GRID).apply)


def loaded(path: Path, settings: ViTSettings, grid: int = GRID) -> Any:
    return load_foundation(path, settings, grid, shapes(settings, grid))


@pytest.mark.parametrize("name", NAMINGS)
def test_each_codebase_computes_what_its_network_is_said_to(name: str, tmp_path: Path) -> None:
    naming, settings = NAMINGS[name]
    weights = random_vit(settings)
    params = loaded(saved(naming(weights, settings), tmp_path / "w.safetensors"), settings)
    tokens = compiled(settings)({"params": params}, PIXELS[None]).tokens[0]
    np.testing.assert_allclose(tokens, compute(weights, settings, PIXELS), atol=1e-5)


def test_half_precision_loads_as_float32(tmp_path: Path) -> None:
    half = {n: a.astype(ml_dtypes.bfloat16) for n, a in timm(PLAIN).items()}
    params = loaded(saved(half, tmp_path / "w.safetensors"), PLAIN)
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {np.dtype("float32")}
    given = half["blocks.1.ls2.gamma"].astype(np.float32)
    np.testing.assert_array_equal(params["blocks"]["ls2"]["gamma"][1], given)


def timm(settings: ViTSettings) -> Arrays:
    return foundation_models.timm(random_vit(settings), settings)


def test_the_class_token_keeps_its_place_when_the_table_is_resized(tmp_path: Path) -> None:
    path = saved(timm(PLAIN), tmp_path / "w.safetensors")
    same, larger = loaded(path, PLAIN), loaded(path, PLAIN, grid=6)
    assert larger["pos_embed"].shape == (1, 36, WIDTH)
    np.testing.assert_array_equal(larger["cls_token"], same["cls_token"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"blocks.1.norm1.bias": None}, r"blocks.1.norm1.bias is missing; finetuned.vit says"),
        ({"extra.weight": np.zeros(2, np.float32)}, "extra.weight has no place"),
        ({"cls_token": np.full((1, 1, WIDTH), np.nan)}, "cls_token is not finite"),
        ({"cls_token": np.zeros((1, 2, WIDTH))}, r"cls_token is \[1, 2, 16\], and its positions"),
        ({"cls_token": np.zeros((1, 1, 0))}, r"cls_token is float64 \[1, 1, 0\], not tokens"),
        ({"pos_embed": np.full((1, 17, WIDTH), np.inf)}, "pos_embed is not finite"),
        ({"pos_embed": np.zeros((1, 15, WIDTH))}, "pos_embed has 15 places, which are not those"),
        ({"pos_embed": np.zeros((1, 17, 4))}, r"cls_token is \[1, 1, 16\], and its positions"),
        ({"pos_embed": np.zeros((1, 17, WIDTH), int)}, r"pos_embed is int64 .*, not tokens"),
        ({"pos_embed": None}, "pos_embed is missing"),
        ({"norm.weight": np.zeros(WIDTH, int)}, "norm.weight holds int64"),
    ],
)
@pytest.mark.parametrize("grid", [GRID, 2])
def test_what_does_not_fit_is_one_line(
    changes: dict[str, Any], said: str, grid: int, tmp_path: Path
) -> None:
    given = {n: a for n, a in (timm(PLAIN) | changes).items() if a is not None}
    path = saved(given, tmp_path / "w.safetensors")
    with pytest.raises(InputError, match=said) as error:
        loaded(path, PLAIN, grid)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (dataclasses.replace(PLAIN, layer_scale=False), r"ls1.gamma has no place .*\(2 times\)"),
        (dataclasses.replace(PLAIN, norm_pre=True), "norm_pre.weight is missing"),
        (DINOV2_REGISTERS, "reg_token is missing"),
        (dataclasses.replace(PLAIN, patch=5), r"patch_embed.proj.weight is \[16, 3, 7, 7\], not"),
        (DINOV3, r"positions are learned, not rotary: set finetuned.vit.positions"),
    ],
)
def test_another_network_than_the_config_says_is_refused(
    settings: ViTSettings, said: str, tmp_path: Path
) -> None:
    path = saved(timm(PLAIN), tmp_path / "w.safetensors")
    with pytest.raises(InputError, match=said):
        loaded(path, settings)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("blocks.0.mlp.w12.weight", r"gated MLP \(SwiGLU\) is not supported"),
        ("storage_tokens", "like DINOv3, of which Hugging Face's names are read"),
        ("model.rope_embed.periods", "like DINOv3"),
        ("attn_pool.q.weight", "pooling by attention"),
        ("blocks.0.attn.q_norm.weight", "normalised queries and keys"),
    ],
)
def test_a_network_of_another_kind_is_named(name: str, said: str, tmp_path: Path) -> None:
    given = timm(PLAIN) | {name: np.zeros(2, np.float32)}
    with pytest.raises(InputError, match=said):
        loaded(saved(given, tmp_path / "w.safetensors"), PLAIN)


def test_a_bias_that_only_some_blocks_have_is_not_made_up(tmp_path: Path) -> None:
    naming, settings = NAMINGS["dinov3"]
    given = naming(random_vit(settings), settings)
    given["layer.0.attention.k_proj.bias"] = np.ones(WIDTH, np.float32)
    path = saved(given, tmp_path / "w.safetensors")
    with pytest.raises(InputError, match=r"layer.1.attention.k_proj.bias is missing"):
        loaded(path, settings)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = saved({"conv1.weight": np.zeros(3, np.float32)}, tmp_path / "w.safetensors")
    with pytest.raises(InputError, match=r"none of the names of .*timm's ViT.*OpenAI's CLIP"):
        loaded(path, CLIP)
