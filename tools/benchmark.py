"""How fast a stage trains on this machine, with the data already on the device; or how fast it forges.

    python tools/benchmark.py --config=configs/pretrain.py:vit_b [--config.recover.batch_size=512]
    python tools/benchmark.py --forgeries=224

Prints one line of JSON: faces per second, seconds to compile and, on a GPU, the largest difference
between fused (cuDNN) attention and the plain one on the same numbers. With --forgeries, faces per second
of one core for each kind. Nothing is read from disk and nothing is written.
"""

import json
import os
import time
from collections.abc import Callable

import cv2
import jax
import jax.numpy as jnp
import numpy as np
from absl import flags
from jax.sharding import NamedSharding

from jaxfake import config, schema
from jaxfake.data.forgeries.forge import blend_with_itself, forge
from jaxfake.data.forgeries.forgery import KINDS, Face, Forged
from jaxfake.data.toyfaces.builder import SplitSize, ToyFaces, examples
from jaxfake.experiment import build_method
from jaxfake.models.vit import attention
from jaxfake.runtime import cli, config_flag
from jaxfake.runtime.devices import check_devices
from jaxfake.runtime.processes import environment
from jaxfake.schema import Batch
from jaxfake.train import sharding
from jaxfake.train.update import update_parts

_CONFIG = config_flag.define_config("configs/mover.py", "What to train.")
_FORGERIES = flags.DEFINE_integer(
    "forgeries", 0, "Time forgeries of toy faces of this many pixels instead of training.", 0, 1024
)
_EACH = flags.DEFINE_integer("each", 100, "Forgeries of each kind to time.", 1)
_STEPS = flags.DEFINE_integer("steps", 20, "Updates to time, after two to warm up.", 1)


def main() -> None:
    """Times the update of stage 1, or forgeries."""
    if _FORGERIES.value:
        print(json.dumps(forged_per_second(_FORGERIES.value, _EACH.value)))
        return
    check_devices()
    settings = config.parse(_CONFIG.value)
    stage, method = settings.recover, build_method.recovery(settings)
    batch = noise(settings)
    update = update_parts(method, stage, settings, batch).under(None)
    batch = jax.device_put(batch, NamedSharding(update.mesh, sharding.BATCH))
    state = update.fresh()
    began = time.monotonic()
    step = update.step.lower(state, batch).compile()  # type: ignore[union-attr]
    compiling = time.monotonic() - began
    for turn in range(_STEPS.value + 2):
        if turn == 2:
            jax.block_until_ready(state)
            began = time.monotonic()
        state = step(state, batch)
    jax.block_until_ready(state)
    seconds = time.monotonic() - began
    result = {
        "device": jax.devices()[0].device_kind,
        "devices": jax.device_count(),
        "batch_size": stage.batch_size,
        "faces_per_second": _STEPS.value * stage.batch_size / seconds,
        "compile_seconds": compiling,
        "parameters": sum(leaf.size for leaf in jax.tree.leaves(state.params)),
        "fused_attention_difference": fused_difference(),
    }
    print(json.dumps(result))


def forged_per_second(size: int, each: int) -> dict[str, float]:
    """Faces of each kind that one core forges in a second, without reading them; also of real faces blended
    with themselves, as half of them are for training.

    Args:
        size: of the crops, in pixels.
        each: how many are timed.
    """
    cv2.setNumThreads(1)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    options = ToyFaces(size=size, test=SplitSize(identities=8, forgeries=0, frames=1))
    faces = [Face(one.image, one.landmarks) for one in examples(options, "test")]
    rates = {kind: _per_second(forge, kind, faces, each) for kind in KINDS}
    return rates | {"real": _per_second(blend_with_itself, "self_blend", faces, each)}


def _per_second(make: Callable[..., Forged], kind: str, faces: list[Face], each: int) -> float:
    make(np.random.default_rng(0), faces[0], faces[1], kind)
    began = time.process_time()
    for number in range(each):
        face, donor = (faces[(number + step) % len(faces)] for step in (0, 1))
        make(np.random.default_rng(number), face, donor, kind)
    return round(each / (time.process_time() - began), 1)


def noise(settings: config.Config) -> Batch:
    """A batch of random pixels without landmarks."""
    count, side = settings.recover.batch_size, settings.data.size
    rng = np.random.default_rng(settings.seed)
    return {
        schema.IMAGE: rng.integers(0, 256, (count, side, side, 3), np.uint8),
        schema.LANDMARKS: np.full((count, 68, 2), np.nan, np.float32),
        schema.VALID: np.ones(count, np.bool_),
    }


def fused_difference() -> float | None:
    """Largest difference of fused and plain attention in bfloat16; None where there is no GPU."""
    if jax.default_backend() != "gpu":
        return None
    keys = jax.random.split(jax.random.key(0), 3)
    shape = (8, 197, 12, 64)  # ViT-B at 224 pixels
    query, key, value = (jax.random.normal(k, shape, jnp.bfloat16) for k in keys)
    plain = attention(query, key, value, "xla").astype(jnp.float32)
    fused = attention(query, key, value, "cudnn").astype(jnp.float32)
    return float(jnp.abs(plain - fused).max())


if __name__ == "__main__":
    environment.use_huge_pages()  # as training does
    cli.run(main)
