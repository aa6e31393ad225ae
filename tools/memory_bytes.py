"""What the memory planner predicts against what the compiler says: nothing runs, and a CPU is enough.

    python tools/memory_bytes.py --out=bytes.jsonl

For each step: the plans for a few budgets, from the smallest in which a plan fits to the one in which the
plain step fits, with the bytes that are predicted and those that the compiler says, and whether any other
plan is predicted to be faster within the same budget; then a larger batch in the budget of the plain
step. One line of JSON a row, written at once. A row that the file has already is not made again, so a run
that was stopped goes on. The profile is kept in the cache folder: set XDG_CACHE_HOME to an empty one to
see how long it takes.
"""

import dataclasses
import functools
import json
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from absl import flags

from jaxfake import config
from jaxfake.experiment import build_method
from jaxfake.runtime import cli
from jaxfake.runtime.config_flag import load_config
from jaxfake.train.memory import search
from jaxfake.train.memory.budget import HEADROOM, Budget
from jaxfake.train.memory.cost import cost
from jaxfake.train.memory.plan import Plan, with_segments
from jaxfake.train.memory.profile import Profile, whole_profile
from jaxfake.train.memory.rates import Rates, of_device
from jaxfake.train.memory.workload import MemoryNeed, Workload, compile_step, workload_of

_STEPS = flags.DEFINE_list(
    "steps",
    [
        f"{step}:{variant}"
        for step in (
            "recover/configs/mover.py",
            "detect/configs/mover.py",
            "detect/configs/delocate.py",
        )
        for variant in ("ffpp_small", "ffpp")
    ],
    "Steps to plan, each STAGE/CONFIG.",
)
_OUT = flags.DEFINE_string(
    "out", "memory_bytes.jsonl", "File that a line is added to for each row."
)
_BUDGETS = flags.DEFINE_integer("budgets", 6, "Of each step.", 2)
_LARGER = flags.DEFINE_integer("larger", 3, "Times the batch, in the budget of the plain step.", 2)

_ENDLESS = float("inf")

Row = dict[str, Any]


class Planned(NamedTuple):
    """A step, and what its plans are decided from."""

    workload: Workload
    profile: Profile
    rates: Rates


class Costs(NamedTuple):
    """What all plans of a step are predicted to cost."""

    device: np.ndarray  # bytes
    seconds: np.ndarray


def main() -> None:
    """Makes the rows that are missing."""
    out = Path(_OUT.value)
    lines = out.read_text().splitlines() if out.is_file() else []
    done = {(row["step"], row["row"]) for row in map(json.loads, lines)}
    for step, name, make in _rows():
        if (step, name) in done:
            continue
        began, used = time.monotonic(), time.process_time()
        row = {"step": step, "row": name, **make()}
        row |= {"seconds": time.monotonic() - began, "cpu_seconds": time.process_time() - used}
        print(json.dumps(row), flush=True)
        with out.open("a") as file:
            file.write(json.dumps(row) + "\n")


def _rows() -> Iterator[tuple[str, str, Callable[[], Row]]]:
    """All rows: the step, the row's name, and what makes it."""
    for step in _STEPS.value:
        yield step, "profile", functools.partial(_profiled, step)
        for place in range(_BUDGETS.value):
            share = (
                place / (_BUDGETS.value - 1)
            ) ** 2  # closer to each other where memory is short
            yield step, f"budget {place + 1}", functools.partial(_at_budget, step, share)
    for step in _STEPS.value:
        yield step, f"{_LARGER.value} x the batch", functools.partial(_larger_batch, step)


@functools.cache
def _planned(step: str) -> Planned:
    stage, _, file = step.partition("/")
    run = build_method.computable_here(config.parse(load_config(file)))
    workload = build_method.stage_workload(run, stage)
    rates = of_device(jax.devices()[0], run.model.dtype)
    return Planned(workload, whole_profile(workload), rates)


def _profiled(step: str) -> Row:
    profile = _planned(step).profile
    return {"faces": profile.faces, "fit": dataclasses.asdict(profile.fit)}


def _at_budget(step: str, share: float) -> Row:
    workload, profile, rates = _planned(step)
    least = search.smallest_budget(profile, offload=False)
    most = _plain_budget(step)
    budget = Budget(1.0001 * (least + share * (most - least)), _ENDLESS, offload=False)
    best = search.best(profile, rates, budget)[0]
    costs = _all_costs(step)
    fastest = float(costs.seconds[costs.device <= budget.usable].min())
    need = _need(workload, best.plan)
    return {
        "plan": str(best.plan),
        "budget": budget.device,
        "predicted_bytes": best.cost.device,
        "compiled_bytes": need.device,
        "error": best.cost.device / need.device - 1,
        "predicted_seconds": best.cost.seconds,
        "fastest_of_all_plans": bool(np.isclose(fastest, best.cost.seconds, rtol=1e-12)),
        "plans": len(costs.seconds),
    }


def _larger_batch(step: str) -> Row:
    """A larger batch in the budget of the plain step, planned with the profile of the batch as it is."""
    workload, profile, rates = _planned(step)
    faces = _LARGER.value * workload.faces
    budget = Budget(_plain_budget(step), _ENDLESS, offload=False)
    best = search.best(profile.for_faces(faces), rates, budget)[0]
    settings = dataclasses.replace(workload.settings, batch_size=faces * jax.device_count())
    larger = workload_of(workload.method, settings, workload.config)
    return {
        "faces": faces,
        "plan": str(best.plan),
        "budget": budget.device,
        "predicted_bytes": best.cost.device,
        "compiled_bytes": _need(larger, best.plan).device,
        "compiled_bytes_without_a_plan": _need(larger, None).device,
    }


@functools.cache
def _plain_budget(step: str) -> float:
    """Bytes in which the plain step just fits, as the compiler says."""
    return _need(_planned(step).workload, None).device / (1 - HEADROOM)


def _need(workload: Workload, plan: Plan | None) -> MemoryNeed:
    """What a step needs; its program is dropped, since some twenty of them exhaust a process's mappings."""
    need = compile_step(workload, plan, quick=True).need
    workload.compiled.clear()
    return need


@functools.cache
def _all_costs(step: str) -> Costs:
    """One plan after the other, by plain loops: slower than the search, and hard to get wrong."""
    _, profile, rates = _planned(step)
    of_stacks = [search.choices(stack, rates, offload=False) for stack in profile.stacks.values()]
    device, seconds = [], []
    for base in search.bases(profile, Budget(_ENDLESS, _ENDLESS, offload=False), least=1):
        for several in product(*of_stacks):
            chosen = {name: one.segments for name, one in zip(profile.stacks, several, strict=True)}
            predicted = cost(profile, rates, with_segments(base, chosen))
            device.append(predicted.device)
            seconds.append(predicted.seconds)
    return Costs(np.array(device), np.array(seconds))


if __name__ == "__main__":
    cli.run(main)
