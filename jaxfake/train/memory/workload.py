"""A stage of training as the planner sees it, and its step under a plan: compiled, and run for a moment."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import NamedSharding

from jaxfake import schema
from jaxfake.config import Config, Stage
from jaxfake.models.meta_learning import MetaLearned
from jaxfake.models.method import Method
from jaxfake.schema import Batch
from jaxfake.train import sharding
from jaxfake.train.abstract_batch import abstract_batch
from jaxfake.train.memory.next_use import group_bytes
from jaxfake.train.memory.plan import Plan
from jaxfake.train.memory.streamed import Streamed
from jaxfake.train.step import Counters
from jaxfake.train.update import Update, UpdateParts, update_parts

QUICK: dict[str, dict[str, Any]] = {
    "cpu": {"xla_backend_optimization_level": 0},
    "gpu": {"xla_gpu_autotune_level": 0, "xla_gpu_enable_triton_gemm": False},
}
"""Options that make compiling faster, by back end. Without autotuning, Triton's products would be ten times
slower on an H100; cuBLAS chooses well by itself."""


class MemoryNeed(NamedTuple):
    """What a compiler says that a program needs on one device, in bytes.

    `peak_memory_in_bytes` of XLA is left out: on a CPU it is the size of the arguments.
    """

    arguments: int
    outputs: int
    aliased: int  # outputs that take the place of arguments
    temporary: int
    host: int  # temporary, in the host's memory
    groups: int = 0  # what the update of a state on the host brings to the device meanwhile

    @property
    def device(self) -> int:
        """What the device must have while the program runs."""
        return self.arguments + self.temporary + self.outputs - self.aliased + self.groups


@dataclasses.dataclass(frozen=True)
class Workload:
    """A stage of training on the devices at hand.

    Attributes:
        batch: shapes of a batch.
        parts: what every update of the stage is made of.
        traced: steps so far, see `trace_step`.
        compiled: steps so far, see `compile_step`.
    """

    settings: Stage
    config: Config
    batch: Batch
    parts: UpdateParts
    traced: "dict[Plan | None, TracedStep]" = dataclasses.field(default_factory=dict, repr=False)
    compiled: "dict[Any, CompiledStep]" = dataclasses.field(default_factory=dict, repr=False)

    @property
    def method(self) -> Method:
        """What is trained."""
        return self.parts.method

    @property
    def faces(self) -> int:
        """A device's share of a batch."""
        return self.settings.batch_size // self.parts.mesh.size

    @property
    def cuttable(self) -> bool:
        """Whether a batch may be cut into micro-batches."""
        return not isinstance(self.method, MetaLearned)

    @property
    def fewest_micro_batches(self) -> int:
        """As many as `device_batch` asks for."""
        return sharding.micro_batches(self.faces, self.settings.device_batch)

    @property
    def key(self) -> str:
        """All that what is learnt of the workload depends on, in words."""
        device = jax.devices()[0]
        settings = dataclasses.replace(
            self.settings, steps=0, device_batch=0, select_every=0, lengthened_at=()
        )
        versions = (device.device_kind, device.client.platform_version, jax.__version__)
        mesh = (self.config.fsdp, dict(self.parts.mesh.shape))
        return repr((self.method, settings, mesh, versions))

    def smaller(self, faces: int) -> "Workload":
        """The same with a batch of so many faces for each device, and no moving average."""
        batch_size = faces * jax.device_count()
        settings = dataclasses.replace(
            self.settings, batch_size=batch_size, device_batch=0, ema=0.0
        )
        return workload_of(self.method, settings, self.config)


def workload_of(method: Method, settings: Stage, config: Config) -> Workload:
    """A stage of training from fresh parameters."""
    batch = abstract_batch(config.data.size, settings.batch_size)
    return Workload(settings, config, batch, update_parts(method, settings, config, batch))


class TracedStep(NamedTuple):
    """A step before any compiler sees it.

    Attributes:
        program: the main one, see `main_program`.
    """

    update: Update
    program: Any


@dataclasses.dataclass(frozen=True)
class CompiledStep:
    """A step that is ready to run.

    Attributes:
        need: of the main program.
        seconds: that it took to compile it.
    """

    update: Update
    run: Callable[[Any, Batch], Any]
    need: MemoryNeed
    seconds: float


def trace_step(workload: Workload, plan: Plan | None) -> TracedStep:
    """The step traced under a plan."""
    if plan not in workload.traced:
        update = workload.parts.under(plan)
        program, arguments = main_program(update, workload.batch)
        workload.traced[plan] = TracedStep(update, program.trace(*arguments))
    return workload.traced[plan]


def compile_step(workload: Workload, plan: Plan | None, quick: bool) -> CompiledStep:
    """The step compiled under a plan; nothing is allocated and nothing runs.

    Args:
        quick: as `QUICK` says. Without, it is as it will be trained with, and a call of `update.step` does
            not compile it again.
    """
    key = (plan, quick)
    if key not in workload.compiled:
        workload.compiled[key] = _compiled(workload, plan, quick)
    return workload.compiled[key]


def _compiled(workload: Workload, plan: Plan | None, quick: bool) -> CompiledStep:
    update, program = trace_step(workload, plan)
    options = QUICK.get(jax.default_backend()) if quick else None
    began = time.monotonic()
    compiled = program.lower().compile(compiler_options=options)
    seconds = time.monotonic() - began
    run: Any = compiled
    if isinstance(update.step, Streamed):
        run = dataclasses.replace(update.step, gradient=compiled)
    groups = 2 * max(group_bytes(update.abstract)) if plan and plan.optimizer == "host" else 0
    return CompiledStep(update, run, _need(compiled, groups), seconds)


def waiting(step: CompiledStep) -> CompiledStep:
    """The same step, but waiting for each copy of its state, as a naive offloader does."""
    return dataclasses.replace(step, run=dataclasses.replace(step.run, overlap=False))  # type: ignore[type-var]


def plan_of(step: CompiledStep) -> Plan:
    """The plan that a step was compiled under."""
    return step.update.plan or Plan()


def main_program(update: Update, batch: Batch) -> tuple[Any, tuple[Any, ...]]:
    """The program of an update that activations live in, and abstract arguments for it."""
    spread = NamedSharding(update.mesh, sharding.BATCH)
    given = {
        key: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=spread)
        for key, leaf in batch.items()
    }
    state = update.abstract
    if isinstance(update.step, Streamed):
        counters = Counters(state.step, state.window, state.failed_step)
        return update.step.gradient, (state.params, counters, given)
    return update.step, (state, given)


class Measured(NamedTuple):
    """Some steps of a plan, run.

    Attributes:
        seconds: of a step, median.
        peak: bytes that the device's allocator had given out at most; None where it does not say, or where
            more was given out before.
        state: after all steps.
    """

    seconds: float
    peak: int | None
    state: Any


def measure(
    step: CompiledStep, begin: Callable[[], Any], batch: Batch, turns: int, warm_up: int = 2
) -> Measured:
    """Runs a step so many times, after some times to warm up.

    Args:
        begin: gives a state to begin with, wherever it lies, that nobody else holds.
    """
    state = jax.tree.map(
        lambda leaf, like: jax.device_put(leaf, like.sharding), begin(), step.update.abstract
    )
    before, seconds = _peak(), []
    for _ in range(warm_up + turns):
        began = time.perf_counter()
        state = jax.block_until_ready(step.run(state, batch))
        seconds.append(time.perf_counter() - began)
    after = _peak()
    return Measured(float(np.median(seconds[warm_up:])), after if after > before else None, state)


def _peak() -> int:
    stats = jax.devices()[0].memory_stats() or {}
    return int(stats.get("peak_bytes_in_use", 0))


def noise(workload: Workload) -> Batch:
    """Random pixels on the devices, half of them called fake, for runs that ask about speed and memory."""
    config, faces = workload.config, workload.settings.batch_size
    rng = np.random.default_rng(config.seed)
    side = config.data.size
    batch = {
        key: rng.integers(0, 2, leaf.shape).astype(leaf.dtype)
        for key, leaf in workload.batch.items()
    }
    batch[schema.IMAGE] = rng.integers(0, 256, batch[schema.IMAGE].shape, np.uint8)
    batch[schema.FORGERY_MASK] *= np.uint8(255)
    batch[schema.LANDMARKS] = rng.uniform(2, side - 2, (faces, 68, 2)).astype(np.float32)
    batch[schema.LABEL] = (np.arange(faces) % 2).astype(np.int32)
    batch[schema.VALID] = np.ones(faces, np.bool_)
    batch[schema.VIDEO] = (np.arange(faces) // 2).astype(np.uint32)
    return sharding.put(batch, NamedSharding(workload.parts.mesh, sharding.BATCH))


def _need(compiled: Any, groups: int) -> MemoryNeed:
    analysis = compiled.memory_analysis()
    return MemoryNeed(
        arguments=analysis.argument_size_in_bytes,
        outputs=analysis.output_size_in_bytes,
        aliased=analysis.alias_size_in_bytes,
        temporary=analysis.temp_size_in_bytes,
        host=getattr(analysis, "host_temp_size_in_bytes", 0),
        groups=groups,
    )
