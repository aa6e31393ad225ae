"""Memory plans measured on this machine, all of it with one command.

    python tools/memory_plans.py --config=configs/mover.py:ffpp --stages=recover,detect --out=plans.jsonl

For each stage: every kind of offloading, and a naive offloader (all state on the host, everything
recomputed, each copy waited for); the planner's finalists at a few artificial budgets; the plain step and
every uniform policy; the fastest of these compiled as they are trained with; a larger batch in the budget
of the plain step. Of each: bytes as predicted, as the compiler says and as the device's allocator says,
host bytes, seconds of a step, and how far the first moments of the optimizer are from the plain step's
after the same steps.

One line of JSON a row, written at once. Rows run from small to large, since an allocator's peak never
falls. Nothing is read from disk but what the planner keeps in the cache folder; for a cold start set
XDG_CACHE_HOME to an empty folder. On a CPU nothing is offloaded. `tools/memory_bytes.py` asks about bytes
alone, and runs nothing.
"""

import dataclasses
import functools
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import numpy as np
from absl import flags

from jaxfake import config
from jaxfake.config import Config
from jaxfake.experiment import build_method
from jaxfake.models.remat import Policy
from jaxfake.runtime import cli, config_flag
from jaxfake.runtime.devices import check_devices
from jaxfake.train.memory import search
from jaxfake.train.memory.budget import HEADROOM, Budget
from jaxfake.train.memory.cost import cost
from jaxfake.train.memory.finalists import Finalist, race
from jaxfake.train.memory.gradient_check import moments_of, relative
from jaxfake.train.memory.placement import why_no_offload
from jaxfake.train.memory.plan import Plan, uniform
from jaxfake.train.memory.profile import Profile, whole_profile
from jaxfake.train.memory.rates import Rates, of_device
from jaxfake.train.memory.workload import (
    CompiledStep,
    Workload,
    compile_step,
    measure,
    noise,
    plan_of,
    waiting,
    workload_of,
)

_CONFIG = config_flag.define_config("configs/mover.py:ffpp", "What to train.")
_STAGES = flags.DEFINE_list("stages", ["recover", "detect"], "Of: recover, detect.")
_OUT = flags.DEFINE_string("out", None, "File that a line is added to for each row.")
_TURNS = flags.DEFINE_integer("turns", 5, "Steps to time, after two to warm up.", 1)
_BUDGETS = flags.DEFINE_list(
    "budgets", ["0.2", "0.35", "0.6"], "Artificial budgets, as shares of what the plain step needs."
)
_LARGER = flags.DEFINE_integer("larger", 3, "Times the batch, in the budget of the plain step.", 0)

_HOST = 100 * 2**30
"""Bytes of the host's memory that a plan may use."""

_BEGAN = time.monotonic()


class Study:
    """One stage, what its plans are decided from, and what was compiled of it.

    Attributes:
        steps: compiled, by the name of their row.
        chosen: the plans that won, by the name of their row.
        moments: of the optimizer after the steps of a row.
    """

    def __init__(self, run: Config, stage: str) -> None:
        began = time.monotonic()
        self.stage = stage
        self.workload = build_method.stage_workload(run, stage)
        self.profile: Profile = whole_profile(self.workload)
        self.rates: Rates = of_device(jax.devices()[0], run.model.dtype)
        self.offload = why_no_offload(jax.devices()[0]) is None
        self.steps: dict[str, CompiledStep] = {}
        self.chosen: dict[str, Plan] = {}
        self.moments: dict[str, list[np.ndarray]] = {}
        self.row(
            "profile",
            seconds=time.monotonic() - began,
            fit=dataclasses.asdict(self.profile.fit),
            rates=dataclasses.asdict(self.rates),
            faces=self.profile.faces,
        )

    @functools.cached_property
    def begin(self) -> Any:
        """A fresh state, in the host's memory."""
        return jax.device_get(self.workload.parts.under(None).fresh())

    @property
    def plain_budget(self) -> float:
        """Bytes in which the plain step just fits."""
        return self.steps["plain"].need.device / (1 - HEADROOM)

    def row(self, what: str, **values: Any) -> None:
        """Prints a row and adds it to the file."""
        _write(self.stage, what, **values)

    def trying(self, what: str, action: Callable[[], Any]) -> Any:
        """The action's value; a failure is a row too, and None."""
        try:
            return action()
        except Exception as error:  # whatever it is, the other rows count
            self.row(what, failed=str(error)[:500])
            return None

    def compile_all(self, plans: dict[str, Plan | None], quick: bool) -> dict[str, CompiledStep]:
        """The steps of plans, compiled at once; without those that failed. `quick`: see `compile_step`."""

        def one(name: str) -> Any:
            return self.trying(name, lambda: compile_step(self.workload, plans[name], quick))

        with ThreadPoolExecutor(len(plans)) as pool:
            steps = zip(plans, pool.map(one, plans), strict=True)
            return {name: step for name, step in steps if step is not None}

    def run(self, what: str, step: CompiledStep, workload: Workload) -> None:
        """A row of a compiled step, run for some turns."""
        batch = noise(workload)
        done = self.trying(what, lambda: measure(step, lambda: self.begin, batch, _TURNS.value))
        if done is None:
            return
        predicted = cost(self.profile.for_faces(workload.faces), self.rates, plan_of(step))
        if workload is self.workload:
            self.moments[what] = [leaf.astype(np.float32) for leaf in moments_of(done.state)]
        self.row(
            what,
            plan=str(plan_of(step)),
            faces=workload.faces,
            predicted_bytes=predicted.device,
            predicted_seconds=predicted.seconds,
            compiled_bytes=step.need.device,
            host_temporary=step.need.host,
            peak_bytes=done.peak,
            seconds=done.seconds,
            loss=float(done.state.window["loss"].total),
        )


def main() -> None:
    """Runs everything, and writes it down."""
    check_devices()
    run = build_method.computable_here(config.parse(_CONFIG.value))
    with ThreadPoolExecutor() as pool:  # what only compiles is done for all stages at once
        studies = list(pool.map(lambda stage: _study(run, stage), _STAGES.value))
        list(pool.map(_compile, studies))
    for study in studies:
        _run(study)
    for study in studies:
        _run_as_trained(study)
        if _LARGER.value:
            _run_larger(study)


def _study(run: Config, stage: str) -> Study:
    """A stage; with XLA's attention where cuDNN's refuses its shapes, which is a row too."""
    try:
        return Study(run, stage)
    except (RuntimeError, ValueError) as error:
        if run.model.attend != "cudnn":
            raise
        _write(stage, "cuDNN's attention", failed=str(error)[:500])
    model = dataclasses.replace(run.model, attend="xla")
    return Study(dataclasses.replace(run, model=model), stage)


def _write(stage: str, what: str, **values: Any) -> None:
    """Prints a row and adds it to the file."""
    at = round(time.monotonic() - _BEGAN, 1)
    line = json.dumps({"stage": stage, "what": what, "at": at, **values})
    print(line, flush=True)
    if _OUT.value:
        with Path(_OUT.value).open("a") as file:
            file.write(line + "\n")


def _compile(study: Study) -> None:
    depths = study.profile.depths
    uniforms: tuple[Policy, ...] = ("full", "named", "dots")
    plans: dict[str, Plan | None] = {f"uniform {p}": uniform(p, depths) for p in uniforms}
    plans["plain"] = None
    if study.offload:
        plans["activations offloaded"] = uniform("offload", depths)
        plans["all state offloaded"] = uniform("full", depths, optimizer="host", params="host")
    began = time.monotonic()
    study.steps = study.compile_all(plans, quick=True)
    study.row("compiled", names=list(study.steps), seconds=time.monotonic() - began)


def _run(study: Study) -> None:
    """Offloading first, then the races at the budgets, then the rest."""
    steps = study.steps
    if "all state offloaded" in steps:
        steps["naive offloader"] = waiting(steps["all state offloaded"])
    by_size = sorted(steps, key=lambda name: steps[name].need.device)
    small = [name for name in by_size if "offload" in name]
    for name in small:
        study.run(name, steps[name], study.workload)
    for share in sorted(map(float, _BUDGETS.value)):
        _race(study, share)
    for name in by_size:
        if name not in small:
            study.run(name, steps[name], study.workload)
    _compare(study)


def _race(study: Study, share: float) -> None:
    """The finalists at a budget; the chosen plan once more, with its numbers."""
    budget, began = Budget(share * study.plain_budget, _HOST, study.offload), time.monotonic()
    found: list[Finalist] = study.trying(
        f"budget {share}", lambda: race(study.workload, study.profile, budget)
    )
    planning = time.monotonic() - began
    for place, one in enumerate(found or ()):
        study.row(
            f"finalist {place + 1} at {share}",
            plan=str(one.plan),
            budget=budget.device,
            planning=planning,
            predicted_bytes=one.predicted.device,
            predicted_seconds=one.predicted.seconds,
            compiled_bytes=one.step.need.device,
            peak_bytes=one.peak,
            seconds=one.seconds,
            measured=one.measured,
        )
    if found and found[0].measured:
        study.chosen[f"chosen at {share}"] = found[0].plan
        study.run(f"chosen at {share}", found[0].step, study.workload)


def _compare(study: Study) -> None:
    """How far each row's moments are from the plain step's, after the same steps."""
    plain = study.moments.pop("plain", None)
    if plain is not None:
        far = {what: relative(plain, moments) for what, moments in study.moments.items()}
        study.row("moments after all steps, relative to plain", differences=far)


def _run_larger(study: Study) -> None:
    """A larger batch in the budget of the plain step: the best plan of the search, without a race."""
    settings, run = study.workload.settings, study.workload.config
    settings = dataclasses.replace(settings, batch_size=_LARGER.value * settings.batch_size)
    larger = workload_of(study.workload.method, settings, run)
    budget = Budget(study.plain_budget, _HOST, study.offload)
    what, profile = f"{_LARGER.value} x the batch", study.profile.for_faces(larger.faces)
    best = study.trying(what, lambda: search.best(profile, study.rates, budget)[0])
    if best is not None:
        step = study.trying(what, lambda: compile_step(larger, best.plan, quick=True))
        if step is not None:
            study.run(what, step, larger)


def _run_as_trained(study: Study) -> None:
    """Some plans once more, compiled as they are trained with and not quickly, all at once."""
    plans: dict[str, Plan | None] = {**study.chosen}
    for name in ("uniform full", "uniform named", "plain"):
        if name in study.steps:
            plans[name] = study.steps[name].update.plan
    for name, step in study.compile_all(plans, quick=False).items():
        what = f"{name}, compiled as it is trained with"
        study.row(f"compiling {what}", plan=str(plan_of(step)), seconds=step.seconds)
        study.run(what, step, study.workload)


if __name__ == "__main__":
    cli.run(main)
