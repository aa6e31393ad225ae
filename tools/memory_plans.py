"""Memory plans measured on this machine: predicted against real bytes and seconds, offload against none.

    python tools/memory_plans.py --config=configs/mover.py:ffpp --stage=recover [--config.KEY=VALUE ...]

For a few artificial budgets, the planner's choice is run beside every uniform policy that fits and beside a
naive offloader (all state on the host, everything recomputed, each copy waited for). Whether offloading
gives the right gradient is tried for each kind of it. Prints a table, and one line of JSON at the end.
Plans run in the order of what they are predicted to take, since an allocator's peak never falls.

With --compile_only=N nothing runs: at N budgets from nearly nothing to everything, the chosen plan's
bytes as predicted beside what the compiler says of that plan.
Nothing is read from disk but profiles in the cache folder.
"""

import dataclasses
import json
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import jax
from absl import flags
from ml_collections import config_flags

from jaxfake import config
from jaxfake.config import Config, Stage
from jaxfake.experiment import build_method
from jaxfake.models.method import Method
from jaxfake.runtime import cli
from jaxfake.runtime.errors import InputError
from jaxfake.train.memory import costs, search
from jaxfake.train.memory.gradient_check import difference
from jaxfake.train.memory.measure import Measured, Ready, measure, measure_speed, ready
from jaxfake.train.memory.offload import why_no_offload
from jaxfake.train.memory.plan import Plan, uniform
from jaxfake.train.memory.profile import Profile, Subject, make_profile
from jaxfake.train.memory.speed import Speed, expected
from jaxfake.train.memory.subject import subject

_CONFIG = config_flags.DEFINE_config_file("config", "configs/mover.py:ffpp", "What to train.")
_STAGE = flags.DEFINE_enum("stage", "recover", ["recover", "detect"], "Which of its stages.")
_STEPS = flags.DEFINE_integer("steps", 6, "Updates to time, after two to warm up.", 1)
_BUDGETS = flags.DEFINE_list(
    "budgets", ["0.6", "0.35", "0.2"], "Artificial budgets, as shares of what the plain step takes."
)
_COMPILE_ONLY = flags.DEFINE_integer("compile_only", 0, "Budgets to compile for; 0 runs plans.", 0)
_COMPILERS = flags.DEFINE_integer("compilers", 8, "Plans compiled at once.", 1)
_CHECKS = flags.DEFINE_bool("checks", True, "Try the gradient of each kind of offloading.")
_LARGER = flags.DEFINE_integer("larger", 3, "Times the batch, in the budget of the plain step.", 0)


@dataclasses.dataclass
class Row:
    """A plan to run, and what came of it."""

    budget: float  # share of the plain step's bytes; 0 for none
    what: str
    plan: Plan | None
    predicted_bytes: float
    predicted_seconds: float
    overlap: bool = True
    times: int = 1  # the batch
    measured: Measured | None = None
    failed: str = ""


def main() -> None:
    """Runs everything, and says it."""
    run = config.parse(_CONFIG.value)
    settings = run.recover if _STAGE.value == "recover" else run.detect
    assert settings is not None
    run = build_method.computable_here(run)
    method = build_method.stage_method(run, _STAGE.value)
    offload = why_no_offload(jax.devices()[0]) is None
    began = time.monotonic()
    seen = subject(method, settings, run)
    profile = make_profile(seen)
    profiling = time.monotonic() - began
    if _COMPILE_ONLY.value:
        _compile_only(seen, profile, run, profiling)
        return
    speed = measure_speed(method, profile, min(profile.faces, 64))
    print(f"profile in {profiling:.1f} s, {profile.fit}\n{speed}", flush=True)
    checks = _gradients(method, settings, run, profile, offload) if _CHECKS.value else {}
    rows = _rows(profile, speed, offload)
    with ThreadPoolExecutor(_COMPILERS.value) as pool:
        compiled = [pool.submit(_compiled, row, method, settings, run) for row in rows]
    print(
        f"{len(rows)} plans compiled {time.monotonic() - began:.0f} s after the start", flush=True
    )
    for row, one in sorted(zip(rows, compiled, strict=True), key=_predicted):
        _run(row, one, settings, run)
        print(_line(row), flush=True)
    result = {
        "device": jax.devices()[0].device_kind,
        "jax": jax.__version__,
        "stage": _STAGE.value,
        "batch_size": settings.batch_size,
        "profile_seconds": profiling,
        "speed": dataclasses.asdict(speed),
        "gradient_differences": checks,
        "plain_bytes": costs.device_bytes(profile, uniform("none", profile.depths)),
        "rows": [
            dataclasses.asdict(row)
            | {"plan": str(row.plan), "measured": row.measured and row.measured._asdict()}
            for row in rows
        ],
    }
    print(json.dumps(result))


def _compile_only(seen: Subject, profile: Profile, run: Config, profiling: float) -> None:
    rates = expected(jax.devices()[0], run.model.dtype)
    least = search.smallest_budget(profile, offload=False)
    most = costs.device_bytes(profile, uniform("none", profile.depths)) / (1 - search.HEADROOM)
    lines = []
    for step in range(_COMPILE_ONLY.value):
        share = (step / max(1, _COMPILE_ONLY.value - 1)) ** 2
        budget = (least + share * (most - least)) * 1.0001
        one = search.best(profile, rates, search.Budget(budget, float("inf"), False))[0]
        said = seen.analysed(one.plan).total
        lines.append(
            {
                "budget": budget,
                "plan": str(one.plan),
                "predicted": float(one.cost.device),
                "compiled": said,
                "error": float(one.cost.device) / said - 1,
            }
        )
        print(lines[-1], flush=True)
    print(
        json.dumps(
            {
                "method": type(seen.method).__name__,
                "encoder": run.model.encoder.width,
                "batch_size": seen.faces,
                "profile_seconds": profiling,
                "budgets": lines,
                "worst_error": max(abs(float(line["error"])) for line in lines),  # type: ignore[arg-type]
            }
        )
    )


def _rows(profile: Profile, speed: Speed, offload: bool) -> list[Row]:
    plain = uniform("none", profile.depths)
    room = costs.device_bytes(profile, plain) / (1 - search.HEADROOM)
    rows = [_row(0.0, "plain", None, costs.cost(profile, speed, plain))]
    seen: set[str] = set()
    for share in map(float, _BUDGETS.value):
        budget = search.Budget(share * room, 100 * 2**30, offload)
        try:
            candidates = [("chosen", search.best(profile, speed, budget)[0].plan)]
        except InputError as error:
            print(f"{share:4.2f} {error}", flush=True)
            continue
        for policy in ("none", "dots", "named", "full"):
            fitting = _fewest(profile, budget, uniform(policy, profile.depths))
            candidates += [(f"uniform {policy}", fitting)] if fitting else []
        for what, plan in candidates:
            if str(plan) not in seen or what == "chosen":
                rows.append(_row(share, what, plan, costs.cost(profile, speed, plan)))
            seen.add(str(plan))
    if offload:
        away = uniform("full", profile.depths, optimizer="host", params="host")
        for what, plan, overlap in (
            ("everything offloaded", away, True),
            ("naive offloader", away, False),
            ("optimizer offloaded", uniform("full", profile.depths, optimizer="host"), True),
            ("activations offloaded", uniform("offload", profile.depths), True),
        ):
            rows.append(_row(0.0, what, plan, costs.cost(profile, speed, plan), overlap))
    if _LARGER.value:
        larger = profile.for_faces(_LARGER.value * profile.faces)
        try:
            best = search.best(larger, speed, search.Budget(room, 100 * 2**30, offload))[0]
        except InputError as error:
            print(f"{_LARGER.value} x the batch: {error}", flush=True)
            return rows
        rows.append(_row(1.0, f"{_LARGER.value} x the batch", best.plan, best.cost))
        rows[-1].times = _LARGER.value
    return rows


def _row(share: float, what: str, plan: Plan | None, cost: costs.Cost, overlap: bool = True) -> Row:
    return Row(share, what, plan, cost.device, cost.seconds, overlap)


def _fewest(profile: Profile, budget: search.Budget, plan: Plan) -> Plan | None:
    """The plan with the fewest micro-batches with which it fits; None if it never does."""
    for parts in range(1, profile.faces + 1):
        if profile.faces % parts == 0 and (profile.cuttable or parts == 1):
            cut = dataclasses.replace(plan, micro_batches=parts)
            if costs.device_bytes(profile, cut) <= budget.usable:
                return cut
    return None


def _predicted(pair: tuple[Row, Any]) -> float:
    return pair[0].predicted_bytes


def _compiled(row: Row, method: Method, settings: Stage, run: Config) -> Ready:
    return ready(method, _batch(row, settings), run, row.plan, row.overlap)


def _batch(row: Row, settings: Stage) -> Stage:
    return dataclasses.replace(settings, batch_size=row.times * settings.batch_size)


def _run(row: Row, compiled: Future[Ready], settings: Stage, run: Config) -> None:
    try:
        faces = _batch(row, settings).batch_size
        row.measured = measure(compiled.result(), run, faces, _STEPS.value)
    except Exception as error:  # a plan that cannot run is a result too
        row.failed = " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _gradients(
    method: Method, settings: Stage, run: Config, profile: Profile, offload: bool
) -> dict[str, Any]:
    """The largest relative difference of a gradient, for each kind of plan."""
    plans = {policy: uniform(policy, profile.depths) for policy in ("full", "offload")}
    plans |= {
        "optimizer": uniform("full", profile.depths, optimizer="host"),
        "params": uniform("full", profile.depths, params="host"),
        "everything": uniform("offload", profile.depths, optimizer="host", params="host"),
        "offload in parts": uniform("offload", profile.depths, micro_batches=2),
    }
    found: dict[str, Any] = {}
    for name, plan in plans.items():
        if (plan.offloads and not offload) or (plan.micro_batches > 1 and not profile.cuttable):
            continue
        try:
            found[name] = difference(method, settings, run, plan)
        except Exception as error:  # a compiler that gives up is a result too
            found[name] = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        print(f"gradient of '{plan}': {found[name]}", flush=True)
    return found


def _line(row: Row) -> str:
    said = f"{row.budget:4.2f} {row.what:22} predicted {row.predicted_bytes / 1e6:8.0f} MB"
    if row.measured is None:
        return f"{said}, failed: {row.failed} | {row.plan}"
    one = row.measured
    peak = "     ?" if one.peak is None else f"{one.peak / 1e6:8.0f}"
    return (
        f"{said}, analysed {(one.analysed or 0) / 1e6:8.0f}, peak {peak}, host "
        f"{(one.host_temporary or 0) / 1e6:6.0f}; predicted {1e3 * row.predicted_seconds:7.1f} ms, "
        f"measured {1e3 * one.seconds:7.1f}; loss {one.loss:.5f} | {row.plan}"
    )


if __name__ == "__main__":
    cli.run(main)
