"""Named arrays of a .safetensors file, or of several, as Hugging Face's libraries write them."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

import ml_dtypes  # noqa: F401 (gives NumPy bfloat16)
import numpy as np
from safetensors import SafetensorError, safe_open

from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import open_regular, read_json, sha256

SUFFIX = ".safetensors"
SINGLE, SHARDED = f"model{SUFFIX}", f"model{SUFFIX}.index.json"

_READABLE = (
    "F64",
    "F32",
    "F16",
    "BF16",
    "I64",
    "I32",
    "I16",
    "I8",
    "U64",
    "U32",
    "U16",
    "U8",
    "BOOL",
)
"""Types that NumPy can hold. Integers are counters; as weights they are refused later."""

_MOST_INDEX_BYTES = 16 << 20
"""An index has some 100 bytes a tensor."""

_MOST_BYTES = 16 << 30
"""Of all files together; the largest CLIP, ViT-bigG, has 10 GB in float32. Our choice."""

_SHARD = re.compile(r"-(\d+)-of-(\d+)\.safetensors$")


def holds_weights(path: Path) -> bool:
    """Whether this is a .safetensors file, or a folder with weights of Hugging Face's libraries."""
    if path.is_dir():
        return (path / SINGLE).exists() or (path / SHARDED).exists()
    return path.suffix == SUFFIX and path.is_file()


def weights_digest(path: Path) -> str:
    """sha256 of the file that `read_tensors` reads; of the digests of all files where there are several."""
    if not path.is_dir():
        return sha256(path)
    if (path / SINGLE).exists():
        return sha256(path / SINGLE)
    files = [path / SHARDED, *(path / shard for shard in sorted(_shards(path / SHARDED)))]
    return hashlib.sha256("".join(map(sha256, files)).encode()).hexdigest()


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """All arrays by name.

    Args:
        path: a .safetensors file; or a folder with `model.safetensors`, or with
            `model.safetensors.index.json` and the shards that it names.

    Raises:
        InputError: a file is missing, is not such a file, or holds numbers of a type that is not read.
    """
    if not path.is_dir():
        _refuse_one_of_several(path)
        _refuse_too_large([path])
        return _read(path)
    single, index = path / SINGLE, path / SHARDED
    if single.exists() and index.exists():
        raise InputError(f"{path} holds both {SINGLE} and {SHARDED}: name one of the files")
    if not single.exists():
        return _read_shards(index)
    _refuse_too_large([single])
    return _read(single)


def _refuse_one_of_several(path: Path) -> None:
    shard = _SHARD.search(path.name)
    if shard is not None and int(shard[2]) > 1:
        raise InputError(
            f"{path} is shard {int(shard[1])} of {int(shard[2])}: name the folder that holds all of "
            f"them and {SHARDED}"
        )


def _refuse_too_large(files: Iterable[Path]) -> None:
    """Before anything is read, since all of it is kept in memory."""
    files = [file for file in files if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    if size > _MOST_BYTES:
        raise InputError(
            f"{files[0]} has {size >> 30} GiB of weights; at most {_MOST_BYTES >> 30} are read"
        )


def _read_shards(index: Path) -> dict[str, np.ndarray]:
    weights: dict[str, np.ndarray] = {}
    shards = sorted(_shards(index).items())
    _refuse_too_large(index.parent / shard for shard, _ in shards)
    for shard, names in shards:
        weights |= _read(index.parent / shard, names)
    return weights


def _shards(index: Path) -> dict[str, list[str]]:
    """Names of the weights by the name of the file that holds them."""
    content = read_json(index, _MOST_INDEX_BYTES)
    places = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(places, dict) or not places:
        raise InputError(
            f"{index} has no weight_map: it does not say which shard holds which weight"
        )
    shards: dict[str, list[str]] = {}
    for name, shard in places.items():
        if not isinstance(shard, str) or Path(shard).name != shard or not shard.endswith(SUFFIX):
            raise InputError(f"{index} names {str(shard)[:80]!r}, not a {SUFFIX} file beside it")
        shards.setdefault(shard, []).append(name)
    return shards


def _read(file: Path, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of a file: all of them, or those named, which must be there."""
    try:
        open_regular(file).close()
        with safe_open(file, framework="numpy") as tensors:
            there = set(tensors.keys())
            wanted = sorted(there) if names is None else list(names)
            for name in wanted:
                if name not in there:
                    raise InputError(f"{file} lacks {name}, which the index says it holds")
                _check_type(file, name, tensors.get_slice(name).get_dtype())
            return {name: tensors.get_tensor(name) for name in wanted}
    except FileNotFoundError:
        raise InputError(f"{file} is not there") from None
    except (OSError, SafetensorError) as error:
        raise InputError(f"{file} is not a readable {SUFFIX} file: {error}") from error


def _check_type(file: Path, name: str, kind: str) -> None:
    if kind not in _READABLE:
        raise InputError(
            f"{file}: {name} is stored as {kind}, which is not read: store it as F32, F16 or BF16"
        )
