"""Stage 2's updates: who learns how fast, who never changes, and the given arrays that stay whole."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
import optax
import pytest

from jaxfake import config, schema
from jaxfake.models.deepfakemae import DeepfakeMAE, DeepfakeMAESettings
from jaxfake.models.mae import MaskedAutoencoder
from jaxfake.models.masking import MaskSettings
from jaxfake.models.method import Params
from jaxfake.models.mover import Mover, MoverSettings
from jaxfake.models.recap import Recap, RecapSettings
from jaxfake.models.recover import Recover
from jaxfake.models.vit import Size
from jaxfake.runtime.tree_paths import path_name
from jaxfake.train import optim, sharding
from jaxfake.train.state import TrainState, abstract_state, fresh_state
from jaxfake.train.step import Step, StepRule, jit_step, metric_names

pytestmark = pytest.mark.usefixtures("one_device")

SIDE, BATCH, DECAY = 32, 8, 0.5
STAGE = config.Stage(
    steps=20,
    batch_size=256,  # the rate is as given
    device_batch=0,
    learning_rate=1e-3,
    warmup=0.0,  # the first update already moves
    weight_decay=0.05,
    layer_decay=DECAY,
    ema=0.9,
    crop=1.0,
    photometric=0.0,
    select_every=0,
)
RECOVER = Recover(
    MaskedAutoencoder(Size(16, 3, 2), Size(16, 1, 2), SIDE, 8), MaskSettings("part", 4)
)
METHODS = {
    "mover": Mover(RECOVER, MoverSettings("mover", "both", 0.5, 0.1, 0.1)),
    "deepfakemae": DeepfakeMAE(
        RECOVER, DeepfakeMAESettings("deepfakemae", "trained", 0.5, 0.1, 0.1)
    ),
    "recap": Recap(RECOVER, RecapSettings("recap", "margin", True, 0.5, 0.1)),
}


class Trained(NamedTuple):
    """A run of two updates."""

    fresh: TrainState  # on the host
    after: TrainState  # on the host, one update later
    given: Params  # as they were
    again: TrainState  # on the host, a second start from the same arrays, after training


class Ready(NamedTuple):
    """What makes states and moves them on."""

    abstract: TrainState
    fresh: Callable[[], TrainState]
    step: Step


def _ready(method: Any, batch: schema.Batch, autoencoder: Params | None, fsdp: int = 1) -> Ready:
    mesh = sharding.make_mesh(fsdp, BATCH)
    params = jax.eval_shape(lambda: method.init(jax.random.key(0), None))
    optimiser = optim.make_optimiser(STAGE, params)
    names = metric_names(method, params, batch)
    abstract = abstract_state(method, optimiser, STAGE.ema, names, mesh)
    return Ready(
        abstract,
        lambda: fresh_state(method, optimiser, STAGE.ema, 0, abstract, autoencoder),
        jit_step(method, optimiser, StepRule(0, 1, STAGE.ema), abstract, mesh),
    )


@pytest.fixture(scope="module")
def batch() -> schema.Batch:
    image = np.random.default_rng(0).integers(0, 256, (BATCH, SIDE, SIDE, 3), dtype=np.uint8)
    return {
        schema.IMAGE: image,
        schema.LANDMARKS: np.full((BATCH, 68, 2), np.nan, np.float32),
        # Odd numbers of each: an even one has no pull towards its median while that is between two.
        schema.LABEL: np.asarray([schema.REAL] * 3 + [schema.FAKE] * 5, np.int32),
        schema.VALID: np.ones(BATCH, np.bool_),
    }


@pytest.fixture(scope="module")
def autoencoder(one_device: None) -> Params:
    """Stage 1's parameters where its training leaves them: on the same mesh."""
    fresh = jax.jit(lambda key: RECOVER.init(key, None))(jax.random.key(7))
    return jax.device_put(fresh, sharding.shardings(sharding.make_mesh(1, BATCH), fresh))


@pytest.fixture(params=("deepfakemae", "recap"), scope="module")
def trained(request: pytest.FixtureRequest, batch: schema.Batch, autoencoder: Params) -> Trained:
    before = _host(autoencoder)
    ready = _ready(METHODS[request.param], batch, autoencoder)
    state = ready.fresh()
    fresh = _host(state)
    state = ready.step(state, batch)  # donates what it was given
    after = _host(state)
    jax.block_until_ready(ready.step(state, batch))
    return Trained(fresh, after, before, _host(ready.fresh()))


def _host(tree: Any) -> Any:
    """Copies: on a CPU a view would follow what happens to the device's memory."""
    return jax.tree.map(lambda leaf: np.array(leaf), tree)


def _leaves(tree: Any) -> dict[str, Any]:
    return {path_name(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


def _factors(method: Any, layer_decay: float) -> dict[str, np.ndarray]:
    params = jax.eval_shape(lambda: method.init(jax.random.key(0), None))
    return _leaves(optim.rate_factors(params, layer_decay))


@pytest.mark.parametrize(
    ("method", "encoder"),
    [("mover", "finetuned"), ("mover", "mapping/encoder"), ("deepfakemae", "finetuned")],
)
def test_earlier_blocks_of_a_finetuned_encoder_learn_slower(method: str, encoder: str) -> None:
    factors = _factors(METHODS[method], DECAY)
    kernel = factors[f"{encoder}/blocks/attn/qkv/kernel"]
    np.testing.assert_allclose(kernel.ravel(), [DECAY**3, DECAY**2, DECAY])
    assert kernel.ndim == 3  # broadcasts to [L, D, 3D]
    np.testing.assert_allclose(
        factors[f"{encoder}/blocks/norm1/scale"], [[DECAY**3], [DECAY**2], [DECAY]]
    )
    for name in ("patch_embed/kernel", "patch_embed/bias", "cls_token"):
        assert factors[f"{encoder}/{name}"] == DECAY**4
    assert factors[f"{encoder}/norm/scale"] == 1


def test_the_other_parameters_learn_at_the_rate_of_their_kind() -> None:
    mover, deepfakemae, recap = (_factors(method, DECAY) for method in METHODS.values())
    rates = {
        r"mapping/decoder/": (mover, 1.0),
        r"head/": (mover, 1.0),
        r"decoding/": (deepfakemae, 0.1),
        r"frozen/": (recap, 0.0),
        r"margin/": (recap, 10.0),
    }
    for prefix, (factors, rate) in rates.items():
        chosen = [factor for name, factor in factors.items() if name.startswith(prefix)]
        np.testing.assert_allclose(chosen, [rate] * len(chosen), rtol=1e-6)
        assert chosen
    stage_one = _factors(RECOVER, DECAY)
    assert all(factor == 1 for factor in stage_one.values())


def test_without_layer_decay_an_encoder_learns_as_one() -> None:
    factors = _factors(METHODS["mover"], 1.0)
    assert all((factor == 1).all() for factor in factors.values())


def test_an_update_moves_all_but_the_frozen(trained: Trained) -> None:
    before, after = _leaves(trained.fresh.params), _leaves(trained.after.params)
    still = {name for name in before if np.array_equal(before[name], after[name])}
    unused = {"mapping/decoder/mask_token"} if "margin/real_distance" in before else set()
    assert still == {name for name in before if name.startswith("frozen/")} | unused
    assert all(np.isfinite(leaf).all() for leaf in after.values())
    average = _leaves(trained.after.ema)
    for name in still:
        np.testing.assert_allclose(average[name], before[name], rtol=1e-6)


def test_a_first_update_is_as_large_as_its_rate(trained: Trained) -> None:
    """AdamW's first step has the size of the rate wherever the gradient is not tiny."""
    before, after = (_leaves(state.params) for state in (trained.fresh, trained.after))
    encoder = "finetuned" if "finetuned/cls_token" in before else "mapping/encoder"
    bias = f"{encoder}/blocks/mlp/fc1/bias"  # not decayed
    step = np.abs(after[bias] - before[bias]).max(1)
    expected = STAGE.learning_rate * np.array([DECAY**3, DECAY**2, DECAY])
    np.testing.assert_allclose(step, expected, rtol=1e-2)


def test_frozen_parameters_have_no_moments(trained: Trained) -> None:
    moving = {name for name in _leaves(trained.fresh.params) if not name.startswith("frozen/")}
    for which in ("mu", "nu"):
        assert _leaves(optax.tree.get(trained.after.opt_state, which)).keys() == moving


@pytest.mark.parametrize("method", METHODS)
def test_moments_and_averages_lie_where_their_parameters_do(
    method: str, batch: schema.Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jax, "devices", jax.local_devices)
    abstract = _ready(METHODS[method], batch, None, fsdp=2).abstract
    params = _leaves(abstract.params)
    kernels = [name for name in params if name.endswith("blocks/mlp/fc1/kernel")]
    assert len(kernels) > 1
    for tree in (
        abstract.params,
        abstract.ema,
        optax.tree.get(abstract.opt_state, "mu"),
    ):
        for name in _leaves(tree).keys() & set(kernels):
            leaf = _leaves(tree)[name]
            depth, width, hidden = leaf.shape
            assert leaf.sharding.shard_shape(leaf.shape) == (depth, width, hidden // 2)


def test_training_leaves_the_given_arrays_as_they_were(
    trained: Trained, autoencoder: Params
) -> None:
    jax.tree.map(np.testing.assert_array_equal, autoencoder, trained.given)
    jax.tree.map(np.testing.assert_array_equal, trained.again.params, trained.fresh.params)


def test_a_fresh_state_holds_the_given_networks(trained: Trained) -> None:
    given, params = _leaves(trained.given), _leaves(trained.fresh.params)
    for name, leaf in params.items():
        if name.startswith(("frozen/encoder", "mapping/")):
            np.testing.assert_array_equal(leaf, given[name.split("/", 1)[1]])
        elif name.startswith("finetuned/"):
            np.testing.assert_array_equal(leaf, given[name.replace("finetuned", "encoder", 1)])
