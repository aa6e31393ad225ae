"""Meta-learning: who is held out, and that the outer loss is what the definition says."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfake import schema
from jaxfake.models.losses import Term
from jaxfake.models.meta_learning import (
    MetaLearned,
    MetaSettings,
    held_out_faces,
    split_batch,
    with_meta_learning,
)
from jaxfake.models.method import Losses

VIDEOS = MetaSettings("videos", second_order=False, inner_rate=0.1, weight=2.0)
ONE_OUT = dataclasses.replace(VIDEOS, held_out="manipulation")
COUNT = 12

draw = {
    meta: jax.jit(lambda batch, key, meta=meta: held_out_faces(meta, batch, key))
    for meta in (VIDEOS, ONE_OUT)
}
split = {
    meta: jax.jit(lambda batch, key, meta=meta: split_batch(meta, batch, key))
    for meta in (VIDEOS, ONE_OUT)
}


@st.composite
def batches(pick: st.DrawFn) -> schema.Batch:
    """Faces of a few videos, each of one manipulation or real."""
    videos = np.asarray(pick(st.lists(st.integers(0, 7), min_size=COUNT, max_size=COUNT)))
    kinds = np.asarray(pick(st.lists(st.integers(0, 3), min_size=8, max_size=8)))[videos]
    return {
        schema.VIDEO: videos.astype(np.uint32),
        schema.MANIPULATION: kinds.astype(np.uint32),
        schema.LABEL: (kinds > 0).astype(np.int32),
    }


@settings(max_examples=200)
@given(batch=batches(), seed=st.integers(0, 2**31))
@pytest.mark.parametrize("meta", [VIDEOS, ONE_OUT], ids=["videos", "manipulation"])
def test_no_video_is_on_both_sides_and_both_sides_have_both_classes(
    meta: MetaSettings, batch: schema.Batch, seed: int
) -> None:
    held = np.asarray(draw[meta](batch, jax.random.key(seed)))
    video, label = batch[schema.VIDEO], batch[schema.LABEL]
    assert not set(video[held]) & set(video[~held])
    for kind in (schema.REAL, schema.FAKE):
        groups = batch[schema.MANIPULATION if meta is ONE_OUT and kind else schema.VIDEO]
        split = len(set(groups[label == kind])) > 1
        assert (label[held] == kind).any() == split
        if (label == kind).any():
            assert (label[~held] == kind).any()


@settings(max_examples=100)
@given(batch=batches(), seed=st.integers(0, 2**31))
def test_a_held_out_manipulation_is_held_out_whole(batch: schema.Batch, seed: int) -> None:
    held = np.asarray(draw[ONE_OUT](batch, jax.random.key(seed)))
    fake, kind = batch[schema.LABEL] == schema.FAKE, batch[schema.MANIPULATION]
    assert not set(kind[held & fake]) & set(kind[~held & fake])
    assert len(set(kind[held & fake])) <= 1


@settings(max_examples=200)
@given(batch=batches(), seed=st.integers(0, 2**31))
@pytest.mark.parametrize("meta", [VIDEOS, ONE_OUT], ids=["videos", "manipulation"])
def test_the_halves_hold_each_face_once_at_most_and_no_video_twice(
    meta: MetaSettings, batch: schema.Batch, seed: int
) -> None:
    halves = split[meta](batch, jax.random.key(seed))
    held = np.asarray(draw[meta](batch, jax.random.key(seed)))
    assert sorted(np.concatenate([half.rows for half in halves])) == list(range(COUNT))
    train, test = (np.asarray(half.rows)[half.counts] for half in halves)
    assert not held[train].any()
    assert held[test].all()
    assert len(test) == min(held.sum(), len(halves.test.rows))
    assert len(train) == min((~held).sum(), len(halves.train.rows))


def test_three_of_ten_videos_are_held_out_in_the_long_run() -> None:
    batch = {schema.VIDEO: np.arange(20, dtype=np.uint32), schema.LABEL: np.arange(20) % 2}
    batch[schema.MANIPULATION] = batch[schema.VIDEO] % 2
    keys = jax.random.split(jax.random.key(0), 500)
    held = jax.jit(jax.vmap(lambda key: held_out_faces(VIDEOS, batch, key)))(keys)
    np.testing.assert_allclose(held.mean(0), 0.3, atol=0.07)


@dataclasses.dataclass(frozen=True)
class Curve:
    """A method of two parameters whose loss has curvature: the loss of a face is sin(w x) + v^4 x."""

    heat_threshold: float | None = None

    def init(self, key: jax.Array, start: object) -> dict[str, jax.Array]:
        return {"w": jnp.float32(0.7), "v": jnp.float32(1.1)}

    def losses(self, params: dict[str, jax.Array], batch: schema.Batch, keys: jax.Array) -> Losses:
        x = batch["x"]
        value = jnp.sin(params["w"] * x) + params["v"] ** 4 * x
        return Losses({"curve": Term(value, jnp.ones_like(x))}, {})


BATCH = {
    "x": jnp.linspace(0.2, 1.7, COUNT),
    schema.VIDEO: np.arange(COUNT, dtype=np.uint32),
    schema.MANIPULATION: np.zeros(COUNT, np.uint32),
    schema.LABEL: (np.arange(COUNT) % 2).astype(np.int32),
}
KEYS = jax.random.split(jax.random.key(3), COUNT)
PARAMS = Curve().init(KEYS[0], None)


def outer(meta: MetaSettings, params: dict[str, jax.Array]) -> jax.Array:
    return _outer(meta, params, BATCH, KEYS)


@partial(jax.jit, static_argnums=0)
def _outer(
    meta: MetaSettings, params: dict[str, jax.Array], batch: schema.Batch, keys: jax.Array
) -> jax.Array:
    terms = MetaLearned(Curve(), meta).losses(params, batch, keys).total
    return sum((t.values * t.weight).sum() / t.weight.sum() for t in terms.values())


def test_the_outer_loss_is_that_of_the_definition() -> None:
    train, test = (side.rows[side.counts] for side in split_batch(VIDEOS, BATCH, KEYS[0]))
    x = np.asarray(BATCH["x"], np.float64)
    w, v = 0.7, 1.1

    def mean(w: float, v: float, chosen: np.ndarray) -> float:
        return float((np.sin(w * x) + v**4 * x)[chosen].mean())

    slope_w, slope_v = (x * np.cos(w * x))[train].mean(), (4 * v**3 * x)[train].mean()
    after = mean(w - 0.1 * slope_w, v - 0.1 * slope_v, test)
    expected = mean(w, v, train) + 2.0 * after
    assert outer(VIDEOS, PARAMS) == pytest.approx(expected, rel=1e-5)


def test_the_second_order_gradient_is_that_of_finite_differences() -> None:
    meta = dataclasses.replace(VIDEOS, second_order=True)
    gradient = jax.jit(jax.grad(partial(outer, meta)))(PARAMS)
    for name in PARAMS:
        up, down = (
            float(outer(meta, PARAMS | {name: PARAMS[name] + step})) for step in (1e-2, -1e-2)
        )
        assert float(gradient[name]) == pytest.approx((up - down) / 2e-2, rel=3e-3)


@pytest.mark.parametrize(("rate", "alike"), [(0.0, True), (0.1, False)])
def test_the_orders_differ_unless_the_inner_rate_is_nothing(rate: float, alike: bool) -> None:
    rules = [
        dataclasses.replace(VIDEOS, second_order=order, inner_rate=rate) for order in (False, True)
    ]
    first, second = (jax.jit(jax.grad(partial(outer, meta)))(PARAMS) for meta in rules)
    assert np.allclose(first["v"], second["v"], rtol=1e-6) == alike


def test_without_anything_held_out_the_method_is_itself() -> None:
    method = Curve()
    assert with_meta_learning(method, dataclasses.replace(VIDEOS, held_out="none")) is method
    assert isinstance(with_meta_learning(method, VIDEOS), MetaLearned)
