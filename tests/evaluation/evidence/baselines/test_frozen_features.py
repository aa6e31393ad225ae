"""Features are of whole faces: the class token and the mean of all patch tokens."""

import jax
import numpy as np
import pytest

from jaxfake.evaluation.evidence.baselines.frozen_features import (
    FrozenNetwork,
    ImportedFeatures,
    StageOneFeatures,
    frozen_features,
)
from jaxfake.evaluation.predict import device_batches
from jaxfake.models.finetuned.foundation_vit import ViTSettings
from jaxfake.models.finetuned.network import ImportedViT
from jaxfake.models.finetuned.settings import ImportedSettings
from jaxfake.models.mae import MaskedAutoencoder
from jaxfake.models.masking import MaskSettings
from jaxfake.models.recover import Recover
from jaxfake.models.vit import Compute, Size
from tests.in_memory import SIDE

RECOVER = Recover(MaskedAutoencoder(Size(8, 1, 2), Size(8, 1, 2), SIDE, 4), MaskSettings("part", 4))


@pytest.fixture
def params():
    return jax.jit(lambda key: RECOVER.init(key, None))(jax.random.key(0))


def test_stage_one_sees_the_whole_face(dataset, scoring, params):
    rows = np.array([5, 0, 9])
    network = FrozenNetwork(StageOneFeatures(RECOVER), params, "stage 1")
    found = frozen_features(network, dataset, rows, scoring)
    (batch,) = device_batches(dataset, rows, scoring, "test")

    @jax.jit
    def whole(params, inputs):
        return RECOVER.autoencode_whole(params, RECOVER.faces(inputs)).tokens

    tokens = np.asarray(whole(params, batch.inputs))[:3]
    expected = np.concatenate([tokens[:, 0], tokens[:, 1:].mean(1)], axis=1)
    assert found.shape == (3, 16)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_an_imported_network_is_taken_as_it_came_in(dataset, scoring):
    vit = ViTSettings(Size(8, 2, 2), 8, "learned", 1, True, False, "gelu", 1e-6)
    imported = ImportedViT(ImportedSettings("", "", vit, SIDE, "full", 1, blocks=(1,)), Compute())
    weights = jax.jit(imported.fresh_weights)(jax.random.key(1))
    network = FrozenNetwork(ImportedFeatures(RECOVER, imported), weights, "imported")
    found = frozen_features(network, dataset, np.arange(2), scoring)
    (batch,) = device_batches(dataset, np.arange(2), scoring, "test")

    @jax.jit
    def whole(weights, inputs):
        first = imported.run_weights(weights)
        return imported.network.apply({"params": first}, RECOVER.faces(inputs).image).tokens

    tokens = np.asarray(whole(weights, batch.inputs))[:2]
    expected = np.concatenate([tokens[:, 0], tokens[:, 2:].mean(1)], axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-5)
