"""What a checkpoint says of itself, so that it can be used without anything beside it.

It is written as JSON with a checksum. What is read back may come from anyone, so every value is checked.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from jaxfake.checkpoints.run_identity import RunIdentity
from jaxfake.checkpoints.wall_time import WallTime, current_names
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.typed_values import build

METADATA_FILE = "meta/metadata"
"""Below the folder of a checkpoint."""

_REQUIRED = ("stage", "start", "data", "manifest", "config")
"""Parts of the identity without which nothing can be said of a checkpoint."""

_TRAINING, _WALL_TIME, _RANDOM_NUMBERS = "run", "wall", "random numbers"
"""Keys of the file, beside those of the identity. They are older than the names here, and stay."""


@dataclasses.dataclass(frozen=True)
class TrainingRecord:
    """How a stage was trained.

    Attributes:
        method: of the detector, or the name of the stage.
        steps: of the whole stage.
        batch_size: faces in one update.
        faces: that the stage trains on; as many drawn are one epoch.
        jax: its version.
        devices: number and kind.
        config: of the run, as plain values.
    """

    method: str
    steps: int
    batch_size: int
    faces: int
    jax: str
    devices: str
    config: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class CheckpointMetadata:
    """What is saved with the arrays of a state.

    Attributes:
        identity: what a run must agree with to continue from here.
        training: None in a checkpoint of an older version, which did not keep it.
        wall_time: of the stage until this save.
    """

    identity: RunIdentity
    training: TrainingRecord | None
    wall_time: WallTime

    def to_json(self) -> dict[str, Any]:
        """As plain values, for `parse_metadata`."""
        identity = dataclasses.asdict(self.identity)
        del identity["earlier_configs"]
        identity[_RANDOM_NUMBERS] = identity.pop("random_numbers")
        known = {name: value for name, value in identity.items() if value is not None}
        if self.training is not None:
            known[_TRAINING] = dataclasses.asdict(self.training)
        return known | {_WALL_TIME: dataclasses.asdict(self.wall_time)}


def parse_metadata(values: Mapping[str, Any]) -> CheckpointMetadata:
    """The metadata as typed values.

    Raises:
        ValueError: they are not of the form that is written.
    """
    identity = dict(values)
    training = identity.pop(_TRAINING, None)
    wall_time = identity.pop(_WALL_TIME, {})
    if _RANDOM_NUMBERS in identity:
        identity["random_numbers"] = identity.pop(_RANDOM_NUMBERS)
    for name in _REQUIRED:
        if name not in identity:
            raise ValueError(f"its metadata have no {name}")
    if not isinstance(wall_time, Mapping):
        raise ValueError("its wall time is not a group of numbers")
    try:
        return CheckpointMetadata(
            build(RunIdentity, identity, "identity"),
            None if training is None else build(TrainingRecord, training, "training"),
            build(WallTime, current_names(wall_time), "wall_time"),
        )
    except InputError as error:
        raise ValueError(f"its metadata are not of the form that is written: {error}") from error
