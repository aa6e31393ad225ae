"""Weights of other codebases in a file: told apart by their names, and refused in one line."""

import json
import os
import shutil
import struct
from pathlib import Path

import jax
import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from jaxfake.models.mae import MaskedAutoencoder
from jaxfake.models.masking import MaskSettings
from jaxfake.models.recover import Recover
from jaxfake.models.vit import Size
from jaxfake.runtime.errors import InputError
from jaxfake.weights import names
from jaxfake.weights.convert import from_params
from jaxfake.weights.files import load_autoencoder
from jaxfake.weights.tensors import holds_weights, weights_digest

RECOVER = Recover(MaskedAutoencoder(Size(8, 2, 2), Size(4, 1, 2), 16, 8), MaskSettings("part", 1))


@pytest.fixture(scope="module")
def own() -> dict[str, dict[str, object]]:
    """An autoencoder of random numbers."""
    rng = np.random.default_rng(0)
    shapes = jax.eval_shape(lambda: RECOVER.init(jax.random.key(0), None))
    return jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(leaf.dtype), shapes)


@pytest.mark.parametrize("table", [names.TIMM, names.FACEBOOK, names.HF, names.HUB])
def test_each_codebase_is_known_by_its_names(own, table, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    save_file(from_params({stack: own[stack] for stack in table.positions}, table, grid=2), file)
    got = load_autoencoder(file, own)
    assert got.keys() == table.positions.keys()
    for stack in got:
        jax.tree.map(np.testing.assert_array_equal, got[stack], own[stack])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a readable .safetensors file"),
        (b"\xff" * 64, "not a readable .safetensors file"),
        (None, "none of the names"),
    ],
)
def test_any_other_file_is_one_line(own, content: bytes | None, said: str, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    if content is None:
        save_file({"conv1.weight": np.zeros(3, np.float32)}, file)
    else:
        file.write_bytes(content)
    with pytest.raises(InputError, match=said) as error:
        load_autoencoder(file, own)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


def test_what_no_memory_holds_is_refused_unread(own, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    with file.open("wb") as sparse:
        sparse.truncate(17 << 30)  # takes no space on the disk
    with pytest.raises(InputError, match=r"weights.safetensors has 17 GiB of weights; at most 16"):
        load_autoencoder(file, own)


def timm(own) -> dict[str, np.ndarray]:
    """The encoder's weights by timm's names."""
    return from_params({"encoder": own["encoder"]}, names.TIMM, grid=2)


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.float16, np.float64])
@pytest.mark.parametrize("upcast", [False, True])
def test_weights_in_other_precisions_load(own, dtype, upcast: bool, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    rounded = {name: array.astype(dtype) for name, array in timm(own).items()}
    stored = {n: a.astype(np.float32) for n, a in rounded.items()} if upcast else rounded
    save_file(stored, file)
    got = load_autoencoder(file, own)["encoder"]
    assert got["norm"]["bias"].dtype == np.float32
    np.testing.assert_array_equal(got["norm"]["bias"], rounded["norm.bias"].astype(np.float32))


def test_learned_positions_are_refused_in_half_precision_too(own, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    weights = timm(own)
    weights["pos_embed"] = weights["pos_embed"] + 0.02
    save_file({name: array.astype(ml_dtypes.bfloat16) for name, array in weights.items()}, file)
    with pytest.raises(InputError, match="pos_embed is not the fixed sine-cosine table"):
        load_autoencoder(file, own)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_a_number_that_is_not_finite_is_named_with_its_file(own, value, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    weights = timm(own)
    broken = weights["blocks.1.mlp.fc1.weight"].astype(np.float64)
    broken[1, 2] = value
    save_file(weights | {"blocks.1.mlp.fc1.weight": broken}, file)
    with pytest.raises(InputError, match=rf"{file}.* blocks.1.mlp.fc1.weight is not finite$"):
        load_autoencoder(file, own)


def test_types_without_a_meaning_are_named(own, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    weights = timm(own)
    save_file(weights | {"norm.bias": weights["norm.bias"].astype(np.int8)}, file)
    with pytest.raises(InputError, match=r"norm.bias holds int8, not floating-point numbers"):
        load_autoencoder(file, own)
    header = json.dumps({"norm.bias": {"dtype": "F8_E4M3", "shape": [8], "data_offsets": [0, 8]}})
    file.write_bytes(struct.pack("<Q", len(header)) + header.encode() + bytes(8))
    with pytest.raises(InputError, match=rf"{file}: norm.bias is stored as F8_E4M3, which is not"):
        load_autoencoder(file, own)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module.model.", "backbone.", "ema."])
@pytest.mark.parametrize("table", [names.TIMM, names.HUB])
def test_a_wrapper_is_taken_away_and_said(
    own, prefix: str, table, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "weights.safetensors"
    bare = from_params({stack: own[stack] for stack in table.positions}, table, grid=2)
    wrapped = {prefix + name: array for name, array in bare.items()}
    save_file(wrapped | {"head.weight": np.zeros((2, 8), np.float32)}, file)
    got = load_autoencoder(file, own)
    jax.tree.map(np.testing.assert_array_equal, got["encoder"], own["encoder"])
    assert f"begin with {prefix!r}" in capsys.readouterr().out


def test_an_encoder_is_a_wrapper_where_the_rest_is_a_model(own, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    save_file({f"encoder.{name}": array for name, array in timm(own).items()}, file)
    jax.tree.map(
        np.testing.assert_array_equal, load_autoencoder(file, own)["encoder"], own["encoder"]
    )


def test_several_sets_of_weights_are_ambiguous(own, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    weights = timm(own)
    for one, other in (("model.", "ema."), ("", "module.")):
        both = {p + name: array for p in (one, other) for name, array in weights.items()}
        save_file(both, file)
        with pytest.raises(InputError, match="holds several sets of weights"):
            load_autoencoder(file, own)
    wrapped = {f"model.{name}": array for name, array in weights.items()}
    save_file(wrapped | {"norm.bias": weights["norm.bias"]}, file)
    with pytest.raises(InputError, match=r"holds both norm.bias and model.norm.bias"):
        load_autoencoder(file, own)
    save_file(wrapped | {"discriminator.weight": np.zeros(3, np.float32)}, file)
    with pytest.raises(InputError, match=r"discriminator.weight has no place in the model"):
        load_autoencoder(file, own)


def sharded(weights: dict[str, np.ndarray], folder: Path) -> list[str]:
    """Two shards and their index, as Hugging Face's libraries write them; the names in the second."""
    parts = [sorted(weights)[::2], sorted(weights)[1::2]]
    files = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    for part, name in zip(parts, files, strict=True):
        save_file({key: weights[key] for key in part}, folder / name)
    places = {key: name for part, name in zip(parts, files, strict=True) for key in part}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    return parts[1]


def test_folders_of_hugging_face_are_read(own, tmp_path: Path) -> None:
    weights = timm(own)
    single, shards = tmp_path / "single", tmp_path / "shards"
    single.mkdir()
    shards.mkdir()
    save_file(weights, single / "model.safetensors")
    sharded(weights, shards)
    for folder in (single, shards):
        assert holds_weights(folder)
        (folder / "config.json").write_text('{"model_type": "vit_mae"}')
        got = load_autoencoder(folder, own)["encoder"]
        jax.tree.map(np.testing.assert_array_equal, got, own["encoder"])
    assert weights_digest(single) == weights_digest(single / "model.safetensors")
    before = weights_digest(shards)
    save_file({"norm.bias": weights["norm.bias"]}, shards / "model-00002-of-00002.safetensors")
    assert weights_digest(shards) != before
    shutil.copy(single / "model.safetensors", shards)
    with pytest.raises(InputError, match=r"holds both model.safetensors and .*index.json"):
        load_autoencoder(shards, own)


def test_what_is_missing_of_shards_is_named(own, tmp_path: Path) -> None:
    in_second = sharded(timm(own), tmp_path)
    second = tmp_path / "model-00002-of-00002.safetensors"
    with pytest.raises(InputError, match="is shard 2 of 2: name the folder"):
        load_autoencoder(second, own)
    save_file({"other": np.zeros(1, np.float32)}, second)
    with pytest.raises(InputError, match=rf"{second.name} lacks {in_second[0]}"):
        load_autoencoder(tmp_path, own)
    second.unlink()
    with pytest.raises(InputError, match=rf"{second.name} is not there"):
        load_autoencoder(tmp_path, own)
    os.mkfifo(second)
    with pytest.raises(InputError, match=rf"{second.name} is a pipe.* not a regular file"):
        load_autoencoder(tmp_path, own)


@pytest.mark.parametrize("shard", ["../up.safetensors", "/etc/x.safetensors", "weights.bin", 3])
def test_an_index_names_files_beside_it_only(own, shard: object, tmp_path: Path) -> None:
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"norm.bias": shard}}))
    with pytest.raises(InputError, match=r"index.json names .*, not a .safetensors file beside it"):
        load_autoencoder(tmp_path, own)
    index.write_text("[1]")
    with pytest.raises(InputError, match=r"index.json has no weight_map"):
        load_autoencoder(tmp_path, own)
