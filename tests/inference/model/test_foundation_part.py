"""A model folder may leave out an encoder that jaxfake fetches by name."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jaxfake.checkpoints.checksummed_json import checksummed
from jaxfake.data.dataset import open_split
from jaxfake.experiment import job
from jaxfake.experiment.load_run import load_run
from jaxfake.inference.model import foundation_part, model_folder
from jaxfake.inference.model.export_model import Export, export_model
from jaxfake.inference.model.foundation_part import Foundation
from jaxfake.inference.model.opened_model import open_model
from jaxfake.inference.scoring import score_tracks
from jaxfake.runtime.errors import InputError
from jaxfake.weights.tensors import read_tensors, weights_digest
from tests.experiment.start.test_imported_network import with_network
from tests.weights.foundation_models import PLAIN, dinov2, random_vit, saved

pytestmark = pytest.mark.usefixtures("one_device")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "vit.safetensors"
    return saved(dinov2(random_vit(PLAIN), PLAIN), path)


@pytest.fixture(scope="module")
def run(weights: Path, tiny_root: Path, tmp_path_factory: Any, one_device: None) -> Path:
    """A detector that reads the first block of the network alone."""
    folder = tmp_path_factory.mktemp("run") / "run"
    job.run_job(with_network(tiny_root, weights, blocks=(1,), tuning="lora"), folder)
    return folder


@pytest.fixture
def known(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoder is the one that is fetched by name."""
    known = Foundation("dinov2_small", weights_digest(weights))
    monkeypatch.setattr(foundation_part, "KNOWN", known)
    monkeypatch.setattr(foundation_part.foundation_file, "obtain", lambda: weights)


@pytest.mark.usefixtures("known")
def test_without_the_encoder_it_is_small_and_gives_the_same_scores(
    run: Path, tiny_root: Path, tmp_path: Path
) -> None:
    wanted = Export(tmp_path / "model", "Apache-2.0", without_foundation=True)
    folder = export_model(load_run(run, None), wanted)
    stored = read_tensors(folder / model_folder.WEIGHTS)
    assert {name.partition("/")[0] for name in stored} == {"finetuned", "head"}
    faces = open_split(tiny_root, "test", 32)
    ours, theirs = (score_tracks(open_model(str(one)), [faces])[0].scores for one in (folder, run))
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.usefixtures("known")
def test_an_encoder_that_is_not_known_is_named(run: Path, tmp_path: Path) -> None:
    wanted = Export(tmp_path / "model", "Apache-2.0", without_foundation=True)
    path = export_model(load_run(run, None), wanted) / model_folder.MANIFEST
    content = json.loads(path.read_text())["content"]
    content["foundation"]["name"] = "another"
    path.write_text(json.dumps(checksummed(content)))
    with pytest.raises(InputError, match="needs the encoder 'another' with sha256"):
        open_model(str(path.parent))


def test_only_an_encoder_that_is_fetched_by_name_is_left_out(run: Path, tmp_path: Path) -> None:
    wanted = Export(tmp_path / "model", "Apache-2.0", without_foundation=True)
    with pytest.raises(InputError, match="nothing can be left out"):
        export_model(load_run(run, None), wanted)
    assert not wanted.to.exists()
