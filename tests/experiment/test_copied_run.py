"""A run that was copied from a stranger: it is read where it is, and decides nothing about other places."""

import json
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from jaxfake.checkpoints.checksummed_json import MOST_BYTES
from jaxfake.experiment import evaluate_dataset, open_data, presets
from jaxfake.experiment.evaluate_dataset import own_data
from jaxfake.experiment.load_run import load_run
from jaxfake.runtime.errors import InputError
from tests.experiment.evaluating import evaluated
from tests.project import ROOT

pytestmark = pytest.mark.usefixtures("one_device")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a finished run, below the current folder."""
    with tarfile.open(ROOT / "tests" / "golden" / "earlier_run.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "finished"


def _configured(run: Path, **data: object) -> None:
    """Changes values of the run's data that its identity does not depend on."""
    path = run / "config.json"
    saved = json.loads(path.read_text())
    saved["config"]["data"] |= data
    path.write_text(json.dumps(saved))


def test_paths_in_its_config_are_not_followed(
    run: Path, tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = tmp_path / "photos of somebody"
    photos.mkdir()
    (photos / "a.png").write_bytes(b"")
    _configured(run, source=str(photos), root=str(tmp_path / "elsewhere"))
    with pytest.raises(InputError, match=f"--data is missing: the run was trained on '{photos}'"):
        own_data(load_run(run, None))
    _configured(run, source=open_data.TOYFACES)
    asked: list[Path] = []
    monkeypatch.setattr(
        open_data, "_drawn_toyfaces", lambda root, size: asked.append(root) or tiny_root
    )
    loaded = load_run(run, None)
    assert own_data(loaded) == open_data.TOYFACES
    evaluated(loaded, open_data.TOYFACES, tmp_path / "out")
    assert set(asked) == {Path(presets.toyfaces({}).data.root)}  # below the current folder
    assert not (tmp_path / "elsewhere").exists()
    assert list(photos.iterdir()) == [photos / "a.png"]


@pytest.mark.parametrize("name", ["eval", "eval/tiny", "eval/tiny/test", "prepared"])
def test_a_link_does_not_lead_results_elsewhere(
    name: str, run: Path, tiny_root: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.rmtree(run / "eval")
    link = run / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(elsewhere)
    loaded = load_run(run, None)
    with pytest.raises(InputError, match=f"{link} is a link, .* another folder with --out"):
        evaluated(loaded, tiny_root)
    assert list(elsewhere.iterdir()) == []
    if name == "eval":
        evaluated(loaded, tiny_root, tmp_path / "out")


def test_a_link_among_what_was_prepared_is_not_followed(run: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "a.png").write_bytes(b"")
    (tmp_path / "mine").mkdir()
    (run / "prepared" / "photos").mkdir(parents=True)
    (run / "prepared" / "photos" / ".work").symlink_to(tmp_path / "mine")
    with pytest.raises(InputError, match=r"photos/.work is a link"):
        evaluated(load_run(run, None), photos)


@pytest.mark.parametrize(
    "name", ["config.json", "training_mask.png", "checkpoints", "checkpoints/detect/3"]
)
def test_a_link_does_not_lead_reads_elsewhere(name: str, run: Path, tmp_path: Path) -> None:
    (run / name).rename(tmp_path / "moved")
    (run / name).symlink_to(tmp_path / "moved")
    with pytest.raises(InputError, match=f"{run / name} is a link that leads out of {run}"):
        load_run(run, None)
    (run / name).unlink()
    (tmp_path / "moved").rename(run / "inside")
    (run / name).symlink_to(run / "inside")
    assert load_run(run, None).step == 3


@pytest.mark.parametrize("item", ["state", "meta"])
def test_a_part_of_a_checkpoint_that_is_a_link_is_passed_over(
    item: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    selected = run / "checkpoints" / "detect" / "3"
    (selected / item).rename(tmp_path / "moved")
    (selected / item).symlink_to(tmp_path / "moved")
    assert load_run(run, None).step == 6
    assert f"detect/3 is damaged ({item} is a link" in capsys.readouterr().out


def _nested(path: Path) -> None:
    path.write_text("[" * 100_000)


def _large(path: Path) -> None:
    path.write_text(" " * (MOST_BYTES + 1))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (os.mkfifo, "is a pipe"),
        (_nested, "is damaged: its values are nested too deeply"),
        (_large, f"has more than {MOST_BYTES} bytes"),
        (lambda path: path.write_text("[]"), "is damaged: it has no config"),
        (lambda path: path.write_text('{"config": {"seed": "a"}}'), "is damaged, or of another"),
    ],
)
def test_a_config_that_is_not_one_is_named(
    make: Callable[[Path], None], why: str, run: Path
) -> None:
    (run / "config.json").unlink()
    make(run / "config.json")
    with pytest.raises(InputError, match=f"config.json {why}"):
        load_run(run, None)


@pytest.mark.parametrize(
    ("side", "why"), [(4096, "is not a PNG of at most 2048 pixels"), (0, "is not a PNG")]
)
def test_a_training_mask_is_not_larger_than_a_crop(
    side: int, why: str, run: Path, tiny_root: Path, tmp_path: Path
) -> None:
    picture = cv2.imencode(".png", np.zeros((side, 8), np.uint8))[1].tobytes() if side else b"?"
    (run / "training_mask.png").write_bytes(picture)
    with pytest.raises(InputError, match=rf"training_mask.png is damaged .*{why}.*: delete it"):
        evaluated(load_run(run, None), tiny_root, tmp_path / "out")


def test_files_that_were_not_taken_are_in_the_report(
    run: Path, tiny_root: Path, tmp_path: Path
) -> None:
    prepared = tmp_path / "prepared"
    shutil.copytree(tiny_root, prepared)
    entries = [{"file": "=<b>a.heic", "status": "refused: it is a HEIC picture"}]
    entries += [{"file": f"{n}.mp4", "status": "missing: no such file"} for n in range(12)]
    content = {"dataset": "tiny", "settings": {}, "source": {}, "versions": {}, "manifest": "m"}
    (prepared / "coverage.json").write_text(
        json.dumps({**content, "coverage": {}, "files": entries})
    )
    page = evaluated(load_run(run, None), prepared, tmp_path / "out").report.read_text()
    assert "13: =&lt;b&gt;a.heic (refused: it is a HEIC picture); 0.mp4 (missing" in page
    assert "; and 3 more" in page


def test_sizes_in_a_config_are_bounded(run: Path) -> None:
    path = run / "config.json"
    pristine = path.read_text()
    for group, key, value in (
        ("data", "size", 1 << 20),
        ("data", "threads", 10**6),
        ("evaluation", "batch_size", 10**9),
        ("evaluation", "resamples", 10**9),
    ):
        saved = json.loads(pristine)
        saved["config"][group][key] = value
        path.write_text(json.dumps(saved))
        with pytest.raises(InputError, match=rf"config.json .*{group}.{key}={value} is more than"):
            load_run(run, None)


def test_where_results_go_is_said_by_the_command_alone(run: Path, tmp_path: Path) -> None:
    loaded = load_run(run, None)
    assert evaluate_dataset.results_root(loaded, None).path == run
    assert evaluate_dataset.results_root(loaded, tmp_path / "out").path == tmp_path / "out"
