"""The weights of a ViT out of an ONNX file, for ViTs of Hugging Face's libraries that torch exported.

Torch keeps the names of most weights. The kernels of linear layers it transposes and names by a number, and
a table of positions that is to be resized it cuts into that of the class token and that of the patches:
their names are found by the operations that use them. Needs the package onnx.
"""

import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import write_atomically
from jaxfake.runtime.progress import say
from jaxfake.weights.pixel_scale import parse_scale

_CLASS_TOKEN = "embeddings.cls_token"
_FOLDED = "onnx::"
"""Begins the names of what torch computed while it exported."""

_Arrays = dict[str, np.ndarray]


def convert(path: Path, out: Path, pixels: str) -> None:
    """Writes the weights of the ViT in an ONNX file, with its pixels in the metadata.

    Raises:
        InputError: see `vit_weights`, or `pixels` is not understood.
    """
    mean, std = parse_scale(pixels, "pixels")
    weights = vit_weights(load_graph(path))
    stated = {"pixel_mean": ",".join(map(str, mean)), "pixel_std": ",".join(map(str, std))}
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, _same_bytes(save(weights, metadata=stated)))
    say(f"{len(weights)} arrays in {out}")


def _same_bytes(content: bytes) -> bytes:
    """A .safetensors file whose metadata are in order, as the library writes them in a random one."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode().ljust(length)
    if len(text) != length:
        raise ValueError("the header of a .safetensors file is not as it was expected")
    return content[:8] + text + content[8 + length :]


def check_installed() -> None:
    """Checks that ONNX files can be read.

    Raises:
        InputError: the package onnx is missing.
    """
    if importlib.util.find_spec("onnx") is None:
        raise InputError("the package onnx is not installed: pip install onnx")


def load_graph(path: Path) -> Any:
    """The graph of an ONNX file, which must hold its weights itself.

    Raises:
        InputError: the package onnx is missing, or this is not such a file.
    """
    check_installed()
    import onnx

    try:
        graph = onnx.load(str(path), load_external_data=False).graph
    except Exception as error:  # protobuf raises errors of its own
        raise InputError(f"{path} is not a readable ONNX file: {error}") from error
    if any(array.external_data for array in graph.initializer):
        raise InputError(f"{path} keeps its weights in other files, which is not supported")
    return graph


def vit_weights(graph: Any) -> _Arrays:
    """The weights of the ViT in a graph, by Hugging Face's names.

    Raises:
        InputError: it has none, an array is damaged, or its positions are not found.
    """
    from onnx import numpy_helper

    try:
        arrays = {array.name: numpy_helper.to_array(array) for array in graph.initializer}
    except (ValueError, TypeError) as error:
        raise InputError(f"it holds a damaged array: {error}") from error
    tokens = [name for name in arrays if name.endswith(_CLASS_TOKEN)]
    if len(tokens) != 1:
        raise InputError(f"it has {len(tokens)} arrays called {_CLASS_TOKEN}; one is needed")
    network = tokens[0].removesuffix(_CLASS_TOKEN)
    named = {name: array for name, array in arrays.items() if not name.startswith(_FOLDED)}
    named |= _kernels(graph, arrays)
    weights = {
        name.removeprefix(network): a for name, a in named.items() if name.startswith(network)
    }
    if "embeddings.position_embeddings" not in weights:
        weights["embeddings.position_embeddings"] = _positions(graph, arrays, network)
    return {name: np.ascontiguousarray(array) for name, array in weights.items()}


def _kernels(graph: Any, arrays: _Arrays) -> Iterator[tuple[str, np.ndarray]]:
    """The kernels of linear layers, by the place of the product that uses them."""
    for node in graph.node:
        kernel = node.input[1] if node.op_type == "MatMul" and len(node.input) == 2 else ""
        if kernel.startswith(_FOLDED) and kernel in arrays:
            yield f"{_module(node)}.weight", arrays[kernel].T


def _positions(graph: Any, arrays: _Arrays, network: str) -> np.ndarray:
    """The table [1, 1 + N, D], from its two parts among the embeddings."""
    embeddings = f"{network}embeddings"
    parts = {
        name: arrays[name]
        for node in graph.node
        if _module(node) == embeddings
        for name in node.input
        if name.startswith(_FOLDED) and name in arrays and arrays[name].ndim == 3
    }
    by_length = sorted(parts.values(), key=lambda part: part.shape[1])
    if [part.shape[1] for part in by_length][:1] != [1] or len(by_length) != 2:
        raise InputError("its table of positions was not found")
    return np.concatenate(by_length, axis=1)


def _module(node: Any) -> str:
    """The module that an operation is of: '/a/layer.0/key/MatMul' is of 'a.layer.0.key'."""
    return re.sub("/", ".", node.name.strip("/").rpartition("/")[0])
