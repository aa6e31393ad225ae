"""A dataset of 32-pixel pictures, for tests that need files but no faces."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from configs import mover
from jaxfake import config, schema
from jaxfake.config import Config
from jaxfake.data.records import encode, face_features
from jaxfake.schema import Example

TINY = 32
TINY_CLIPS = {"train": 24, "val": 8, "test": 8}
TINY_FRAMES = 4

_SECONDS_OF_TRAINING = {
    "data.size": 32,
    "mask.count": 1,
    "model.patch": 8,
    "model.encoder.depth": 1,
    "model.decoder.depth": 1,
    "evaluation.resamples": 20,
    "detect.steps": 6,
    "detect.batch_size": 8,
    "detect.select_every": 3,
}
_SIX_STEPS = {
    "method__networks": "finetuned",
    "model__encoder__width": 32,
    "recover__steps": 6,
    "recover__batch_size": 8,
    "log_every": 2,
    "checkpoints__at_risk_seconds": 0,
}


def tiny_flags(root: Path, **changes: object) -> list[str]:
    """Flags of the main command for seconds of training on the tiny dataset.

    `changes` are further keys of the config, with two underscores for a dot.
    """
    values = _tiny_values(root, changes)
    return ["--config=configs/mover.py", *(f"--config.{k}={v}" for k, v in values.items())]


def six_steps(root: Path) -> list[str]:
    """Six steps of each stage, saved after each; one run for many tests, so that it is compiled once.

    Stage 2 is without the mapping network, which takes most of the compilation.
    """
    return tiny_flags(root, **_SIX_STEPS)


def six_steps_config(root: Path, **changes: object) -> Config:
    """The same run as a config, with further changes."""
    return tiny_config(root, **{**_SIX_STEPS, **changes})


def tiny_config(root: Path, **changes: object) -> Config:
    """The same as a config."""
    values = mover.get_config()
    values.update_from_flattened_dict(_tiny_values(root, changes))
    return config.parse(values)


def _tiny_values(root: Path, changes: dict[str, object]) -> dict[str, object]:
    further = {key.replace("__", "."): value for key, value in changes.items()}
    return {"data.source": str(root), **_SECONDS_OF_TRAINING, **further}


class Tiny(tfds.core.GeneratorBasedBuilder):
    """Smooth random pictures in the schema; every second clip is called a fake."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        kinds = face_features(TINY)
        return tfds.core.DatasetInfo(builder=self, features=kinds, disable_shuffling=True)

    def _split_generators(self, _: Any) -> dict[str, Any]:
        return {split: self._generate_examples(split) for split in TINY_CLIPS}

    def _generate_examples(self, split: str) -> Iterator[tuple[int, dict[str, Any]]]:
        for number in range(TINY_CLIPS[split] * TINY_FRAMES):
            yield number, encode(tiny_example(split, number))


def tiny_example(split: str, number: int) -> Example:
    """Example `number` of a split of the tiny dataset."""
    rng = np.random.default_rng([len(split), number])
    clip, frame = divmod(number, TINY_FRAMES)
    fake = clip % 2
    waves = np.sin(np.linspace(0, 6, TINY)[:, None, None] * rng.uniform(0.5, 2, 3))
    image = 127 + 60 * waves + 60 * np.cos(np.linspace(0, 5, TINY)[None, :, None] * rng.random(3))
    return Example(
        image=image.clip(0, 255).astype(np.uint8),
        landmarks=rng.uniform(2, TINY - 2, (68, 2)).astype(np.float32),
        label=fake,
        method="swap" if fake else schema.REAL_METHOD,
        dataset="tiny",
        video_id=f"{split}{clip:02d}",
        identity=f"{split}{clip // 2}",
        frame=frame,
        forgery_mask=np.full((TINY, TINY), 255 * fake, np.uint8),
        has_mask=True,
        matrix=np.eye(2, 3, dtype=np.float32),
    )
