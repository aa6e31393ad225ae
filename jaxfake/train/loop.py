"""The one training loop, for every stage of every method.

The order of a turn is an invariant: notice an interruption, save or look at the old state, take its
batch, update. Batch n belongs to the state after n updates, so a restored state finds its place in the
data by its own step. Nothing in a turn waits for the device but a save and a look.
"""

import dataclasses
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import jax
from jax.sharding import NamedSharding

from jaxfake.checkpoints.manager import CheckpointFolder, Restored
from jaxfake.config import Config
from jaxfake.data import pipeline
from jaxfake.models.method import Params
from jaxfake.runtime.errors import InputError, Preempted
from jaxfake.runtime.multiprocess import Agreement, Wish
from jaxfake.runtime.preemption import preemption
from jaxfake.runtime.progress import Progress, say
from jaxfake.schema import Batch
from jaxfake.train import rules
from jaxfake.train.goodput import Account, Wall, after_interruption
from jaxfake.train.memory.out_of_memory import explanation, is_out_of_memory, is_whole
from jaxfake.train.monitor import Watch
from jaxfake.train.save_interval import SaveClock
from jaxfake.train.stage import Prepared, Record, StagePlan, identity, prepare, record
from jaxfake.train.state import TrainState, evaluation_params

_WALL, _RUN = "wall", "run"
"""Names among the notes of a checkpoint, beside those of `stage.identity`."""

_USE_THAT = ": use that one or another --workdir"
_WHY = {
    "random numbers": ": this JAX, or a setting of it, draws other ones, and masks would not be those "
    "of the run that began; use the version of JAX that it began with"
}


class Trained(NamedTuple):
    """What a stage leaves behind: its last state, or the selected one."""

    step: int
    params: Params
    ended: float | None  # by `time.monotonic`; None if this process made no step of it


class _Run(NamedTuple):
    """A stage on its way, but for the state that moves."""

    plan: StagePlan
    config: Config
    ready: Prepared
    identity: dict[str, Any]
    record: Record
    checkpoints: CheckpointFolder
    account: Account
    workdir: Path


def run_stage(plan: StagePlan, config: Config, workdir: Path, since: float) -> Trained:
    """Trains a stage to its end, from wherever an earlier call was stopped.

    Args:
        since: when this process began with the stage, by `time.monotonic`.

    Raises:
        Preempted: the process was asked to stop; the state is saved.
        InputError: data or checkpoints do not fit, or the loss is not finite.
    """
    ready = prepare(plan, config)
    folder, ended = workdir / "checkpoints" / plan.name, None
    checkpoints = CheckpointFolder(folder, config.checkpoints.keep, say)
    run = _Run(
        plan,
        config,
        ready,
        identity(plan, config),
        record(plan, config),
        checkpoints,
        Account(folder / "pulse.json", since),
        workdir,
    )
    try:
        state = _restored_or_fresh(run)
        if not _finished(run, int(state.step)):
            with preemption.protecting():
                state = _train(run, state)
            ended = time.monotonic()
        return _selected(run, state, ended)
    finally:
        checkpoints.close()


def _train(run: _Run, state: TrainState) -> TrainState:
    start, steps, size = int(state.step), run.plan.settings.steps, run.plan.settings.batch_size
    account, clock = run.account, SaveClock(run.config.checkpoints)
    agreement = Agreement(run.ready.update.mesh)
    with account.booking("start"):
        again = _to_look_at(run, start)
        watch = Watch(run.plan, run.config, run.ready, run.workdir, start, account, again)
    batches = _on_mesh(run, start)
    with Progress(run.plan.name, steps * size, "faces", start * size) as progress, closing(watch):
        for step in range(start, steps + 1):
            due = clock.due(account.working, run.checkpoints.saving)
            wish = agreement.on(_wish(due))
            if wish == Wish.STOP:
                _stop(run, watch, state, step)
            if _to_look_at(run, step):
                _save(run, watch, state, step)
                _look(run, watch, state, step)
                clock.restart()
                agreement.forget()
            elif wish == Wish.SAVE or step == steps:
                clock.saving(_save(run, watch, state, step))
                agreement.forget()
            if step == steps:
                break
            try:
                state = _update(run, state, next(batches), first=step == start)
            except jax.errors.JaxRuntimeError as error:
                raise _unless_out_of_memory(error, run, watch, state, step) from error
            state = watch.after(state, step + 1)
            account.beat()
            clock.tell_once(account.restart)
            progress.advance(size, watch.remark())
        with account.booking("save"):
            run.checkpoints.wait()
        watch.settle(steps)
    return state


def _wish(save_is_due: bool) -> Wish:
    if preemption.requested:
        return Wish.STOP
    return Wish.SAVE if save_is_due else Wish.NOTHING


def _update(run: _Run, state: TrainState, batch: Batch, first: bool) -> TrainState:
    if not first:
        return run.ready.update.step(state, batch)
    with run.account.booking("compile"):
        run.checkpoints.rehearse(state)
        state = run.ready.update.step(state, batch)
    say(f"{run.plan.name}: the first step was made {run.account.restart:.1f} s after the start")
    return state


def _save(run: _Run, watch: Watch, state: TrainState, step: int) -> float:
    """Starts a save; the seconds that the loop waited for it, once the device had done its work."""
    watch.refuse_if_failed(state.failed_step)
    watch.flush()  # a row never comes after the state that it is of
    notes = run.identity | {
        _RUN: dataclasses.asdict(run.record),
        _WALL: dataclasses.asdict(run.account.so_far()),
    }
    began = time.monotonic()
    with run.account.booking("save"):
        run.checkpoints.save(step, state, notes)
    return time.monotonic() - began


def _unless_out_of_memory(
    error: jax.errors.JaxRuntimeError, run: _Run, watch: Watch, state: TrainState, step: int
) -> Exception:
    """What to say of a step that failed; the state is saved if there is one still."""
    if not is_out_of_memory(error):
        return error
    saved = is_whole(state)
    if saved:
        _save(run, watch, state, step)
        run.checkpoints.wait()
    plan = run.plan
    return explanation(plan.method, plan.settings, run.config, plan.name, step, saved)


def _stop(run: _Run, watch: Watch, state: TrainState, step: int) -> NoReturn:
    _save(run, watch, state, step)
    run.checkpoints.wait()
    raise Preempted(
        f"stopped at step {step} of {run.plan.name} with the state saved: "
        "run the same command again to go on"
    )


def _finished(run: _Run, step: int) -> bool:
    return step == run.plan.settings.steps and not _to_look_at(run, step)


def _to_look_at(run: _Run, step: int) -> bool:
    """Whether the selection wants to see the state after `step` updates, and has not yet."""
    selection = run.plan.selection
    if selection is None or step == 0 or run.checkpoints.score(step) is not None:
        return False
    return selection.due(step, run.plan.settings.steps)


def _look(run: _Run, watch: Watch, state: TrainState, step: int) -> None:
    """Scores a state whose save has begun; an interruption loses no more than the look."""
    selection = run.plan.selection
    assert selection is not None
    with run.account.booking("look"), preemption.released(run.checkpoints.wait):
        score = selection.score(evaluation_params(state))
    with run.account.booking("save"):
        run.checkpoints.wait()
    watch.selection_score(step, score)
    run.checkpoints.note_score(step, score)


def _selected(run: _Run, last: TrainState, ended: float | None) -> Trained:
    best = None if run.plan.selection is None else run.checkpoints.best()
    if best is None or best == int(last.step):
        return Trained(int(last.step), evaluation_params(last), ended)
    restored = run.checkpoints.restore_step(best, run.ready.update.abstract)
    return Trained(best, evaluation_params(restored.state), ended)


def _restored_or_fresh(run: _Run) -> TrainState:
    with run.account.booking("restore"):
        restored = run.checkpoints.restore(run.ready.update.abstract)
        if restored is not None:
            _check(restored, run)
        state = run.ready.update.fresh() if restored is None else restored.state
        jax.block_until_ready(state)
    saved = Wall() if restored is None else Wall(**restored.notes[_WALL])
    if restored is not None or run.account.pulse.exists():
        run.account.go_on(after_interruption(saved, run.account.pulse))
    run.account.beat()
    return state


def _check(restored: Restored, run: _Run) -> None:
    for key, value in run.identity.items():
        if restored.notes.get(key) != value:
            raise InputError(
                f"{run.checkpoints.folder} was trained with another {key} "
                f"({restored.notes.get(key)}, now {value}){_WHY.get(key, _USE_THAT)}"
            )
    say(f"{run.plan.name}: restored step {restored.step}")


def _on_mesh(run: _Run, start: int) -> Iterator[Batch]:
    """Global batches from `start` on, spread over the devices."""
    place = NamedSharding(run.ready.update.mesh, rules.BATCH)
    data, stop = run.config.data, run.plan.settings.steps
    source = pipeline.iterate(run.ready.batches, start, stop, data.threads, data.workers)
    while True:
        with run.account.booking("data_wait"):
            batch = next(source)
        yield jax.tree.map(lambda part: jax.make_array_from_process_local_data(place, part), batch)
