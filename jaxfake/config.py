"""From a ConfigDict, which people override at the command line, to frozen dataclasses.

Everything past `parse` works with these types alone. An unknown key is an error that names the nearest
known one; a missing key is an error too, so a config file shows every value that a run uses.
"""

import dataclasses
import difflib
import hashlib
import json
import typing
from collections.abc import Mapping
from typing import Any, Literal

from jaxfake.errors import InputError
from jaxfake.masking import MaskRule
from jaxfake.models.vit import Attend, Size


@dataclasses.dataclass(frozen=True)
class Data:
    """Where the faces come from and how they are read.

    Attributes:
        source: 'toyfaces', which is built on first use, or the folder of a prepared dataset.
        root: folder in which toyfaces is built.
        size: side of the square crops in pixels; a dataset of another size is refused.
        threads: reading threads of each process.
        workers: reading processes beside the main one; 0 is best on few cores.
    """

    source: str
    root: str
    size: int
    threads: int
    workers: int


@dataclasses.dataclass(frozen=True)
class Model:
    """The masked autoencoder.

    Attributes:
        patch: side of a patch in pixels; divides `data.size`.
        dtype: of activations; bfloat16 pays on a GPU, not on a CPU.
        attend: 'cudnn' is fused attention on an NVIDIA GPU, with bfloat16 only.
    """

    patch: int
    encoder: Size
    decoder: Size
    dtype: Literal["float32", "bfloat16"]
    attend: Attend


@dataclasses.dataclass(frozen=True)
class Stage:
    """One stage of training.

    Attributes:
        steps: updates of the parameters.
        batch_size: faces in one update, over all devices.
        accumulate: parts that a batch is cut into, one after the other, to need less memory.
        learning_rate: peak, for a batch of 256; scaled linearly with `batch_size`.
        warmup: share of the steps in which the rate rises from 0; then it falls to 0 by a half cosine.
        ema: decay of the moving average of the parameters; 0 keeps none.
        crop: smallest side of a random square crop, as a share of the image; 1 for none.
    """

    steps: int
    batch_size: int
    accumulate: int
    learning_rate: float
    warmup: float
    weight_decay: float
    ema: float
    crop: float


@dataclasses.dataclass(frozen=True)
class Checkpoints:
    """How often the state is saved, in seconds, and how many checkpoints are kept."""

    every_seconds: float
    keep: int


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Faces in a batch, and resamples of the bootstrap intervals."""

    batch_size: int
    resamples: int


@dataclasses.dataclass(frozen=True)
class Config:
    """A run of the main job.

    Attributes:
        seed: of everything that is random.
        fsdp: devices over which each parameter is split; the rest hold whole copies.
        log_every: steps between two rows of metrics.
    """

    seed: int
    fsdp: int
    log_every: int
    data: Data
    model: Model
    mask: MaskRule
    recover: Stage
    checkpoints: Checkpoints
    evaluation: Evaluation


def parse(values: Mapping[str, Any]) -> Config:
    """The config as typed values.

    Raises:
        InputError: a key is unknown or missing, or a value has the wrong type or cannot work.
    """
    config = _build(Config, values, "config")
    _check(config)
    return config


def to_json(config: Config) -> dict[str, Any]:
    """The config as plain values, in the order of its fields."""
    return dataclasses.asdict(config)


_OPERATIONAL = (
    "data.source",  # may lie elsewhere on another machine; checkpoints know its fingerprint
    "data.root",
    "data.threads",
    "data.workers",
    "log_every",
    "checkpoints",
)
"""Keys that change how a run goes, and not what comes out; they may differ between two tries."""


def results_values(config: Config) -> dict[str, Any]:
    """Every value that the results depend on, by its dotted key."""
    flat = _flat(to_json(config), "")
    return {key: value for key, value in flat.items() if not key.startswith(_OPERATIONAL)}


def fingerprint(config: Config) -> str:
    """sha256 of `results_values`, by which checkpoints and results name the config."""
    text = json.dumps(results_values(config), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _flat(values: dict[str, Any], prefix: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        nested = isinstance(value, dict)
        flat |= _flat(value, f"{prefix}{key}.") if nested else {f"{prefix}{key}": value}
    return flat


def _build(kind: type, values: Any, path: str) -> Any:
    if not isinstance(values, Mapping) and not hasattr(values, "items"):
        raise InputError(f"{path} must be a group of keys, not {values!r}")
    hints = typing.get_type_hints(kind)
    given = dict(values.items())
    for key in given:
        if key not in hints:
            raise InputError(f"{path}.{key} is no key of the config{_nearest(key, hints)}")
    missing = [key for key in hints if key not in given]
    if missing:
        raise InputError(f"{path}.{missing[0]} is missing from the config")
    return kind(**{key: _value(hints[key], given[key], f"{path}.{key}") for key in hints})


def _nearest(key: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"


def _value(kind: Any, value: Any, path: str) -> Any:
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _build(kind, value, path)
    if typing.get_origin(kind) is Literal:
        choices = typing.get_args(kind)
        if value not in choices:
            raise InputError(f"{path} must be one of {', '.join(choices)}, not {value!r}")
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise InputError(f"{path} must be {_plain(kind)}, not {value!r}")
    return value


def _plain(kind: type) -> str:
    return {int: "a whole number", float: "a number", str: "a text"}.get(kind, str(kind))


def _check(config: Config) -> None:
    """What no type can say, each with what to do about it."""
    size, patch = config.data.size, config.model.patch
    patches = (size // patch) ** 2 if patch > 0 else 0
    stage = config.recover
    for broken, message in (
        (
            patches == 0 or size % patch,
            f"data.size {size} must be a multiple of model.patch {patch}",
        ),
        (
            not 0 < config.mask.count < patches,
            f"mask.count must lie between 1 and {patches - 1}, fewer than the {patches} patches",
        ),
        (
            stage.accumulate < 1 or stage.batch_size % max(stage.accumulate, 1),
            f"recover.accumulate must divide recover.batch_size {stage.batch_size}",
        ),
        (stage.steps < 1, "recover.steps must be at least 1"),
        (not 0 < stage.crop <= 1, "recover.crop must lie in (0, 1]"),
        (not 0 <= stage.ema < 1, "recover.ema must lie in [0, 1)"),
        (config.fsdp < 1, "fsdp must be at least 1"),
        (config.log_every < 1, "log_every must be at least 1"),
        (config.checkpoints.keep < 2, "checkpoints.keep must be at least 2: one may be damaged"),
        (
            config.model.attend == "cudnn" and config.model.dtype != "bfloat16",
            "model.attend=cudnn works with model.dtype=bfloat16 only",
        ),
    ):
        if broken:
            raise InputError(f"config: {message}")
    for stack in (config.model.encoder, config.model.decoder):
        if stack.width % stack.heads or stack.width % 4:
            raise InputError(
                f"config: a model width ({stack.width}) must be a multiple of its heads "
                f"({stack.heads}) and of 4"
            )
