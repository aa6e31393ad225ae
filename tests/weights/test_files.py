"""Weights of other codebases in a file: told apart by their names, and refused in one line."""

from pathlib import Path

import jax
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
