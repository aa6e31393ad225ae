"""The imported network in every method: it is used, and only what may move moves and has moments."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from jax.sharding import NamedSharding

from jaxfake import schema
from jaxfake.data.dataset import open_split
from jaxfake.evaluation.evidence.baselines.frozen_features import NormalisedFeatures
from jaxfake.faces import align
from jaxfake.models import vit
from jaxfake.models.deepfakemae import DeepfakeMAE, DeepfakeMAESettings
from jaxfake.models.delocate import Delocate, DelocateSettings
from jaxfake.models.finetuned.network import ImportedViT, middle
from jaxfake.models.finetuned.settings import ImportedSettings
from jaxfake.models.heads import Probe
from jaxfake.models.mover import Mover, MoverSettings
from jaxfake.models.recap import Recap, RecapSettings
from jaxfake.models.recover import Recover
from jaxfake.models.vit import Compute
from jaxfake.runtime.tree_paths import path_name
from jaxfake.train import optim, sharding
from jaxfake.train.stage import StagePlan, prepare
from tests.study import (
    BATCH,
    KEYS,
    NO_META,
    RECOVER,
    by_name,
    labelled_faces,
    unlabelled_faces,
)
from tests.tiny import tiny_config
from tests.weights.foundation_models import CLIP, DEPTH, DINOV3, PLAIN, WIDTH

SETTINGS = ImportedSettings(
    weights="", pixels="", vit=PLAIN, side=28, tuning="layernorm_only", lora_rank=2
)
IMPORTED = ImportedViT(SETTINGS, Compute())
FINETUNED = MoverSettings("mover", "finetuned", map_weight=0.5, dropout=0.0, drop_path=0.0)
METHODS: dict[str, Any] = {
    "mover": Mover(RECOVER, dataclasses.replace(FINETUNED, networks="both"), IMPORTED),
    "deepfakemae": DeepfakeMAE(
        RECOVER, DeepfakeMAESettings("deepfakemae", "frozen", 0.5, 0.0, 0.0), IMPORTED
    ),
    "recap": Recap(RECOVER, RecapSettings("recap", "margin", True, 0.5, 0.0), IMPORTED),
    "delocate": Delocate(
        RECOVER,
        DelocateSettings("delocate", 2, 4, 4, 0.5, 0.0, NO_META, stages=(1,)),
        IMPORTED,
    ),
}
MAY_MOVE = {
    "full": r".*",
    "layernorm_only": r"(blocks/norm[12]|norm)/(scale|bias)",
    "lora": r"blocks/attn/(qkv|proj)/lora_[ab]",
}


def drawn(tree: Any, seed: int) -> Any:
    """Random numbers in the shapes of a tree."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: (0.2 * rng.normal(size=leaf.shape)).astype(leaf.dtype), tree)


@pytest.fixture(scope="module")
def start() -> Any:
    """An autoencoder and an imported network of random numbers."""
    autoencoder = jax.eval_shape(lambda: RECOVER.init(jax.random.key(0), None))
    vit = jax.eval_shape(lambda: IMPORTED.fresh_weights(jax.random.key(0)))
    return drawn(autoencoder, 1) | {"imported": drawn(vit, 2)}


@pytest.mark.parametrize("name", METHODS)
def test_every_method_looks_through_it(name: str, start: Any) -> None:
    method, batch = METHODS[name], labelled_faces()
    params = drawn(jax.eval_shape(method.init, jax.random.key(0), start), 3)
    assert {"finetuned", "imported"} < params.keys()

    @jax.jit
    @jax.grad
    def slope(moving: Any, params: Any) -> jax.Array:
        losses = method.losses(params | {"finetuned": moving}, batch, KEYS)
        return losses.total["classification"].values.sum()

    gradient = by_name(jax.eval_shape(slope, params["finetuned"], params))
    assert gradient.keys() == {
        f"blocks/norm{n}/{end}" for n in (1, 2) for end in ("scale", "bias")
    } | {
        "norm/scale",
        "norm/bias",
    }
    if name == "mover":  # one for all, since to compile them takes long
        measured = by_name(jax.device_get(slope(params["finetuned"], params)))
        assert all(np.any(leaf) for leaf in measured.values())
    scores = jax.eval_shape(method.predict, params, unlabelled_faces(), KEYS).score
    assert scores.shape == (BATCH,)


@pytest.mark.parametrize("name", METHODS)
def test_a_head_may_begin_as_a_linear_probe(name: str, start: Any) -> None:
    """Whatever else the classifier gets tells nothing yet."""
    method, batch = METHODS[name], unlabelled_faces()
    rng = np.random.default_rng(7)
    weights, mean = rng.normal(size=(2, IMPORTED.width)).astype(np.float32)
    spread = rng.uniform(0.5, 2, IMPORTED.width).astype(np.float32)
    probe = Probe(weights, np.float32(0.3), mean, spread)

    @jax.jit
    def both(start: Any) -> Any:
        params = method.init(jax.random.key(0), start)
        features = NormalisedFeatures(RECOVER, IMPORTED)(start["imported"], batch)
        return method.predict(params, batch, KEYS).score, features

    score, features = both(start | {"probe": probe})
    expected = jax.nn.sigmoid((features - mean) / spread @ weights + 0.3)
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(score, expected, atol=1e-4)


@pytest.mark.usefixtures("one_device")
@pytest.mark.parametrize("tuning", MAY_MOVE)
def test_only_what_may_move_moves(tuning: Any, start: Any, tiny_root: Path) -> None:
    imported = ImportedViT(dataclasses.replace(SETTINGS, tuning=tuning), Compute())
    run = tiny_config(tiny_root, start="scratch", detect__layer_decay=0.5, detect__ema=0.5)
    assert run.detect is not None
    train, val = (open_split(tiny_root, split, 32) for split in ("train", "val"))
    method = Mover(RECOVER, FINETUNED, imported)
    classes = (schema.REAL, schema.FAKE)
    ready = prepare(StagePlan("detect", method, run.detect, classes, train, val, start), run)
    place = NamedSharding(ready.update.mesh, sharding.BATCH)
    state = ready.update.fresh()
    before = by_name(jax.device_get(state.params))
    for n in range(2):  # the rate is 0 in the first
        state = ready.update.step(state, jax.device_put(ready.batches[n], place))
    after = by_name(jax.device_get(state.params))
    moved = {name for name in after if np.any(before[name] != after[name])}
    network = {name for name in after if name.startswith(("finetuned/", "imported/"))}
    may = {name for name in network if name.startswith("finetuned/")}
    assert {
        name for name in may if not re.fullmatch(MAY_MOVE[tuning], name.removeprefix("finetuned/"))
    } == set()
    assert moved & network == may
    assert {name for name in after if name.startswith("head/")} <= moved
    kept = [path_name(path) for path, _ in jax.tree_util.tree_leaves_with_path(state.opt_state)]
    assert not any("imported" in name for name in kept)
    assert sum("finetuned" in name for name in kept) == 2 * len(may)


def test_before_training_the_network_is_the_imported_one(start: Any) -> None:
    """However it is divided, and for LoRA too, whose change begins with nothing."""
    faces = jax.jit(RECOVER.faces)(unlabelled_faces())
    image = jax.image.resize(faces.image, (BATCH, 28, 28, 3), "bicubic")
    encoded = jax.jit(IMPORTED.network.apply)({"params": start["imported"]}, image)
    tokens = np.asarray(encoded.tokens)
    expected = np.concatenate([tokens[:, 0], tokens[:, 1:].mean(1)], axis=1)
    assert expected.shape == (BATCH, IMPORTED.width) == (BATCH, 2 * WIDTH)
    for tuning in MAY_MOVE:
        imported = ImportedViT(dataclasses.replace(SETTINGS, tuning=tuning), Compute())
        params = jax.jit(imported.init)(jax.random.key(0), start)
        np.testing.assert_allclose(jax.jit(imported.overall)(params, faces), expected, atol=1e-5)


def test_earlier_blocks_are_read_through_the_last_layer_norm(start: Any) -> None:
    """And those after the last that is read are not there."""
    faces = jax.jit(RECOVER.faces)(unlabelled_faces())
    both, first = (
        ImportedViT(dataclasses.replace(SETTINGS, blocks=blocks), Compute())
        for blocks in ((1, 2), (1,))
    )
    params = jax.jit(first.init)(jax.random.key(0), start)
    assert {leaf.shape[0] for leaf in jax.tree.leaves(params["imported"]["blocks"])} == {1}
    image = jax.image.resize(faces.image, (BATCH, 28, 28, 3), "bicubic")
    weights = first.run_weights(start["imported"])
    tokens = jax.jit(first.network.apply)({"params": weights}, image).tokens
    after_one = np.concatenate([tokens[:, 0], tokens[:, 1:].mean(1)], axis=1)
    np.testing.assert_allclose(jax.jit(first.overall)(params, faces), after_one, atol=1e-5)
    whole = jax.jit(IMPORTED.init)(jax.random.key(0), start)
    after_two = jax.jit(IMPORTED.overall)(whole, faces)
    expected = np.concatenate([after_one, after_two], axis=1)
    assert expected.shape[1] == both.width
    np.testing.assert_allclose(jax.jit(both.overall)(whole, faces), expected, atol=1e-5)


def test_the_window_is_around_the_middle_of_the_face() -> None:
    rows, columns = np.mgrid[:224, :224].astype(np.float32)
    image = np.stack([rows, columns, rows], axis=-1)[None]
    seen = np.asarray(middle(image, 0.5))[0]
    assert seen.shape == (112, 112, 3)
    face = align._TEMPLATE
    assert seen[0, 0, 0] < face[:, 1].min()
    assert seen[-1, -1, 0] > face[:, 1].max()
    assert seen[..., 1].mean() == pytest.approx(111.5)
    np.testing.assert_array_equal(middle(image, 1.0), image)


def test_lora_adds_the_product_of_its_factors(start: Any) -> None:
    faces = jax.jit(RECOVER.faces)(unlabelled_faces())
    lora = ImportedViT(dataclasses.replace(SETTINGS, tuning="lora"), Compute())
    params = jax.tree.map(np.asarray, jax.jit(lora.init)(jax.random.key(0), start))
    attention = params["finetuned"]["blocks"]["attn"]
    attention["proj"]["lora_b"] = np.full_like(attention["proj"]["lora_b"], 0.1)
    changed = jax.tree.map(np.array, start["imported"])
    product = attention["proj"]["lora_a"] @ attention["proj"]["lora_b"]
    changed["blocks"]["attn"]["proj"]["kernel"] += product
    full = ImportedViT(dataclasses.replace(SETTINGS, tuning="full"), Compute())
    expected = jax.jit(full.overall)({"finetuned": changed}, faces)
    np.testing.assert_allclose(jax.jit(lora.overall)(params, faces), expected, atol=1e-5)


def test_stochastic_depth_drops_branches(start: Any) -> None:
    faces = jax.jit(RECOVER.faces)(unlabelled_faces())
    params, overall = jax.jit(IMPORTED.init)(jax.random.key(0), start), jax.jit(IMPORTED.overall)
    whole = overall(params, faces)
    none = np.ones((DEPTH, BATCH, 2), np.float32)
    np.testing.assert_allclose(overall(params, faces, none), whole, atol=1e-6)
    survival = jax.jit(lambda keys: vit.drop_path(keys, DEPTH, 0.9))(KEYS)
    assert not np.allclose(overall(params, faces, survival), whole, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "vit_settings"), list(zip(METHODS, (PLAIN, CLIP, DINOV3, DINOV3), strict=True))
)
def test_half_precision_keeps_losses_in_float32(name: str, vit_settings: Any) -> None:
    compute, method = Compute("bfloat16"), METHODS[name]
    settings = dataclasses.replace(SETTINGS, vit=vit_settings, tuning="lora")
    mae = dataclasses.replace(RECOVER.mae, compute=compute, parent=None)
    half = dataclasses.replace(
        method, recover=Recover(mae, RECOVER.mask), imported=ImportedViT(settings, compute)
    )
    params = jax.eval_shape(lambda: half.init(jax.random.key(0), None))
    losses = jax.eval_shape(half.losses, params, labelled_faces(), KEYS)
    assert {leaf.dtype for leaf in jax.tree.leaves((params, losses))} == {np.dtype("float32")}
    faces = jax.eval_shape(RECOVER.faces, unlabelled_faces())
    overall = jax.eval_shape(half.imported.overall, params, faces)
    assert overall.dtype == jax.numpy.bfloat16


def test_clips_first_layer_norm_may_move_too() -> None:
    settings = dataclasses.replace(SETTINGS, vit=CLIP)
    params = jax.eval_shape(lambda: ImportedViT(settings, Compute()).init(jax.random.key(0), None))
    assert "norm_pre" in params["finetuned"]
    assert "norm_pre" not in params["imported"]


def test_early_layers_learn_slower() -> None:
    """Half as fast from block to block, and what comes before the blocks once more."""
    settings = dataclasses.replace(SETTINGS, vit=CLIP, tuning="full")
    params = jax.eval_shape(lambda: ImportedViT(settings, Compute()).init(jax.random.key(0), None))
    factors = optim.rate_factors(params, 0.5)["finetuned"]
    for name in ("patch_embed", "cls_token", "pos_embed", "norm_pre"):
        assert {leaf.item() for leaf in jax.tree.leaves(factors[name])} == {0.125}
    assert factors["blocks"]["mlp"]["fc1"]["bias"].ravel().tolist() == [0.25, 0.5]
    assert {leaf.item() for leaf in jax.tree.leaves(factors["norm"])} == {1.0}
