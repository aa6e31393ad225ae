"""A stage of training as the planner sees it: shapes, and what a compiler says of its step under a plan."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding

from jaxfake import schema
from jaxfake.config import Config, Stage
from jaxfake.models.meta_learning import MetaLearned
from jaxfake.models.method import Method
from jaxfake.schema import Batch
from jaxfake.train import sharding
from jaxfake.train.memory.analysis import Analysis, analyse
from jaxfake.train.memory.plan import Plan
from jaxfake.train.memory.profile import Subject
from jaxfake.train.memory.streamed import Streamed
from jaxfake.train.step import Tally
from jaxfake.train.update import Update, prepare_update


def abstract_batch(config: Config, faces: int) -> Batch:
    """Shapes of a training batch, with every key that a method may look at."""
    side = config.data.size
    shapes: dict[str, tuple[tuple[int, ...], type[np.generic]]] = {
        schema.IMAGE: ((side, side, 3), np.uint8),
        schema.LANDMARKS: ((68, 2), np.float32),
        schema.LABEL: ((), np.int32),
        schema.FORGERY_MASK: ((side, side), np.uint8),
        schema.HAS_MASK: ((), np.bool_),
        schema.VALID: ((), np.bool_),
        schema.VIDEO: ((), np.uint32),
        schema.MANIPULATION: ((), np.uint32),
    }
    return {
        key: jax.ShapeDtypeStruct((faces, *shape), dtype) for key, (shape, dtype) in shapes.items()
    }


def subject(method: Method, settings: Stage, config: Config) -> Subject:
    """What is to be planned; the mesh is that of the devices at hand."""
    batch = abstract_batch(config, settings.batch_size)
    plain = prepare_update(method, settings, config, batch)
    share = settings.batch_size // plain.mesh.size
    key = repr(
        (
            method,
            dataclasses.replace(settings, steps=0, device_batch=0, select_every=0),
            config.fsdp,
            dict(plain.mesh.shape),
            jax.devices()[0].device_kind,
            jax.__version__,
            jax.devices()[0].client.platform_version,
        )
    )

    def analysed(plan: Plan) -> Analysis:
        return analyse_update(prepare_update(method, settings, config, batch, None, plan), batch)

    cuttable = not isinstance(method, MetaLearned)
    return Subject(method, plain.abstract, batch, share, cuttable, analysed, key)


def analyse_update(update: Update, batch: Batch) -> Analysis:
    """What the compiler says of an update; where the optimizer is on the host, of its gradient."""
    program, arguments = main_program(update, batch)
    return analyse(program, *arguments)


def main_program(update: Update, batch: Batch) -> tuple[Any, tuple[Any, ...]]:
    """The program of an update that activations live in, and abstract arguments for it."""
    spread = NamedSharding(update.mesh, sharding.BATCH)
    given = {
        key: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=spread)
        for key, leaf in batch.items()
    }
    state = update.abstract
    if isinstance(update.step, Streamed):
        tally = Tally(state.step, state.window, state.failed_step)
        return update.step.gradient, (state.params, tally, given)
    return update.step, (state, given)


def noise(config: Config, faces: int) -> Batch:
    """A batch of random pixels, half of it called fake, for runs that ask about speed and memory alone."""
    rng = np.random.default_rng(config.seed)
    batch = {
        key: rng.integers(0, 2, leaf.shape).astype(leaf.dtype)
        for key, leaf in abstract_batch(config, faces).items()
    }
    side = config.data.size
    batch[schema.IMAGE] = rng.integers(0, 256, batch[schema.IMAGE].shape, np.uint8)
    batch[schema.FORGERY_MASK] *= np.uint8(255)
    batch[schema.LANDMARKS] = rng.uniform(2, side - 2, (faces, 68, 2)).astype(np.float32)
    batch[schema.LABEL] = (np.arange(faces) % 2).astype(np.int32)
    batch[schema.VALID] = np.ones(faces, np.bool_)
    batch[schema.VIDEO] = (np.arange(faces) // 2).astype(np.uint32)
    return batch


def on_mesh(update: Update, batch: Batch) -> Batch:
    """The batch spread over the devices of an update."""
    spread = NamedSharding(update.mesh, sharding.BATCH)
    return {key: jax.device_put(jnp.asarray(rows), spread) for key, rows in batch.items()}
