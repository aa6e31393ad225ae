"""The digest of arrays notices what a disk does to them, and not where they lie."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.sharding import NamedSharding, PartitionSpec

from jaxfake.checkpoints.array_digest import array_digest

WORDS = np.random.default_rng(0).integers(0, 2**32, (4, 8), dtype=np.uint32)


def _digest(words: np.ndarray) -> list[list[int]]:
    return array_digest({"kernel": jnp.asarray(words.view(np.float32))})


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 3), st.integers(0, 7), st.integers(0, 31))
def test_a_flipped_bit_changes_both_sums(row: int, column: int, bit: int) -> None:
    flipped = WORDS.copy()
    flipped[row, column] ^= np.uint32(1 << bit)
    (whole,), (damaged,) = _digest(WORDS), _digest(flipped)
    assert whole[0] != damaged[0]
    assert whole[1] != damaged[1]


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(32)))
def test_words_in_another_order_are_other_arrays(order: list[int]) -> None:
    moved = WORDS.ravel()[order].reshape(WORDS.shape)
    assert (_digest(moved) == _digest(WORDS)) == (order == sorted(order))


@pytest.mark.parametrize(
    "split", [PartitionSpec(), PartitionSpec("all"), PartitionSpec(None, "all")]
)
def test_it_does_not_depend_on_where_the_parts_lie(split: PartitionSpec) -> None:
    mesh = jax.make_mesh((4,), ("all",), devices=jax.devices()[:4])
    spread = jax.device_put(WORDS.view(np.float32), NamedSharding(mesh, split))
    assert array_digest({"kernel": spread}) == _digest(WORDS)


def test_arrays_are_told_apart_by_their_place_and_shape() -> None:
    one, other = jnp.arange(6, dtype=jnp.int32), jnp.zeros((), jnp.bfloat16)
    assert array_digest([one, other]) == array_digest([other, one])[::-1]
    assert array_digest([one]) != array_digest([one[:5]])
