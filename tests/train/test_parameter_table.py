"""The table of parameters that is shown before training: what the rules have decided."""

import re

import jax
import numpy as np
import pytest

from jaxfake.train import parameter_table, sharding


@pytest.fixture
def params() -> dict[str, dict[str, jax.ShapeDtypeStruct]]:
    """A network that is trained, one that never changes."""
    kernel = jax.ShapeDtypeStruct((4, 6), np.float32)
    bias = jax.ShapeDtypeStruct((6,), np.float32)
    return {"encoder": {"embed": {"kernel": kernel, "bias": bias}}, "frozen": {"a": {"bias": bias}}}


def _table(params: object, fsdp: int) -> str:
    mesh = sharding.make_mesh(fsdp, 8)
    placed = jax.tree.map(
        lambda leaf, where: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=where),
        params,
        sharding.shardings(mesh, params),
    )
    return parameter_table.describe(placed, 1.0)


def _row(table: str, name: str) -> list[str]:
    (line,) = [line for line in table.splitlines() if re.search(rf"\| {name} ", line)]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_it_says_what_is_trained_decayed_frozen_and_split(params: object) -> None:
    table = _table(params, 2)
    name, shape, size, rate, decay, split = _row(table, "encoder/embed/kernel")
    assert (shape, size, rate, decay) == ("(4, 6)", "24", "1", "yes")
    assert sharding.FSDP_AXIS in split
    assert _row(table, "encoder/embed/bias")[3:] == ["1", "", ""]
    assert _row(table, "frozen/a/bias")[3:] == ["frozen", "", ""]
    assert table.endswith("30 trained, 6 frozen")
    assert name


def test_a_parameter_without_a_rule_is_named(params: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no rule for the parameters nobody/kernel"):
        _table({**params, "nobody": {"kernel": jax.ShapeDtypeStruct((2, 2), np.float32)}}, 1)
