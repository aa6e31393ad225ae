"""Watching a stage without delaying it: rows of metrics, pictures, and the check for a non-finite loss.

A row is handed to the writers' thread while the device still works on it; the loop itself reads only the
row before, which has long been computed.
"""

import time
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from jaxfake import schema
from jaxfake.config import Config, to_json
from jaxfake.data import pipeline
from jaxfake.models import rng
from jaxfake.models.method import Params
from jaxfake.models.recovery_pictures import recovery_strips
from jaxfake.models.remat import on_device
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.progress import say
from jaxfake.schema import Batch
from jaxfake.train import parameter_table, sharding
from jaxfake.train.goodput import TimeAccount
from jaxfake.train.metric_writers import make_writer
from jaxfake.train.stage import SELECTION, Prepared, StageFiles, StagePlan
from jaxfake.train.state import NEVER, TrainState

_PICTURE_TIMES = 10
_PICTURE_FACES = 8


class Monitor:
    """Metrics and pictures of one stage.

    Args:
        plan: of the stage.
        config: of the run.
        prepared: the stage.
        files: where rows and pictures go.
        start: the first step of this process.
        account: of the wall time.
        validate_again: whether the validation of the state at `start` was cut short; it will be repeated.
    """

    def __init__(
        self,
        plan: StagePlan,
        config: Config,
        prepared: Prepared,
        files: StageFiles,
        start: int,
        account: TimeAccount,
        validate_again: bool,
    ) -> None:
        self._plan, self._config, self._prepared = plan, config, prepared
        self._account = account
        self._writer = make_writer(files, plan.name, start, validate_again)
        self._describe(start)
        self._step, self._since, self._waited = start, time.monotonic(), account.data_wait
        self._row_before: tuple[jax.Array, jax.Array] | None = None
        mesh = prepared.update.mesh
        self._strips, self._drew = _strip_maker(plan, config, mesh), False
        whole = sharding.replicated(mesh)
        self._emptied = jax.jit(partial(jax.tree.map, jnp.zeros_like), out_shardings=whole)
        self._loss: float | None = None

    def after(self, state: TrainState, step: int) -> TrainState:
        """Writes a row and pictures of a state after `step` updates, if due; returns what to go on with."""
        steps = self._plan.settings.steps
        if self._strips is not None and step % max(steps // _PICTURE_TIMES, 1) == 0:
            self._writer.write_images(step, {"recovery": self._drawn(on_device(state.params))})
        if step % self._config.log_every == 0 or step in self._plan.settings.ends:
            return self._row(state, step)
        return state

    def refuse_if_failed(self, failed_step: jax.Array) -> None:
        """Waits for the device; raises InputError that names the batch if its loss was not finite."""
        failed = int(jax.device_get(failed_step))
        if failed == NEVER:
            return
        rows = self._prepared.batches[failed][schema.ROW].tolist()
        names = ", ".join(self._plan.train.name(row) for row in rows[:3])
        raise InputError(
            f"{self._plan.name}: the loss is not finite at step {failed}, whose batch {failed} is "
            f"{names} and {max(len(rows) - 3, 0)} more faces; no parameter was changed since. Lower "
            "the learning rate, or look at these faces"
        )

    def write_selection_score(self, step: int, score: float) -> None:
        """Writes the validation score, at once."""
        selection = self._plan.selection
        if selection is not None:
            self._writer.write_scalars(step, {f"{SELECTION}{selection.name}": score})
            self.flush()

    def write_totals(self, step: int) -> None:
        """Writes the wall time of the whole stage."""
        self._writer.write_scalars(step, self._account.so_far().columns())

    def remark(self) -> str:
        """The last known loss, for the progress line."""
        return "" if self._loss is None else f"loss {self._loss:.4f}"

    def flush(self) -> None:
        """Puts everything on disk."""
        self._writer.flush()

    def close(self) -> None:
        """Puts everything on disk and ends."""
        self._writer.close()

    def _drawn(self, params: Params) -> jax.Array:
        """The pictures; the first time they are compiled."""
        assert self._strips is not None
        if self._drew:
            return self._strips(params)
        self._drew = True
        with self._account.booking("compile"):
            return self._strips(params)

    def _describe(self, start: int) -> None:
        """The config and what is decided for each parameter, once at the beginning of a run."""
        if start:
            return
        params = self._prepared.update.abstract.params
        table = parameter_table.describe(params, self._plan.settings.layer_decay)
        say(table)
        self._writer.write_texts(0, {"parameters": f"```\n{table}\n```"})
        self._writer.write_hparams(to_json(self._config))

    def _row(self, state: TrainState, step: int) -> TrainState:
        """Hands the window to the writers and opens a new one."""
        values = {name: average.compute() for name, average in state.window.items()}
        wall = self._account.so_far().columns()
        self._writer.write_scalars(step, values | self._speeds(step) | wall)
        before, self._row_before = self._row_before, (values["loss"], jnp.copy(state.failed_step))
        if before is not None:
            self._loss = float(jax.device_get(before[0]))
            self.refuse_if_failed(before[1])
        return state.replace(window=self._emptied(state.window))

    def _speeds(self, step: int) -> dict[str, float]:
        """Faces per second, and the share of the time that the loop waited for data."""
        now = time.monotonic()
        seconds = max(now - self._since, 1e-9)
        faces = (step - self._step) * self._plan.settings.batch_size
        waited = self._account.data_wait
        share = (waited - self._waited) / seconds
        self._step, self._since, self._waited = step, now, waited
        return {"faces_per_second": faces / seconds, "data_wait": share}


def _strip_maker(
    plan: StagePlan, config: Config, mesh: Mesh
) -> Callable[[Params], jax.Array] | None:
    """Pictures of the same few unseen faces, evenly spaced; None for a method that recovers nothing."""
    each = _PICTURE_FACES // len(plan.classes)
    of_class = [pipeline.rows_of(plan.show, label) for label in plan.classes]
    chosen = np.concatenate(
        [rows[np.linspace(0, len(rows) - 1, each).astype(int)] for rows in of_class]
    )
    batch = pipeline.evaluation_batches(plan.show, chosen, _PICTURE_FACES)[0]

    def make(params: Params, batch: Batch) -> jax.Array:
        keys = rng.seeded_keys(rng.stream(config.seed, "pictures"), batch[schema.MASK_SEED])
        return recovery_strips(batch[schema.IMAGE], plan.method.predict(params, batch, keys))

    params = jax.eval_shape(lambda: plan.method.init(jax.random.key(0), None))
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), len(chosen)))
    if jax.eval_shape(plan.method.predict, params, batch, keys).recovered is None:
        return None
    jitted = jax.jit(make)
    placed = sharding.put(batch, sharding.replicated(mesh))
    return lambda params: jitted(params, placed)
