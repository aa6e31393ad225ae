"""A model folder: a detector to give to others, without pickles, every file named with its size and digest.

    model.json            what the detector is, its config, and size and sha256 of every other file
    weights.safetensors   its parameters; `Manifest.foundation` may stand for some of them
    calibration.json      how its scores become likelihood ratios, and for which inputs; or why not
    results/*.json        what it was measured at, as `metrics.json` of the run has it
    MODEL_CARD.md         the same for people

It may come from anyone. Nothing of it is run, and nothing outside of it is opened but an encoder that
jaxfake fetches by name. A file is read only if it has the size and digest that `model.json` names and fits
the network.
"""

import dataclasses
import hashlib
import math
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jax.sharding import NamedSharding, PartitionSpec
from safetensors.numpy import save as to_safetensors

from jaxfake import config
from jaxfake.checkpoints.checksummed_json import read_checksummed
from jaxfake.config import Config
from jaxfake.evaluation.evidence.calibration import calibration
from jaxfake.evaluation.evidence.calibration.calibration import Calibration
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.experiment import build_method
from jaxfake.inference.model.foundation_part import Foundation, foundation_params
from jaxfake.inference.results import ModelFacts
from jaxfake.models.method import Method, Params
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import open_regular, sha256
from jaxfake.runtime.typed_values import build
from jaxfake.weights.tensors import read_tensors

FORMAT, VERSION = "jaxfake.model", 1
MANIFEST, WEIGHTS, CALIBRATION = "model.json", "weights.safetensors", "calibration.json"
CARD, RESULTS = "MODEL_CARD.md", "results"

_HEADER_BYTES = 1 << 20
"""Of a .safetensors file, beside its arrays: some 100 bytes for each."""


@dataclasses.dataclass(frozen=True)
class FileEntry:
    """One file of the folder."""

    bytes: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class Manifest:
    """The content of `model.json`.

    Attributes:
        config: by which the network is built, without paths of the machine that it was trained on.
        files: by their paths in the folder.
        foundation: the encoder whose unchanged weights are not in the folder; None if all are.
    """

    format: str
    version: int
    facts: ModelFacts
    config: dict[str, Any]
    files: dict[str, Any]
    foundation: Foundation | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class LoadedFolder:
    """What a model folder holds."""

    method: Method
    params: Params
    config: Config
    calibration: Calibration | Undefined
    facts: ModelFacts


def is_model_folder(path: Path) -> bool:
    """Whether a folder says that it is one."""
    return (path / MANIFEST).is_file()


def load(folder: Path) -> LoadedFolder:
    """The detector in a model folder, on all devices that there are.

    Raises:
        InputError: it is damaged, of another version, or does not fit together.
    """
    manifest = _manifest(folder)
    files = {name: build(FileEntry, one, f"files.{name}") for name, one in manifest.files.items()}
    for name, entry in files.items():
        _check_file(folder, name, entry)
    settings = build_method.computable_here(config.parse(manifest.config))
    method = build_method.detector(settings)
    params = _params(folder, method, manifest.foundation, settings)
    found = calibration.read(folder / CALIBRATION) if CALIBRATION in files else _NO_CALIBRATION
    known = None if isinstance(found, Undefined) else found.sha256
    if manifest.facts.calibration_sha256 != known or WEIGHTS not in files:
        raise InputError(f"{folder / MANIFEST} does not name the files that are beside it")
    return LoadedFolder(method, params, settings, found, manifest.facts)


def weights_bytes(params: Params) -> bytes:
    """The parameters as a .safetensors file holds them: the same values give the same bytes."""
    return to_safetensors(flatten_dict(jax.device_get(params), sep="/"))


def file_entry(content: bytes) -> FileEntry:
    """Size and digest of a file with this content."""
    return FileEntry(len(content), hashlib.sha256(content).hexdigest())


_NO_CALIBRATION = Undefined("the model folder holds no calibration")


def _manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    try:
        content = read_checksummed(path)
    except (ValueError, FileNotFoundError) as error:
        raise InputError(f"{path} is damaged: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{path} does not describe a model of jaxfake")
    if content.get("version") != VERSION:
        raise InputError(
            f"{path} is of version {content.get('version')!r}, and {VERSION} is read here"
        )
    try:
        manifest: Manifest = build(Manifest, content, "model")
    except InputError as error:
        raise InputError(f"{path} is damaged: {error}") from error
    return manifest


def _check_file(folder: Path, name: str, entry: FileEntry) -> None:
    """Checks that a file of the manifest is there, in the folder, and what it was.

    Raises:
        InputError: it is not.
    """
    path = folder / name
    if Path(name).is_absolute() or not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{folder / MANIFEST} names {name!r}, which is not in the folder")
    try:
        with open_regular(path) as file:
            size = file.seek(0, 2)
    except FileNotFoundError:
        raise InputError(f"{path} is missing: copy the whole folder again") from None
    if size != entry.bytes or sha256(path) != entry.sha256:
        raise InputError(f"{path} is damaged: it is not the file that {MANIFEST} names")


def _params(
    folder: Path, method: Method, foundation: Foundation | None, settings: Config
) -> Params:
    """The parameters: each of the network's, of its shape and type, and nothing else."""
    like = dict(jax.eval_shape(lambda: method.init(jax.random.key(0), None)))
    left_out: Params = {}
    if foundation is not None:
        left_out = foundation_params(foundation, settings)
        like = {name: tree for name, tree in like.items() if name not in left_out}
    params = _stored(folder, flatten_dict(like, sep="/")) | left_out
    mesh = build_method.scoring_mesh()
    return jax.device_put(params, NamedSharding(mesh, PartitionSpec()))


def _stored(folder: Path, like: dict[str, Any]) -> Params:
    """The parameters in the folder."""
    path = folder / WEIGHTS
    needed = sum(math.prod(one.shape) * one.dtype.itemsize for one in like.values())
    if path.stat().st_size > needed + _HEADER_BYTES:
        raise InputError(f"{path} is larger than the weights of its network: it is not read")
    weights = read_tensors(path)
    for name in sorted(like.keys() ^ weights.keys()):
        fault = f"it lacks {name}" if name in like else f"there is no place for {name}"
        raise InputError(f"{path} does not fit its network: {fault}")
    for name, values in weights.items():
        _check_weight(path, name, values, like[name])
    stored: Params = unflatten_dict(weights, sep="/")
    return stored


def _check_weight(path: Path, name: str, values: np.ndarray, like: jax.ShapeDtypeStruct) -> None:
    if values.shape != like.shape or values.dtype != like.dtype:
        raise InputError(
            f"{path}: {name} is {values.dtype} {values.shape}, not {like.dtype} {like.shape}"
        )
    if not np.isfinite(values.astype(np.float32)).all():
        raise InputError(f"{path}: {name} is not finite")
