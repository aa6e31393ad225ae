"""The one training loop, for every stage of every method.

The order of a turn is an invariant: notice an interruption, save the old state, take its batch, update,
look. Batch n belongs to the state after n updates, so a restored state finds its place in the data
by its own step. Nothing in a turn waits for the device but a save.
"""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import jax
from jax.sharding import NamedSharding

from jaxfake.asked_back import asked_back
from jaxfake.config import Config
from jaxfake.data import pipeline
from jaxfake.errors import InputError, Preempted
from jaxfake.models.method import Params
from jaxfake.progress import Progress, say
from jaxfake.schema import Batch
from jaxfake.train import rules
from jaxfake.train.checkpoint import CheckpointFolder
from jaxfake.train.save_clock import SaveClock
from jaxfake.train.stage import Prepared, StagePlan, identity, prepare
from jaxfake.train.state import TrainState, evaluation_params
from jaxfake.train.watch import Watch


class Trained(NamedTuple):
    """What a stage leaves behind: its last state, or the selected one."""

    step: int
    params: Params


class _Run(NamedTuple):
    """A stage on its way, but for the state that moves."""

    plan: StagePlan
    config: Config
    ready: Prepared
    checkpoints: CheckpointFolder
    notes: dict[str, Any]
    workdir: Path


def run_stage(plan: StagePlan, config: Config, workdir: Path) -> Trained:
    """Trains a stage to its end, from wherever an earlier call was stopped.

    Raises:
        Preempted: the process was asked to stop; the state is saved.
        InputError: data or checkpoints do not fit, or the loss is not finite.
    """
    ready = prepare(plan, config)
    notes = identity(plan, config)
    folder = workdir / "checkpoints" / plan.name
    checkpoints = CheckpointFolder(folder, config.checkpoints.keep, say)
    run = _Run(plan, config, ready, checkpoints, notes, workdir)
    try:
        state = _restored_or_fresh(ready, checkpoints, notes)
        if int(state.step) < plan.settings.steps:
            with asked_back.protecting():
                state = _train(run, state)
                checkpoints.wait()
        return _selected(run, state)
    finally:
        checkpoints.close()


def _train(run: _Run, state: TrainState) -> TrainState:
    plan = run.plan
    start, steps, size = int(state.step), plan.settings.steps, plan.settings.batch_size
    watch = Watch(plan, run.config, run.ready, run.workdir, start)
    batches = _on_mesh(run.ready, run.config, start, steps, watch)
    clock = SaveClock(run.config.checkpoints.every_seconds)

    def save(step: int, score: float | None = None) -> None:
        watch.refuse_if_failed(state.failed_step)
        run.checkpoints.save(step, state, run.notes, score)

    with Progress(plan.name, steps * size, "faces", start * size) as progress, closing(watch):
        for step in range(start, steps):
            if asked_back.requested:
                save(step)
                run.checkpoints.wait()
                raise Preempted(
                    f"stopped at step {step} of {plan.name} with the state saved: "
                    "run the same command again to go on"
                )
            if clock.due():
                save(step)
            state = run.ready.update.step(state, next(batches))
            state = watch.after(state, step + 1)
            if plan.selection is not None and plan.selection.due(step + 1, steps):
                watch.refuse_if_failed(state.failed_step)
                score = plan.selection.score(evaluation_params(state))
                watch.selection_score(step + 1, score)
                save(step + 1, score)
            progress.advance(size, watch.remark())
        save(steps)
    return state


def _selected(run: _Run, last: TrainState) -> Trained:
    best = None if run.plan.selection is None else run.checkpoints.best()
    if best is None or best == int(last.step):
        return Trained(int(last.step), evaluation_params(last))
    restored = run.checkpoints.restore_step(best, run.ready.update.abstract)
    return Trained(best, evaluation_params(restored.state))


def _restored_or_fresh(
    ready: Prepared, checkpoints: CheckpointFolder, notes: dict[str, Any]
) -> TrainState:
    restored = checkpoints.restore(ready.update.abstract)
    if restored is None:
        return ready.update.fresh()
    for key, value in notes.items():
        if restored.notes.get(key) != value:
            raise InputError(
                f"{checkpoints.folder} was trained with another {key} ({restored.notes.get(key)}, "
                f"now {value}): use that one or another --workdir"
            )
    say(f"{notes['stage']}: restored step {restored.step}")
    return restored.state


def _on_mesh(
    ready: Prepared, config: Config, start: int, stop: int, watch: Watch
) -> Iterator[Batch]:
    """Global batches `start` to `stop`, spread over the devices."""
    place = NamedSharding(ready.update.mesh, rules.BATCH)
    data = config.data
    source = pipeline.iterate(ready.batches, start, stop, data.threads, data.workers)
    while True:
        asked = time.monotonic()
        batch = next(source)
        watch.waited += time.monotonic() - asked
        yield jax.tree.map(lambda part: jax.make_array_from_process_local_data(place, part), batch)
