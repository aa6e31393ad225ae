"""From a config to an update: nothing is added without need, what fits is found, the rest is refused."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import pytest

from jaxfake.models.meta_learning import MetaLearned, MetaSettings
from jaxfake.runtime.errors import InputError
from jaxfake.train.memory import choose, finalists
from jaxfake.train.memory import workload as workload_module
from jaxfake.train.memory.cost import cost
from jaxfake.train.memory.placement import why_no_offload
from jaxfake.train.memory.plan import Plan
from jaxfake.train.memory.profile import make_profile
from jaxfake.train.memory.workload import CompiledStep, Workload, compile_step, plan_of
from jaxfake.train.step import jit_step
from tests.train.memory.synthetic import RATES, profile
from tests.train.memory.workloads import workload


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(workload_module, "QUICK", {})  # everything is compiled quickly in tests
        yield


@pytest.fixture(scope="module")
def small(one_device: None) -> Workload:
    return workload("recover")


@pytest.fixture(scope="module")
def plain(small: Workload) -> int:
    """Bytes of the plain step."""
    return compile_step(small, None, quick=False).need.device


def _with(of: Workload, memory: str) -> Workload:
    return dataclasses.replace(of, config=dataclasses.replace(of.config, memory=memory))


def test_off_adds_nothing_to_the_program(small: Workload) -> None:
    """It is the update alone: no named tensor, no checkpoint and no copy is in it."""
    assert small.config.memory == "off"
    update, parts = choose.update_for(small), small.parts
    text = str(update.step.trace(update.abstract, small.batch).jaxpr)  # type: ignore[union-attr]
    alone = jit_step(parts.method, parts.optimiser, parts.rule, parts.abstract, parts.mesh)
    assert text == str(alone.trace(parts.abstract, small.batch).jaxpr)
    for trace in (" name[", "checkpoint", "remat", "device_put", "memory"):
        assert trace not in text


def test_auto_compiles_nothing_else_where_the_plain_step_fits(small: Workload, plain: int) -> None:
    asked = _with(small, f"auto:{2 * plain}")
    before = list(asked.compiled)
    assert choose.update_for(asked).plan is None
    assert list(asked.compiled) == before
    assert choose.planned_iteration(asked) is None


@pytest.mark.parametrize("given", ["plain", "nothing"])
def test_a_profile_comes_from_one_compiled_step(small: Workload, plain: int, given: str) -> None:
    """That step is predicted as it was compiled."""
    step = compile_step(small, None, quick=False) if given == "plain" else None
    new = dataclasses.replace(small, compiled={})
    made = make_profile(new, step)
    (one,) = [step] if step else new.compiled.values()
    assert len(new.compiled) == (step is None)
    assert cost(made, RATES, plan_of(one)).device == pytest.approx(one.need.device)


@pytest.mark.slow
def test_auto_finds_a_plan_that_the_compiler_agrees_fits(
    small: Workload, plain: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finalists, "_LONGEST_STEP", 0.0)  # what is timed has tests of its own
    asked = _with(small, f"auto:{plain}")
    plan = choose.update_for(asked).plan
    assert plan is not None
    assert compile_step(asked, plan, quick=False).need.device <= 0.96 * plain
    planned = choose.planned_iteration(asked)  # known now
    assert planned is not None
    assert planned[0] == plan
    assert sum(planned[1].forward) > 0


def test_a_plain_step_that_surely_does_not_fit_is_not_compiled(
    small: Workload, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compiled: list[Plan | None] = []

    def compile_step(_: Workload, plan: Plan | None, quick: bool) -> Any:
        compiled.append(plan)
        return SimpleNamespace(need=SimpleNamespace(device=1.0), update="of the plan")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(choose, "compile_step", compile_step)
    monkeypatch.setattr(choose, "_chosen", lambda *_: "encoder=full decoder=full")
    asked = _with(small, f"auto:{round(choose._at_least(small))}")
    assert choose.update_for(asked) == "of the plan"
    assert [plan and plan.policies for plan in compiled] == [{"full"}]


def test_the_advice_after_running_out_of_memory_is_a_plan_that_needs_less(
    small: Workload, plain: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms: list[float] = []

    def proposed(*arguments: Any) -> CompiledStep | None:
        rooms.append(arguments[-1].device)
        return compile_step(small, None, quick=False) if len(rooms) < 3 else None

    budget = choose.device_budget(str(plain))
    monkeypatch.setattr(choose, "device_budget", lambda: budget)
    monkeypatch.setattr(choose, "proposed", proposed)
    monkeypatch.setattr(choose, "known_profile", lambda _: None)  # of no use to these two
    monkeypatch.setattr(choose, "cost", lambda *_: SimpleNamespace(device=0.5 * plain))
    lean = choose.given_plan(small, "encoder=full decoder=full")
    assert choose.advice(small, None).startswith("--config.memory='micro_batches=1', which takes")
    choose.advice(small, lean)
    assert choose.advice(small, None).startswith("a smaller batch_size")
    assert rooms[:2] == pytest.approx([0.9 * plain, 0.9 * 0.5 * plain])


def test_several_processes_are_told_to_look_for_a_plan(
    small: Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of them cannot compile without the others."""
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    monkeypatch.setattr(choose, "known_profile", None)
    assert "`python -m jaxfake.plan` shows some" in choose.advice(small, None)


def test_offload_is_refused_with_the_reason_on_a_cpu(small: Workload) -> None:
    assert why_no_offload(jax.devices()[0]) == "a CPU has no memory but the host's"
    for text in ("encoder=full optimizer=host", "encoder=offload", "params=host"):
        with pytest.raises(InputError, match="offloads, and a CPU has no memory but the host's"):
            choose.update_for(_with(small, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("micro_batches=3", "micro_batches=3 must divide the 16 faces"),
        ("auto:1KiB", "the smallest budget that would is"),
        ("auto:much", "is not a size of memory"),
    ],
)
def test_what_cannot_be_done_is_refused(
    small: Workload, text: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose, "known_profile", lambda *_: profile())  # of no plan for 1 KiB
    with pytest.raises(InputError, match=message):
        choose.update_for(_with(small, text))


def test_a_batch_of_meta_learning_is_not_cut(small: Workload) -> None:
    meta = MetaSettings("videos", second_order=False, inner_rate=0.1, weight=1.0)
    parts = dataclasses.replace(small.parts, method=MetaLearned(small.method, meta))
    learned = dataclasses.replace(small, parts=parts)
    with pytest.raises(InputError, match=r"must be 1 with method\.meta\.held_out"):
        choose.given_plan(learned, "micro_batches=2")


def test_a_plan_of_nothing_is_the_plain_step(small: Workload) -> None:
    one, other = (small.parts.under(plan) for plan in (None, Plan()))
    texts = [str(u.step.trace(u.abstract, small.batch).jaxpr) for u in (one, other)]  # type: ignore[union-attr]
    assert texts[0] == texts[1]
