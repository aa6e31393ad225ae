"""The forms of the recovery error, and what a fake is compared with."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfake.faces.parts import FACE_PARTS
from jaxfake.models.mae import MaskedAutoencoder
from jaxfake.models.masking import MaskSettings
from jaxfake.models.recover import Recover
from jaxfake.models.vit import Size
from jaxfake.runtime.errors import InputError
from tests.in_memory import build_dataset
from tests.study import KEYS, SIDE, random_autoencoder, unlabelled_faces
from tools.recovery_premise import forms, pairs
from tools.recovery_premise.forms import FORMS, Networks

RECOVER = Recover(
    MaskedAutoencoder(Size(16, 1, 2), Size(8, 1, 2), SIDE, 4), MaskSettings("part", 2)
)
NETWORKS = Networks(RECOVER, None)


@pytest.fixture(scope="module")
def measured():
    batch = unlabelled_faces()
    faces = RECOVER.faces(batch)
    smooth = RECOVER.faces(batch | {"image": np.full_like(batch["image"], 90)})

    @jax.jit
    def both(params):
        one = jnp.eye(RECOVER.mae.pixels)
        return [
            forms.measure(NETWORKS, params, None, scale * one, faces, others, KEYS)
            for scale, others in ((1.0, [faces, faces]), (2.0, [smooth]))
        ]

    return jax.device_get(both(random_autoencoder(RECOVER)))


def test_every_form_has_a_number_for_each_part_and_face(measured):
    assert set(measured[0]) == set(FORMS) - {"foundation"}
    for values in measured[0].values():
        assert values.shape == (len(FACE_PARTS), len(KEYS))
        assert np.isfinite(values).all()


def test_the_face_itself_as_context_gains_nothing_and_another_changes_the_error(measured):
    for form in ("context_gain", "distant_gain"):
        np.testing.assert_allclose(measured[0][form], 0, atol=1e-5)
        assert (np.abs(measured[1][form]) > 1e-4).all()
    assert not np.allclose(measured[1]["context_gain"], measured[1]["distant_gain"])


def test_near_is_what_touches_a_masked_patch():
    dropped = np.zeros((1, 5, 5), bool)
    dropped[0, 0, 1] = dropped[0, 4, 4] = True
    near = np.asarray(forms._near(jnp.asarray(dropped.reshape(1, 25)), 5)).reshape(5, 5)
    assert near.astype(int).tolist() == [
        [1, 1, 1, 0, 0],
        [1, 1, 1, 0, 0],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 1, 1],
        [0, 0, 0, 1, 1],
    ]


def test_whitening_counts_each_direction_in_its_own_unit(measured):
    np.testing.assert_allclose(measured[0]["whitened"], measured[0]["raw"], rtol=1e-5)
    np.testing.assert_allclose(measured[1]["whitened"], 4 * measured[0]["raw"], rtol=1e-5)
    residuals = np.random.default_rng(0).normal(size=(4000, 6)) * [1, 2, 3, 4, 5, 6]
    whitened = residuals @ forms.whitening(residuals)
    np.testing.assert_allclose(np.cov(whitened.T), np.eye(6), atol=0.05)


def test_a_slope_has_nothing_that_a_blur_removes():
    slope = np.tile(np.linspace(-1, 1, 32, dtype=np.float32)[:, None], (1, 1, 32, 3))
    patches = jnp.asarray(slope.reshape(1, 4, 8, 4, 8, 3).swapaxes(2, 3).reshape(1, 16, 192))
    high = np.asarray(forms._high_pass(patches, 8)).reshape(4, 4, 8, 8, 3)
    assert np.abs(high[:, 1:3]).max() < 1e-5  # columns that the edges do not reach
    noise = jax.random.normal(jax.random.key(0), patches.shape)
    assert jnp.square(forms._high_pass(noise, 8)).mean() > 0.7


@pytest.fixture
def split():
    reals = [("real", f"real/{n}", 0, 1) for n in range(4)]
    return build_dataset([*reals, ("swap", "fake/0_9", 1, 1), ("swap", "fake/1_9", 1, 1)])


@pytest.fixture
def originals(split, tmp_path):
    table = tmp_path / "pairs.tsv"
    table.write_text(
        "path\tlabel\tpair\nreal/0.jpg\t0\t\nfake/0_9.jpg\t1\treal/2.jpg\nfake/1_9.jpg\t1\treal/77.jpg\n"
    )
    return pairs.read_originals(table, split)


def test_a_fake_is_masked_as_its_original_beside_the_same_others(split, originals):
    assert originals.tolist() == [0, 1, 2, 3, 2, -1]  # the last one's original is not in the split
    (batch,) = pairs.batches(split, np.array([2, 4, 5]), originals, 2, 4)
    assert batch.faces == 3
    assert batch.mask_seed[0] == batch.mask_seed[1] != batch.mask_seed[2]
    np.testing.assert_array_equal(batch.image[1], split[4].image)
    for other in batch.others:
        np.testing.assert_array_equal(other[0], other[1])
        assert not np.array_equal(other[0], split[2].image)


def test_a_table_without_pairs_is_refused(split, tmp_path):
    (tmp_path / "other.tsv").write_text("file\tlabel\nreal/0.jpg\t0\n")
    with pytest.raises(InputError, match="no table of 'path' and 'pair'"):
        pairs.read_originals(tmp_path / "other.tsv", split)


def test_a_table_of_other_files_is_refused(split, tmp_path):
    (tmp_path / "pairs.tsv").write_text("path\tpair\nfake/0_9.jpg\treal/77.jpg\n")
    with pytest.raises(InputError, match="names no fake of the split 'test' with its original"):
        pairs.read_originals(tmp_path / "pairs.tsv", split)
