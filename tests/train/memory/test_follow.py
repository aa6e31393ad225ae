"""Real steps that follow a plan: the same numbers, on the host or not; and what is refused."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
import pytest
from jaxfake.train.memory.offload import why_no_offload
from jaxfake.train.memory.subject import abstract_batch, noise, on_mesh

from configs import delocate, mover
from jaxfake import config
from jaxfake.config import Config, Stage
from jaxfake.experiment import build_method
from jaxfake.models.method import Method
from jaxfake.models.remat import Segment
from jaxfake.runtime.errors import InputError
from jaxfake.train.memory import choose
from jaxfake.train.memory.gradient_check import check_gradient, relative
from jaxfake.train.memory.plan import Plan, uniform
from jaxfake.train.state import TrainState
from jaxfake.train.update import prepare_update

FACES = 16
MIXED = Plan(
    encoder=(Segment("full", 1), Segment("none", 1)),
    decoder=(Segment("named", 2),),
    overall=(Segment("dots", 2),),
    localiser="full",
)
HOSTED = Plan(
    encoder=(Segment("offload", 2),),
    decoder=(Segment("full", 2),),
    overall=(Segment("named", 2),),
    optimizer="host",
    params="host",
)

Setup = tuple[Method, Stage, Config]


def _setup(name: str) -> Setup:
    values = (delocate if "delocate" in name else mover).get_config()
    values.data.size, values.model.patch, values.mask.count = 32, 8, 4
    for stack in (values.model.encoder, values.model.decoder):
        stack.width, stack.depth = 16, 2
    for stage in (values.recover, values.detect):
        stage.update(batch_size=FACES, learning_rate=1e-2, warmup=0.0)
    values.recover.ema = 0.9
    if "delocate" in name:
        values.method.masked, values.method.width = 2, 4
    run = config.parse(values)
    if name == "recover":
        return build_method.recovery(run), run.recover, run
    assert run.detect is not None
    return build_method.detector(run), run.detect, run


def _after(setup: Setup, plan: Plan | None, steps: int = 2) -> TrainState:
    method, settings, run = setup
    batch = noise(run, FACES)
    update = prepare_update(method, settings, run, batch, None, plan)
    state = update.fresh()
    for _ in range(steps):
        state = update.step(state, on_mesh(update, batch))
    return jax.device_get(state)


def _assert_same(one: TrainState, other: TrainState) -> None:
    """Up to rounding of recomputed activations: 1e-4 of a gradient's norm, after two updates.

    The first moment is compared, since AdamW makes steps of the rounding of gradients that are zero.
    """
    moments = [
        [np.asarray(leaf) for leaf in jax.tree.leaves(optax.tree.get(state.opt_state, "mu"))]
        for state in (one, other)
    ]
    assert relative(*moments) < 1e-4
    for name, average in one.window.items():
        np.testing.assert_allclose(average.total, other.window[name].total, rtol=1e-5)
    if one.ema is not None:
        for got, want in zip(jax.tree.leaves(one.ema), jax.tree.leaves(other.ema), strict=True):
            np.testing.assert_allclose(got, want, atol=1e-4)


@pytest.mark.slow
def test_a_run_goes_on_under_another_plan() -> None:
    setup = _setup("recover")
    method, settings, run = setup
    batch = noise(run, FACES)
    states = []
    for second in (None, HOSTED):
        update = prepare_update(method, settings, run, batch, None, MIXED)
        state: Any = jax.device_get(update.step(update.fresh(), on_mesh(update, batch)))
        update = prepare_update(method, settings, run, batch, None, second)
        # As a checkpoint is restored: the same tree, put where the new plan wants it.
        state = jax.tree.map(
            lambda leaf, shape: jax.device_put(leaf, shape.sharding), state, update.abstract
        )
        states.append(jax.device_get(update.step(state, on_mesh(update, batch))))
    _assert_same(*states)
    assert int(states[1].step) == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["recover", "mover", "delocate with meta-learning"])
def test_a_planned_step_gives_the_same_numbers(name: str) -> None:
    setup = _setup(name)
    plain = _after(setup, None)
    if name != "recover":
        _assert_same(plain, _after(setup, MIXED))
    if name != "delocate with meta-learning":
        _assert_same(plain, _after(setup, dataclasses.replace(HOSTED, micro_batches=2)))


def test_a_plan_without_segments_changes_not_even_the_program() -> None:
    method, settings, run = _setup("recover")
    batch = abstract_batch(run, FACES)
    traced = []
    for plan in (None, Plan()):
        update = prepare_update(method, settings, run, batch, None, plan)
        traced.append(str(update.step.trace(update.abstract, batch).jaxpr))  # type: ignore[union-attr]
    assert traced[0] == traced[1]
    assert " name[" not in traced[0]
    assert choose.plan_for(method, settings, run) is None  # the embedded default is 'off'


def test_auto_adds_nothing_where_a_step_plainly_fits() -> None:
    method, settings, run = _setup("recover")
    assert choose.plan_for(method, settings, dataclasses.replace(run, memory="auto")) is None


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return iter([tmp_path])


def test_offload_is_refused_with_the_reason_on_a_cpu(own_cache: Any) -> None:
    method, settings, run = _setup("recover")
    assert why_no_offload(jax.devices()[0]) == "a CPU has no memory but the host's"
    for text in ("encoder=full optimizer=host", "encoder=offload", "params=host"):
        with pytest.raises(InputError, match="offloads, and a CPU has no memory but the host's"):
            choose.plan_for(method, settings, dataclasses.replace(run, memory=text))


def test_a_wrong_gradient_is_refused_and_remembered(
    own_cache: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = _setup("recover")
    asked = []

    def wrong(*_: Any) -> float:
        asked.append(1)
        return 0.5

    monkeypatch.setattr("jaxfake.train.memory.gradient_check.difference", wrong)
    for _ in range(2):
        with pytest.raises(InputError, match=r"differs from the plain one by 5\.0e-01"):
            check_gradient(*setup, HOSTED)
    assert len(asked) == 1
    check_gradient(*setup, uniform("full", {"encoder": 2}))  # offloads nothing: not asked


def test_what_counts_as_a_wrong_gradient() -> None:
    right = [np.ones(4), np.full(3, 2.0)]
    assert relative(right, right) == 0.0
    assert relative(right, [np.ones(4), np.zeros(3)]) == pytest.approx(1.0)
    assert relative(right, [np.ones(4), np.full(3, np.nan)]) == float("inf")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("micro_batches=3", "micro_batches=3 must divide the 2 faces"),
        ("auto:1KiB", "the smallest budget that would is"),
        ("auto:much", "is not a size of memory"),
    ],
)
def test_what_cannot_be_followed_is_said(own_cache: Any, text: str, said: str) -> None:
    method, settings, run = _setup("recover")
    with pytest.raises(InputError, match=said):
        choose.plan_for(method, settings, dataclasses.replace(run, memory=text))
