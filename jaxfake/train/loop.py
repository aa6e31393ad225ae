"""The one training loop, for every stage of every method.

The order of an iteration is an invariant: notice a preemption, save and validate the old state, take its
batch, update. Batch n belongs to the state after n updates, so a restored state finds its place in the
data by its own step. In an iteration only a save and a validation wait for the device to have done all its
work; else the host is a few updates ahead of it.
"""

import contextlib
import dataclasses
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import NoReturn

import jax
from jax.sharding import NamedSharding

from jaxfake.checkpoints.manager import CheckpointFolder
from jaxfake.checkpoints.metadata import CheckpointMetadata, TrainingRecord
from jaxfake.checkpoints.run_identity import Difference, RunIdentity
from jaxfake.checkpoints.wall_time import WallTime
from jaxfake.config import Config
from jaxfake.data import pipeline
from jaxfake.models.method import Params
from jaxfake.models.remat import on_device
from jaxfake.runtime.errors import InputError, Preempted
from jaxfake.runtime.multiprocess import Action, Consensus
from jaxfake.runtime.preemption import preemption
from jaxfake.runtime.progress import Progress, say
from jaxfake.schema import Batch
from jaxfake.train import sharding
from jaxfake.train.goodput import TimeAccount, after_interruption
from jaxfake.train.memory import choose
from jaxfake.train.memory.out_of_memory import is_out_of_memory, is_whole
from jaxfake.train.monitor import Monitor
from jaxfake.train.save_interval import SaveTimer
from jaxfake.train.stage import Prepared, StageFiles, StagePlan, identity, prepare, training_record
from jaxfake.train.state import TrainState, evaluation_params

_WHY_REFUSED = {
    "random numbers": "this JAX, or a setting of it, draws other ones, and masks would not be those of "
    "the run that began; use the version of JAX that it began with"
}


_AHEAD_SECONDS, _FEWEST_AHEAD, _TURNS = 1.0, 2, 8
"""The host may be ahead of the device by so many seconds of updates, or by so few updates; they are as long
as the longest of the last turns. Our choice."""


class _Ahead:
    """Keeps the host a little ahead of the device.

    Without a bound XLA queues up to 32 updates on a CPU, and a save or a stop would wait for all of them:
    two minutes for a ViT-S, where a machine is gone after 30 s.
    """

    def __init__(self) -> None:
        self._made: deque[jax.Array] = deque()
        self._turns: deque[float] = deque([math.inf], maxlen=_TURNS)
        self._last = time.monotonic()

    def let_the_device_follow(self, state: TrainState) -> None:
        """Waits until few enough updates are on their way; once after each update."""
        now = time.monotonic()
        self._turns.append(now - self._last)
        self._last = now
        # A copy, since the next update takes the state's memory.
        self._made.append(jax.device_put(state.step, state.step.sharding, may_alias=False))
        most = max(_FEWEST_AHEAD, int(_AHEAD_SECONDS / max(self._turns)))
        while len(self._made) > most:
            jax.block_until_ready(self._made.popleft())


@dataclasses.dataclass(frozen=True)
class Trained:
    """What a stage leaves behind: its last state, or the selected one.

    Attributes:
        step: of the state.
        params: to evaluate with.
        metadata: as in a checkpoint of the stage.
        ended: by `time.monotonic`; None if this process made no update of the stage.
    """

    step: int
    params: Params
    metadata: CheckpointMetadata
    ended: float | None


@dataclasses.dataclass(frozen=True)
class _Run:
    """A stage in training, without the state, which changes.

    Attributes:
        ahead: see there.
    """

    plan: StagePlan
    config: Config
    prepared: Prepared
    identity: RunIdentity
    record: TrainingRecord
    checkpoints: CheckpointFolder
    account: TimeAccount
    files: StageFiles
    ahead: _Ahead = dataclasses.field(default_factory=_Ahead)

    def metadata(self) -> CheckpointMetadata:
        """What a checkpoint made now says of itself."""
        return CheckpointMetadata(self.identity, self.record, self.account.so_far())


def run_stage(plan: StagePlan, config: Config, files: StageFiles, since: float) -> Trained:
    """Trains a stage to its end, from wherever an earlier call was stopped.

    Args:
        since: when this process began with the stage, by `time.monotonic`.

    Raises:
        Preempted: the process was asked to stop; the state is saved.
        InputError: data or checkpoints do not fit, or the loss is not finite.
    """
    prepared, ended = prepare(plan, config), None
    checkpoints = CheckpointFolder(files.checkpoints, config.checkpoints.keep, say)
    run = _Run(
        plan,
        config,
        prepared,
        identity(plan, config),
        training_record(plan, config),
        checkpoints,
        TimeAccount(files.heartbeat, since),
        files,
    )
    try:
        with _telling_what_fits(run, "at the start", lambda: "what was saved is whole"):
            state = _restored_or_fresh(run)
        if not _finished(run, int(state.step)):
            # A number that slips to or from the device by itself would make every turn wait for it.
            with preemption.protecting(), jax.transfer_guard("disallow"):
                state = _train(run, state)
            ended = time.monotonic()
        return _selected(run, state, ended)
    finally:
        checkpoints.close()


def _train(run: _Run, state: TrainState) -> TrainState:
    start = int(jax.device_get(state.step))
    steps, size = run.plan.settings.steps, run.plan.settings.batch_size
    account, timer = run.account, SaveTimer(run.config.checkpoints)
    consensus = Consensus(run.prepared.update.mesh)
    with account.booking("start"):
        again = _validation_due(run, start)
        monitor = Monitor(run.plan, run.config, run.prepared, run.files, start, account, again)
    batches = _on_mesh(run, start)
    with Progress(run.plan.name, steps * size, "faces", start * size) as progress, closing(monitor):
        for step in range(start, steps + 1):
            due = timer.due(account.working, run.checkpoints.saving)
            action = consensus.propose(_proposal(due))
            if action == Action.STOP:
                _stop(run, monitor, state, step)
            if _validation_due(run, step):
                _save(run, monitor, state, step)
                _validate(run, monitor, state, step)
                timer.restart()
                consensus.clear()
            elif action == Action.SAVE or step == steps:
                timer.saving(_save(run, monitor, state, step))
                consensus.clear()
            if step == steps:
                break
            try:
                state = _turn(run, monitor, state, batches, step, first=step == start)
            except pipeline.WorkerKilled as killed:
                _stop_without_data(run, monitor, state, step, str(killed))
            account.beat()
            timer.tell_once(account.restart)
            progress.advance(size, monitor.remark())
        with account.booking("save"):
            run.checkpoints.wait()
        monitor.write_totals(steps)
    return state


def _proposal(save_is_due: bool) -> Action:
    if preemption.requested:
        return Action.STOP
    return Action.SAVE if save_is_due else Action.CONTINUE


def _turn(
    run: _Run,
    monitor: Monitor,
    state: TrainState,
    batches: Iterator[Batch],
    step: int,
    first: bool,
) -> TrainState:
    """Takes a batch; one update and what is written of it.

    Raises:
        InputError: the device ran out of memory.
        WorkerKilled: there is no batch; the state is as it was.
    """
    with _telling_what_fits(run, f"at step {step}", lambda: _keep(run, monitor, state)):
        state = _update(run, state, next(batches), first)
        state = monitor.after(state, step + 1)
        run.ahead.let_the_device_follow(state)
    return state


def _update(run: _Run, state: TrainState, batch: Batch, first: bool) -> TrainState:
    if not first:
        return run.prepared.update.step(state, batch)
    with run.account.booking("compile"):
        run.checkpoints.compile_for(state)
        state = run.prepared.update.step(state, batch)
    say(f"{run.plan.name}: the first step was made {run.account.restart:.1f} s after the start")
    return state


def _save(run: _Run, monitor: Monitor, state: TrainState, step: int) -> float:
    """Starts a save; the seconds that the loop waited for it, once the device had done its work."""
    monitor.refuse_if_failed(state.failed_step)
    monitor.flush()  # a row never comes after the state that it is of
    metadata = run.metadata()
    began = time.monotonic()
    with run.account.booking("save"):
        run.checkpoints.save(step, state, metadata)
    return time.monotonic() - began


@contextlib.contextmanager
def _telling_what_fits(run: _Run, when: str, keep: Callable[[], str]) -> Iterator[None]:
    """Turns the error of a device without memory into a line with a plan that needs less.

    Args:
        keep: saves what there is, and says what is saved.

    Raises:
        InputError: the device ran out of memory.
    """
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if not is_out_of_memory(error):
            raise
        kept, prepared = keep(), run.prepared
        raise InputError(
            f"{run.plan.name}: the device ran out of memory {when}; {kept}. Run the same command again "
            f"with {choose.advice(prepared.workload, prepared.update.plan)}"
        ) from error


def _keep(run: _Run, monitor: Monitor, state: TrainState) -> str:
    """Saves a state, if there still is one, after a step that the device had no memory for."""
    if jax.process_count() > 1 or not is_whole(state):  # several processes save together
        return "the checkpoints so far are whole"
    _save(run, monitor, state, int(jax.device_get(state.step)))
    run.checkpoints.wait()
    return "the state is saved"


def _stop(run: _Run, monitor: Monitor, state: TrainState, step: int) -> NoReturn:
    _save(run, monitor, state, step)
    run.checkpoints.wait()
    raise Preempted(
        f"stopped at step {step} of {run.plan.name} with the state saved: "
        "run the same command again to go on"
    )


def _stop_without_data(
    run: _Run, monitor: Monitor, state: TrainState, step: int, why: str
) -> NoReturn:
    """Nothing is lost but this process; with several, the others cannot save without this one's batch."""
    if jax.process_count() > 1:
        raise Preempted(f"{why}: what was saved is whole, start all of them again to go on")
    with contextlib.suppress(Preempted):
        _stop(run, monitor, state, step)
    raise Preempted(
        f"{why} (the system does so when memory is short: fewer data.workers need less); stopped at step "
        f"{step} of {run.plan.name} with the state saved: run the same command again to go on"
    )


def _finished(run: _Run, step: int) -> bool:
    return step == run.plan.settings.steps and not _validation_due(run, step)


def _validation_due(run: _Run, step: int) -> bool:
    """Whether the state after `step` updates is to be validated, and has not been yet."""
    selection = run.plan.selection
    if selection is None or step == 0 or run.checkpoints.score(step) is not None:
        return False
    return selection.due(step, run.plan.settings.ends)


def _validate(run: _Run, monitor: Monitor, state: TrainState, step: int) -> None:
    """Scores a state whose save has begun; an interruption loses no more than this validation."""
    selection = run.plan.selection
    assert selection is not None
    with run.account.booking("validation"), preemption.protecting_save(run.checkpoints.wait):
        score = selection.score(on_device(evaluation_params(state)))
    with run.account.booking("save"):
        run.checkpoints.wait()
    monitor.write_selection_score(step, score)
    run.checkpoints.set_score(step, score)


def _selected(run: _Run, last: TrainState, ended: float | None) -> Trained:
    best = None if run.plan.selection is None else run.checkpoints.best()
    state = last
    if best is not None and best != int(last.step):
        state = run.checkpoints.restore_step(best, run.prepared.update.abstract).state
    return Trained(int(state.step), on_device(evaluation_params(state)), run.metadata(), ended)


def _restored_or_fresh(run: _Run) -> TrainState:
    with run.account.booking("restore"):
        restored = run.checkpoints.restore(run.prepared.update.abstract)
        if restored is not None:
            _refuse_another_run(restored.metadata, run)
        state = run.prepared.update.fresh() if restored is None else restored.state
        jax.block_until_ready(state)
    if restored is not None:
        say(f"{run.plan.name}: restored step {int(state.step)}")
    saved = WallTime() if restored is None else restored.metadata.wall_time
    if restored is not None or run.account.heartbeat.exists():
        run.account.continue_from(after_interruption(saved, run.account.heartbeat))
    run.account.beat()
    return state


def _refuse_another_run(saved: CheckpointMetadata, run: _Run) -> None:
    differs = run.identity.difference(saved.identity)
    if differs is not None:
        raise InputError(
            f"{run.checkpoints.folder} was trained with another {differs.name} "
            f"({differs.theirs}, now {differs.ours}): {_advice(differs)}"
        )


def _advice(differs: Difference) -> str:
    return _WHY_REFUSED.get(differs.name, "use that one or another --workdir")


def _on_mesh(run: _Run, start: int) -> Iterator[Batch]:
    """Global batches from `start` on, spread over the devices."""
    place = NamedSharding(run.prepared.update.mesh, sharding.BATCH)
    data, stop = run.config.data, run.plan.settings.steps
    source = pipeline.iterate(run.prepared.batches, start, stop, data.threads, data.workers)
    while True:
        with run.account.booking("data_wait"):
            batch = next(source)
        yield sharding.put(batch, place)
