"""A face seen K times: each part is masked in its own pass, and the passes become one face again."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfake.faces.parts import FACE_PARTS, PartMap
from jaxfake.models import rng
from jaxfake.models.masking import MaskSettings, Mode
from jaxfake.models.part_passes import PASSES, Faces, by_pass, combine_passes, mask_each_part
from jaxfake.models.pixels import patchify

BATCH, GRID, PATCH = 3, 4, 2
N, SIDE, MASKED = GRID**2, GRID * PATCH, 3
KEYS = rng.seeded_keys(rng.stream(0, "test"), jnp.arange(BATCH, dtype=jnp.uint32))
TURN = (3, 2, 1, 0)


@pytest.fixture(scope="module")
def faces() -> Faces:
    """Each part is one row of patches, the second face upside down."""
    image = jnp.asarray(
        np.random.default_rng(0).uniform(-1, 1, (BATCH, SIDE, SIDE, 3)), jnp.float32
    )
    rows = np.repeat([range(GRID), TURN, range(GRID)], GRID, axis=1).astype(np.int32)
    parts = PartMap(jnp.asarray(rows), jnp.zeros_like(rows))
    return Faces(image, patchify(image, PATCH), parts)


def _combined(faces: Faces, mode: Mode):
    """The masks as [K, B, N], what each pass predicted, and the face made of it."""
    masked = mask_each_part(MaskSettings(mode, MASKED), faces, KEYS)
    shape = masked.faces.patches.shape
    predicted = jnp.asarray(np.random.default_rng(1).uniform(-1, 1, shape), jnp.float32)
    combined = combine_passes(masked, predicted, PATCH)
    return np.asarray(by_pass(masked.mask.dropped)), np.asarray(by_pass(predicted)), combined


def test_each_pass_masks_patches_of_its_own_part(faces: Faces) -> None:
    dropped, _, _ = _combined(faces, "part")
    assert dropped.shape == (PASSES, BATCH, N)
    for part, in_pass in zip(FACE_PARTS, dropped, strict=True):
        assert (in_pass.sum(1) == MASKED).all()
        assert (np.asarray(faces.parts.part)[in_pass] == part).all()


def test_the_passes_of_a_face_draw_differently(faces: Faces) -> None:
    first, second, third = _combined(faces, "random")[0]
    assert not np.array_equal(first, second)
    assert not np.array_equal(second, third)


@pytest.mark.parametrize("mode", ["part", "random"])
def test_masked_patches_are_the_mean_of_their_passes_and_the_others_stay(
    faces: Faces, mode: Mode
) -> None:
    dropped, predicted, combined = _combined(faces, mode)
    got, given = np.asarray(patchify(combined.recovered, PATCH)), np.asarray(faces.patches)
    overlaps = 0
    for face in range(BATCH):
        for patch in range(N):
            passes = np.flatnonzero(dropped[:, face, patch])
            overlaps += len(passes) > 1
            source = predicted[passes, face, patch].mean(0) if len(passes) else given[face, patch]
            np.testing.assert_allclose(got[face, patch], source, rtol=1e-6)
    assert bool(overlaps) == (mode == "random")  # both cases were looked at


@pytest.mark.parametrize("mode", ["part", "random"])
def test_hidden_and_error_are_those_of_the_combined_face(faces: Faces, mode: Mode) -> None:
    dropped, _, combined = _combined(faces, mode)
    np.testing.assert_array_equal(combined.hidden, dropped.any(0).reshape(BATCH, GRID, GRID))
    change = np.square(np.asarray(combined.recovered - faces.image))
    per_patch = change.reshape(BATCH, GRID, PATCH, GRID, PATCH, 3).mean((2, 4, 5))
    np.testing.assert_allclose(combined.error, per_patch, rtol=1e-5)
    np.testing.assert_array_equal(np.asarray(combined.error) > 0, combined.hidden)


def test_a_faces_masks_hang_on_its_own_key(faces: Faces) -> None:
    order = jnp.asarray([2, 0, 1])
    turned = jax.tree.map(lambda leaf: leaf[order], faces)
    settings = MaskSettings("part", MASKED)
    before = by_pass(mask_each_part(settings, faces, KEYS).mask.dropped)
    after = by_pass(mask_each_part(settings, turned, KEYS[order]).mask.dropped)
    np.testing.assert_array_equal(before[:, order], after)
