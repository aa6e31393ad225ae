import json

import jax
import numpy as np
import pytest

from jaxfake.evaluation import recovery
from jaxfake.evaluation.metrics.intervals import Bootstrap
from jaxfake.evaluation.predict import ScoringSettings, score_frames
from jaxfake.evaluation.recovery_baselines import in_network_scale
from jaxfake.evaluation.result_files import Provenance
from jaxfake.faces.parts import FACE_PARTS, PART_NAMES
from jaxfake.models.mae import MaskedAutoencoder
from jaxfake.models.masking import MaskSettings
from jaxfake.models.recover import Recover
from jaxfake.models.vit import Size
from jaxfake.reporting.recovery_section import recovery_text
from jaxfake.train import sharding

BOOTSTRAP = Bootstrap(50, 0)


@pytest.fixture(scope="module")
def recover():
    size = Size(8, 1, 1)
    return Recover(MaskedAutoencoder(size, size, 16, 4), MaskSettings("part", 3))


@pytest.fixture(scope="module")
def params(recover):
    return jax.jit(recover.init)(jax.random.key(0), None)


@pytest.fixture
def scoring():
    """One device: a network takes long to compile for eight."""
    one = np.array(jax.devices()[:1]).reshape(1, 1)
    mesh = jax.sharding.Mesh(one, (sharding.DATA_AXIS, sharding.FSDP_AXIS))
    return ScoringSettings(batch_size=8, seed=3, mesh=mesh, threads=1)


def test_errors_are_those_of_the_zero_shot_detector(
    recover, params, dataset, scoring, tmp_path, monkeypatch, capsys
):
    """Two ways to the same number: on device over patches, on the host over pixels."""
    monkeypatch.setattr(recovery, "MAX_FACES", 4)
    mean = np.zeros((16, 16, 3), np.float32)
    table = recovery.measure(recover, params, dataset, np.arange(8), mean, scoring, BOOTSTRAP)
    assert "4 of 8 real faces" in capsys.readouterr().out
    assert (table.faces, table.faces_in_split, table.identities) == (4, 8, 4)
    chosen = np.array([1, 3, 5, 7])
    evidence = score_frames(recover, params, dataset, chosen, scoring).evidence
    ours = table.errors[recovery.AUTOENCODER]
    for part in FACE_PARTS:
        expected = evidence[f"error_{PART_NAMES[part]}"].mean()
        assert ours[PART_NAMES[part]].error == pytest.approx(expected, rel=1e-5)
    assert ours[recovery.ALL_PARTS].error == pytest.approx(evidence["error_mean"].mean(), rel=1e-5)
    assert ours["eyes"].psnr == pytest.approx(10 * np.log10(4 / ours["eyes"].error))
    _check_file(table, tmp_path)
    _check_text(table)


def _check_file(table, folder):
    recovery.write(folder / "recovery.json", table, Provenance("c", "t", "d", "", "", "recover", 7))
    saved = json.loads((folder / "recovery.json").read_text())
    cell = saved["recovery"]["mirror"]["lips"]
    assert cell["error"] == table.errors["mirror"]["lips"].error
    assert cell["ci95"][0] <= cell["error"] <= cell["ci95"][1]
    assert (saved["step"], saved["faces"]) == (7, 4)


def _check_text(table):
    head, *rows = recovery_text(table).splitlines()
    assert head.split()[-3:] == ["lips", "all", "parts"]
    assert [row.split("  ")[0] for row in rows] == list(table.errors)
    assert len(rows) == 4


def test_only_hidden_pixels_count(dataset):
    truth = in_network_scale(dataset[0].image)
    hidden = np.zeros((16, 16), np.bool_)
    hidden[:4, 4:8] = True
    filled = np.where(hidden[..., None], truth, 9.0)
    assert recovery.masked_error(filled, truth, hidden) == 0
    assert recovery.masked_error(filled + 0.5, truth, hidden) == pytest.approx(0.25)
