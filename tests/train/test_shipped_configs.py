"""Every shipped config makes a run that fits together: the real file, with only its sizes cut down."""

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest
from jax.sharding import NamedSharding
from ml_collections import ConfigDict

from configs import deepfakemae, delocate, mover, pretrain, recap
from jaxfake import config, schema
from jaxfake.data.dataset import open_split
from jaxfake.experiment import build_method
from jaxfake.models.delocate import DelocateSettings
from jaxfake.models.vit import Size
from jaxfake.runtime.tree_paths import path_name
from jaxfake.train import sharding
from jaxfake.train.abstract_batch import abstract_batch
from jaxfake.train.stage import Prepared, StagePlan, prepare
from jaxfake.train.state import NEVER

pytestmark = pytest.mark.usefixtures("one_device")

FACES = ("faces", "faces_forged", "faces_both", "foundation")
VARIANTS = {
    deepfakemae: ("", "frozen_decoder", *FACES, "ffpp", "ffpp_small"),
    delocate: ("", "meta", "second_order", "manipulation", *FACES, "ffpp", "ffpp_small"),
    mover: (
        "",
        *("finetuned", "mapping", "random_mask", "scratch", "roi", "mask_4", "mask_11"),
        *FACES,
        *("ffpp", "ffpp_small"),
    ),
    pretrain: ("", "vit_s", "vit_b"),
    recap: (
        "",
        "no_mapping",
        "real_only",
        "unbounded",
        "no_emphasis",
        *FACES,
        "ffpp",
        "ffpp_small",
    ),
}
TRAINED = {
    "deepfakemae": deepfakemae.get_config(),
    "delocate": delocate.get_config(),
    "mover:ffpp": mover.get_config("ffpp"),
    "pretrain": pretrain.get_config(),
    "recap": recap.get_config(),
}
"""One of each method, either precision; the others differ in numbers."""
COMPILED = "mover:ffpp"
"""The one in half precision. The others are trained by the slow tests; their losses, gradients and updates
are measured in `test_detectors` and `test_rates` with smaller networks."""


def _small(values: ConfigDict) -> config.Config:
    """The config with a small model and two steps of its last stage; fused attention needs a GPU.

    The U-Net has one stage: it is compiled for both halves of meta-learning, and for their gradients.
    """
    shipped = config.parse(values)
    short: dict[str, Any] = {"steps": 2, "batch_size": 8, "select_every": 0}
    detect = None
    method = shipped.method
    if isinstance(method, DelocateSettings):
        method = dataclasses.replace(method, shrink=4, width=2, stages=(1,))
    if shipped.detect is not None:
        detect = dataclasses.replace(shipped.detect, **short)
    return dataclasses.replace(
        shipped,
        log_every=1,
        data=dataclasses.replace(shipped.data, size=32, threads=1),
        model=dataclasses.replace(
            shipped.model, patch=8, encoder=Size(16, 1, 2), decoder=Size(16, 1, 2), attend="xla"
        ),
        mask=dataclasses.replace(shipped.mask, count=4),
        recover=dataclasses.replace(shipped.recover, **short),
        detect=detect,
        method=method,
        start=shipped.start if detect is None else "scratch",
    )


@pytest.mark.parametrize(
    ("file", "variant"), [(file, name) for file, names in VARIANTS.items() for name in names]
)
def test_every_variant_is_a_config_of_its_own(file: Any, variant: str) -> None:
    parsed = config.parse(file.get_config(variant))
    others = [config.parse(file.get_config(name)) for name in VARIANTS[file] if name != variant]
    assert parsed not in others


@pytest.mark.parametrize("file", VARIANTS)
def test_a_variant_that_is_not_there_is_named(file: Any) -> None:
    with pytest.raises(ValueError, match="no variant 'other'"):
        file.get_config("other")


@pytest.mark.parametrize("variant", ["faces_forged", "foundation", "ffpp_small"])
@pytest.mark.parametrize("file", [deepfakemae, delocate, mover, recap])
def test_the_variants_for_real_faces_have_shapes_that_fit(file: Any, variant: str) -> None:
    run = build_method.computable_here(config.parse(file.get_config(variant)))
    method, batch = build_method.detector(run), abstract_batch(run.data.size, 2)
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), 2))
    params = jax.eval_shape(lambda: method.init(jax.random.key(0), None))
    assert jax.eval_shape(method.predict, params, batch, keys).score.shape == (2,)
    if variant == "faces_forged":
        sizes = [leaf.size for leaf in jax.tree.leaves(params)]
        assert 2e6 < sum(sizes) < 8e6


class Training(NamedTuple):
    """A small run of a shipped config, made ready."""

    ready: Prepared
    place: NamedSharding


def _training(name: str, root: Path) -> Training:
    small = _small(TRAINED[name])
    train, val = (open_split(root, split, 32) for split in ("train", "val"))
    method = build_method.recovery(small) if small.method is None else build_method.detector(small)
    classes = (schema.REAL,) if small.detect is None else (schema.REAL, schema.FAKE)
    settings = small.detect or small.recover
    ready = prepare(StagePlan("stage", method, settings, classes, train, val), small)
    return Training(ready, NamedSharding(ready.update.mesh, sharding.BATCH))


@pytest.mark.parametrize("name", sorted(TRAINED.keys() - {COMPILED}))
def test_the_step_of_a_shipped_config_takes_its_state_and_batches(
    name: str, tiny_root: Path
) -> None:
    ready, _ = _training(name, tiny_root)
    before, batch = ready.update.abstract, jax.eval_shape(lambda: ready.batches[0])
    after = jax.eval_shape(ready.update.step, before, batch)
    same = jax.tree.map(
        lambda one, other: (one.shape, one.dtype) == (other.shape, other.dtype), before, after
    )
    assert all(jax.tree.leaves(same))


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name == COMPILED else pytest.mark.slow) for name in TRAINED],
)
def test_a_shipped_config_trains(name: str, tiny_root: Path) -> None:
    ready, place = _training(name, tiny_root)
    state = ready.update.fresh()
    fresh = jax.device_get(state.params)
    for n in range(2):
        state = ready.update.step(state, jax.device_put(ready.batches[n], place))
    assert int(state.failed_step) == NEVER
    assert np.isfinite(state.window["loss"].compute())
    moved = jax.tree_util.tree_map_with_path(
        lambda path, one, other: (
            "/attn/" not in path_name(path)
            or np.any(one != np.asarray(other)) != path_name(path).startswith("frozen/")
        ),
        fresh,
        state.params,
    )
    assert all(jax.tree.leaves(moved))
