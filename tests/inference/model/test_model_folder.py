"""A model folder gives the same scores as its run, and nothing in it can do harm."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from jaxfake.checkpoints.checksummed_json import checksummed
from jaxfake.data.dataset import open_split
from jaxfake.experiment.load_run import load_run
from jaxfake.inference.model import model_folder, opened_model
from jaxfake.inference.model.export_model import Export, export_model
from jaxfake.inference.model.opened_model import open_model
from jaxfake.inference.scoring import score_tracks
from jaxfake.runtime.errors import InputError

SECRET = "/home/somebody"

pytestmark = pytest.mark.usefixtures("one_device")


@pytest.fixture(scope="module")
def exported(calibrated_run, tmp_path_factory, one_device) -> Path:
    """The folder of a model whose run was evaluated, at this step and at another."""
    copied = tmp_path_factory.mktemp("copied") / "run"
    shutil.copytree(calibrated_run, copied)
    saved = json.loads((copied / "config.json").read_text())
    saved["config"]["data"]["source"] = f"{SECRET}/faces"
    (copied / "config.json").write_text(json.dumps(saved))
    run = load_run(copied, None)
    for name, step in (("test", run.step), ("val", run.step - 1)):
        (copied / "eval" / "tiny" / name).mkdir(parents=True, exist_ok=True)
        video = {"auc": 0.75, "auc_ci95": [0.5, 0.9], "n_real": 4, "n_fake": 4}
        abstention = {"answered": 0.5, "wrong_reals": 0.25, "wrong_fakes": None}
        calibration = {"abstention": abstention}
        measured = {"stage": "detect", "step": step, "video": video, "calibration": calibration}
        (copied / "eval" / "tiny" / name / "metrics.json").write_text(json.dumps(measured))
    return export_model(run, Export(copied.parent / "model", "Apache-2.0", "tiny", "toys"))


@pytest.fixture
def folder(exported, tmp_path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(exported, tmp_path / "model"))


def described(folder: Path, change) -> None:
    """Changes `model.json`, whose own digest stays right."""
    path = folder / model_folder.MANIFEST
    content = json.loads(path.read_text())["content"]
    change(content)
    path.write_text(json.dumps(checksummed(content)))


def test_it_gives_the_scores_of_its_run(exported, model, tiny_root):
    there = open_model(str(exported))
    faces = open_split(tiny_root, "test", 32)
    ours, theirs = (score_tracks(one, [faces])[0].scores for one in (model, there))
    np.testing.assert_array_equal(ours, theirs)
    assert there.calibration == model.calibration
    assert there.facts.weights_sha256 == model.facts.weights_sha256
    assert there.facts.licence == "Apache-2.0"
    assert there.degraded == model.degraded


def test_it_says_what_it_was_measured_at_and_for_which_inputs_it_holds(exported):
    rows = {one.name: one.text for one in open_model(str(exported)).facts.card}
    assert rows["measured on tiny-test"] == (
        "video AUC 0.750 (95 % interval 0.500 to 0.900), 4 real and 4 fake videos; 50.0% of the videos "
        "are answered, 25.0% of the reals are called fake"
    )
    assert "measured on tiny-val" not in rows
    assert rows["trained on"] == "toys"
    assert rows["validated ranges"].startswith("face size ")
    text = (exported / model_folder.CARD).read_text()
    assert "Apache-2.0" in text
    assert "must not be used" in text
    assert json.loads((exported / "results" / "tiny-test.json").read_text())["stage"] == "detect"


def test_it_holds_no_path_of_this_machine(exported):
    for path in (*exported.rglob("*.json"), exported / model_folder.CARD):
        assert SECRET not in path.read_text()
        assert str(exported.parent) not in path.read_text()
    assert open_model(str(exported)).config.data.source == "faces"


@pytest.mark.parametrize("name", [model_folder.WEIGHTS, model_folder.CALIBRATION])
def test_a_changed_or_missing_file_is_refused_by_name(folder, name):
    data = bytearray((folder / name).read_bytes())
    data[-2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(InputError, match=f"{name} is damaged"):
        open_model(str(folder))
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"{name} is missing"):
        open_model(str(folder))


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(folder):
    (folder / model_folder.WEIGHTS).unlink()
    os.mkfifo(folder / model_folder.WEIGHTS)
    with pytest.raises(InputError, match="not a regular file"):
        open_model(str(folder))


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "link"])
def test_nothing_outside_of_the_folder_is_opened(folder, name):
    (folder.parent / "secret").write_text("x")
    (folder / "link").symlink_to(folder.parent / "secret")
    described(folder, lambda it: it["files"].update({name: {"bytes": 1, "sha256": "0" * 64}}))
    with pytest.raises(InputError, match="which is not in the folder"):
        open_model(str(folder))


def test_weights_of_another_network_are_refused(folder):
    def wider(content):
        content["config"]["model"]["encoder"]["width"] = 16

    described(folder, wider)
    with pytest.raises(InputError, match=r"weights\.safetensors"):
        open_model(str(folder))


def test_a_damaged_or_newer_description_is_refused(folder):
    described(folder, lambda it: it.update(version=2))
    with pytest.raises(InputError, match="version 2"):
        open_model(str(folder))
    (folder / model_folder.MANIFEST).write_text("{}")
    with pytest.raises(InputError, match=r"model\.json is damaged"):
        open_model(str(folder))


def test_an_export_overwrites_nothing(exported, calibrated_run):
    with pytest.raises(InputError, match="holds something already"):
        export_model(load_run(calibrated_run, None), Export(exported, "Apache-2.0"))


def test_a_name_leads_to_a_model(exported, tmp_path, monkeypatch):
    names = tmp_path / "models.toml"
    monkeypatch.setenv(opened_model.NAMES_VARIABLE, str(names))
    with pytest.raises(InputError, match="neither a folder nor the name of a model"):
        open_model("mine")
    names.write_text(f"mine = {json.dumps(os.path.relpath(exported, tmp_path))}\n")
    assert open_model("mine").facts.name == "tiny"
    with pytest.raises(InputError, match="has mine"):
        open_model("yours")
    names.write_text("mine = 3\n")
    with pytest.raises(InputError, match="must have lines such as"):
        open_model("mine")
