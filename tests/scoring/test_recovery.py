import json

import jax
import numpy as np
import pytest

from jaxfake.faces.parts import FACE_PARTS, PART_NAMES
from jaxfake.masking import MaskRule
from jaxfake.models.mae import MaskedAutoencoder
from jaxfake.models.recover import Recover
from jaxfake.models.vit import Size
from jaxfake.scoring import recovery
from jaxfake.scoring.metrics import Bootstrap
from jaxfake.scoring.predict import score_frames
from jaxfake.scoring.results import Provenance
from jaxfake.scoring.strips import choose_rows, draw_strips

BOOTSTRAP = Bootstrap(50, 0)


@pytest.fixture(scope="module")
def recover():
    size = Size(8, 1, 1)
    return Recover(MaskedAutoencoder(size, size, 16, 4), MaskRule("part", 3))


@pytest.fixture(scope="module")
def params(recover):
    return recover.init(jax.random.key(0))


def test_errors_are_those_of_the_zero_shot_detector(recover, params, dataset, sweep, tmp_path):
    """Two ways to the same number: on device over patches, on the host over pixels."""
    rows, mean = np.arange(8), np.zeros((16, 16, 3), np.float32)
    table = recovery.measure(recover, params, dataset, rows, mean, sweep, BOOTSTRAP)
    evidence = score_frames(recover, params, dataset, rows, sweep).evidence
    ours = table.cells[recovery.AUTOENCODER]
    for part in FACE_PARTS:
        expected = evidence[f"error_{PART_NAMES[part]}"].mean()
        assert ours[PART_NAMES[part]].error == pytest.approx(expected, rel=1e-5)
    assert ours[recovery.ALL_PARTS].error == pytest.approx(evidence["error_mean"].mean(), rel=1e-5)
    assert ours["eyes"].psnr == pytest.approx(10 * np.log10(4 / ours["eyes"].error))
    assert (table.faces, table.identities, table.masked_patches) == (8, 4, 3)
    _check_file(table, tmp_path)
    _check_words(table)


def _check_file(table, folder):
    recovery.write(folder / "recovery.json", table, Provenance("c", "t", "d", "recover", 7))
    saved = json.loads((folder / "recovery.json").read_text())
    cell = saved["recovery"]["mirror"]["lips"]
    assert cell["error"] == table.cells["mirror"]["lips"].error
    assert cell["ci95"][0] <= cell["error"] <= cell["ci95"][1]
    assert (saved["step"], saved["faces"]) == (7, 8)


def _check_words(table):
    head, *rows = recovery.in_words(table).splitlines()
    assert head.split()[-3:] == ["lips", "all", "parts"]
    assert [row.split("  ")[0] for row in rows] == list(table.cells)
    assert len(rows) == 4


def test_a_perfect_filling_has_no_error_and_a_big_split_is_cut(
    recover, params, dataset, sweep, monkeypatch, capsys
):
    monkeypatch.setattr(recovery, "MOST_FACES", 1)
    mean = dataset[4].image / np.float32(127.5) - 1
    rows = np.arange(8)
    table = recovery.measure(recover, params, dataset, rows, mean, sweep, BOOTSTRAP)
    assert (table.faces, table.faces_in_split) == (1, 8)
    assert "1 of 8 real faces" in capsys.readouterr().out
    assert table.cells["mean face"]["all parts"].error == pytest.approx(0, abs=1e-10)
    assert table.cells["mirror"]["all parts"].error > 0.01


def test_strips_are_of_evenly_spaced_faces_of_every_kind(recover, params, dataset, sweep):
    chosen = choose_rows(dataset, 2)
    assert {name: rows.tolist() for name, rows in chosen.items()} == {
        "real": [2, 6],
        "eyes": [9, 12],
        "lips": [15, 18],
    }
    strips = draw_strips(recover, params, dataset, chosen, sweep)
    first = strips["lips"][0]
    assert first.name == dataset.name(15)
    np.testing.assert_array_equal(first.pixels[:, :16], dataset[15].image)
    scores = score_frames(recover, params, dataset, np.array([15]), sweep).score
    assert first.score == pytest.approx(scores[0], rel=1e-5)
