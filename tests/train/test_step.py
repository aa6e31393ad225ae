"""The update: the same on one device and eight, cut or whole, and never with a non-finite loss."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import Mesh

from jaxfake import config, schema
from jaxfake.data import pipeline
from jaxfake.data.dataset import open_split
from jaxfake.models.deepfakemae import DeepfakeMAE, DeepfakeMAESettings
from jaxfake.models.finetuned.network import ImportedViT
from jaxfake.models.finetuned.settings import ImportedSettings
from jaxfake.models.finetuned.tuning import Tuning
from jaxfake.models.mae import MaskedAutoencoder
from jaxfake.models.masking import MaskSettings
from jaxfake.models.mover import Mover, MoverSettings
from jaxfake.models.recap import Recap, RecapSettings
from jaxfake.models.recover import Recover
from jaxfake.models.vit import Compute, Size
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.tree_paths import path_name
from jaxfake.train import optim, param_rules, sharding
from jaxfake.train.state import NEVER, TrainState, abstract_state, evaluation_params, fresh_state
from jaxfake.train.step import StepRule, jit_step, metric_names
from tests.train.line import Line
from tests.weights.foundation_models import DINOV2_REGISTERS

STAGE = config.Stage(
    steps=20,
    batch_size=16,
    device_batch=0,
    learning_rate=1e-1,
    warmup=0.1,
    weight_decay=0.05,
    layer_decay=1.0,
    ema=0.0,
    crop=1.0,
    photometric=0.0,
    select_every=0,
)
RECOVER = Recover(MaskedAutoencoder(Size(32, 1, 2), Size(16, 1, 2), 32, 8), MaskSettings("part", 4))


@pytest.fixture(scope="module")
def batches(tiny_root: Path) -> list[schema.Batch]:
    train = open_split(tiny_root, "train", 32)
    chain = pipeline.training_batches(train, (schema.REAL,), 16, 0, pipeline.Augmentation(1.0, 0.0))
    return [chain[n] for n in range(4)]


LINE = Line()


def _shapes(method: Any) -> Any:
    """The method's parameters without their values."""
    return jax.eval_shape(lambda: method.init(jax.random.key(0), None))


def _imported(tuning: Tuning) -> ImportedViT:
    vit = dataclasses.replace(DINOV2_REGISTERS, norm_pre=True)
    return ImportedViT(ImportedSettings("", "", vit, 28, tuning, 2), Compute())


EVERYTHING = [
    _shapes(method)
    for method in (
        RECOVER,
        Mover(RECOVER, MoverSettings("mover", "both", 0.5, 0.1, 0.1)),
        DeepfakeMAE(RECOVER, DeepfakeMAESettings("deepfakemae", "trained", 0.5, 0.1, 0.1)),
        Recap(
            RECOVER, RecapSettings("recap", "margin", emphasis=True, map_weight=0.5, dropout=0.1)
        ),
        *(
            Mover(RECOVER, MoverSettings("mover", "finetuned", 0.5, 0.1, 0.1), imported)
            for imported in (_imported("full"), _imported("lora"))
        ),
    )
]
"""What the rules have to serve."""


def _mesh(devices: int, fsdp: int) -> Mesh:
    kinds = (jax.sharding.AxisType.Auto,) * 2
    axes = (sharding.DATA_AXIS, sharding.FSDP_AXIS)
    shape = (devices // fsdp, fsdp)
    return jax.make_mesh(shape, axes, axis_types=kinds, devices=jax.devices()[:devices])


def _run(
    batches: list[schema.Batch],
    mesh: Mesh,
    accumulate: int = 1,
    ema: float = 0.0,
    method: Any = LINE,
    stage: config.Stage = STAGE,
) -> list[TrainState]:
    """The states after each batch, on the host."""
    params = _shapes(method)
    optimiser = optim.make_optimiser(stage, params)
    names = metric_names(method, params, batches[0])
    abstract = abstract_state(method, optimiser, ema, names, mesh)
    state = fresh_state(method, optimiser, ema, 0, abstract, None)
    step = jit_step(method, optimiser, StepRule(0, accumulate, ema), abstract, mesh)
    states = []
    for batch in batches:
        state = step(state, batch)
        states.append(jax.device_get(state))
    return states


def _moments(state: TrainState, which: str) -> Any:
    return optax.tree.get(state.opt_state, which)


def _assert_close(one: TrainState, other: TrainState, tolerance: float) -> None:
    leaves = (jax.tree_util.tree_leaves_with_path(state.params) for state in (one, other))
    for (path, got), (_, want) in zip(*leaves, strict=True):
        if path_name(path).endswith("qkv/bias"):
            got, want = _without_keys(got), _without_keys(want)
        np.testing.assert_allclose(got, want, atol=tolerance)


def _without_keys(bias: np.ndarray) -> np.ndarray:
    """The bias of queries and values. That of keys shifts all logits of a row alike, so its gradient is
    zero but for rounding, and what AdamW makes of that differs from processor to processor."""
    query, _, value = np.split(bias, 3, axis=-1)
    return np.concatenate([query, value], axis=-1)


@pytest.mark.parametrize(
    ("method", "devices", "fsdp"), [(LINE, 8, 1), (LINE, 8, 4), (LINE, 4, 2), (RECOVER, 8, 2)]
)
def test_one_device_and_many_give_the_same_result(
    batches: list[schema.Batch], method: Any, devices: int, fsdp: int
) -> None:
    # AdamW turns rounding of gradients that are zero in theory into steps of the learning rate's size.
    stage = dataclasses.replace(STAGE, learning_rate=1e-2)
    alone = _run(batches, _mesh(1, 1), method=method, stage=stage)
    spread = _run(batches, _mesh(devices, fsdp), method=method, stage=stage)
    _assert_close(alone[-1], spread[-1], 2e-5)
    losses = [float(state.window["loss"].total) for state in (alone[-1], spread[-1])]
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_parameters_and_moments_are_split_by_name() -> None:
    mesh = _mesh(8, 4)
    optimiser = optim.make_optimiser(STAGE, _shapes(RECOVER))
    state = abstract_state(RECOVER, optimiser, 0.9, ("loss",), mesh)
    for tree in (state.params, state.ema, _moments(state, "mu"), _moments(state, "nu")):
        kernel = tree["encoder"]["blocks"]["mlp"]["fc1"]["kernel"]
        assert kernel.sharding.shard_shape(kernel.shape) == (1, 32, 128 // 4)
        bias = tree["encoder"]["norm"]["bias"]
        assert bias.sharding.is_fully_replicated


def test_a_batch_cut_in_parts_gives_the_same_gradient(batches: list[schema.Batch]) -> None:
    uneven = [dict(batches[0])]
    uneven[0][schema.VALID] = np.arange(16) < 11  # parts with different numbers of valid faces
    for accumulate, mesh in ((4, _mesh(1, 1)), (2, _mesh(8, 1))):
        whole, cut = _run(uneven, _mesh(1, 1)), _run(uneven, mesh, accumulate)
        moments = [_moments(state, "mu") for state in (whole[0], cut[0])]
        for got, want in zip(*map(jax.tree.leaves, moments), strict=True):
            np.testing.assert_allclose(got, want, atol=1e-6)
        np.testing.assert_allclose(
            whole[0].window["loss"].total, cut[0].window["loss"].total, rtol=1e-5
        )


def test_padding_has_no_influence(batches: list[schema.Batch]) -> None:
    padded = {key: np.array(value) for key, value in batches[0].items()}
    padded[schema.VALID] = np.arange(16) < 8
    garbage = {key: np.array(value) for key, value in padded.items()}
    garbage[schema.IMAGE][8:] = 255 - garbage[schema.IMAGE][8:]
    one, other = _run([padded], _mesh(1, 1)), _run([garbage], _mesh(1, 1))
    _assert_close(one[0], other[0], 0.0)


def test_a_non_finite_loss_changes_nothing_from_then_on(batches: list[schema.Batch]) -> None:
    poisoned = dict(batches[2])
    poisoned[schema.ROW] = np.where(np.arange(16) == 5, -1, poisoned[schema.ROW]).astype(np.int32)
    order = [*batches[:2], poisoned, batches[3]]
    states = _run(order, _mesh(8, 1), method=Line(poison=True))
    assert [int(state.failed_step) for state in states] == [NEVER, NEVER, 2, 2]
    _assert_close(states[1], states[3], 0.0)
    for got, want in zip(
        *(jax.tree.leaves(s.opt_state) for s in (states[1], states[3])), strict=True
    ):
        np.testing.assert_array_equal(got, want)


def test_the_moving_average_follows_and_is_what_is_scored(batches: list[schema.Batch]) -> None:
    plain, averaged = _run(batches[:2], _mesh(1, 1)), _run(batches[:2], _mesh(1, 1), ema=0.5)
    _assert_close(plain[1], averaged[1], 0.0)
    first, second = (state.params["encoder"]["embed"]["bias"] for state in averaged)
    # From a start at 0, with decays of 1/10 and 2/11, see `moving_average`.
    expected = 2 / 11 * 0.9 * first + 9 / 11 * second
    got = evaluation_params(averaged[1])["encoder"]["embed"]["bias"]
    np.testing.assert_allclose(got, expected, atol=1e-7)
    assert evaluation_params(plain[1]) is plain[1].params


def test_the_loss_falls(batches: list[schema.Batch]) -> None:
    states = _run([batches[0]] * 20, _mesh(1, 1))
    totals = np.diff([0.0, *(float(state.window["loss"].total) for state in states)])
    assert totals[-1] < 0.5 * totals[0]


def test_decay_touches_kernels_alone() -> None:
    for params in EVERYTHING:
        decayed = param_rules.match(param_rules.DECAY, params)
        for path, chosen in jax.tree_util.tree_leaves_with_path(decayed):
            assert chosen == path_name(path).endswith(("kernel", "lora_a", "lora_b"))


def test_a_parameter_without_a_rule_is_an_error() -> None:
    tree = {"encoder": {"new": {"weight": 0, "bias": 0}}}
    with pytest.raises(ValueError, match="encoder/new/weight"):
        param_rules.match(((r".*/bias", False),), tree)


def test_every_rule_is_of_use() -> None:
    names = [
        path_name(path)
        for params in EVERYTHING
        for path, _ in jax.tree_util.tree_leaves_with_path(params)
    ]
    for pattern, _ in (*param_rules.RATES, *param_rules.DECAY, *sharding.SHARDING):
        assert any(re.fullmatch(pattern, name) for name in names), pattern


def test_a_mesh_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="fsdp 3 must divide the 8 devices"):
        sharding.make_mesh(3, 16)
    with pytest.raises(InputError, match="12 faces cannot be spread evenly over 8 devices"):
        sharding.make_mesh(1, 12)
    odd = {"line": {"embed": {"kernel": jax.ShapeDtypeStruct((192, 30), jnp.float32)}}}
    with pytest.raises(InputError, match="fsdp 4 must divide axis 1 of line/embed/kernel"):
        sharding.shardings(_mesh(8, 4), odd)
