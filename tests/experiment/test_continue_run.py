"""A folder and the next command in it: lengthened, refused, or mended where its bookkeeping is damaged."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import pytest

from jaxfake import STARTED
from jaxfake.config import Config
from jaxfake.experiment import done_file, job, open_data
from jaxfake.experiment.continue_run import continued
from jaxfake.experiment.load_run import load_run
from jaxfake.experiment.run_config import (
    command_identity,
    identity_in,
    saved_config,
    set_damaged_aside,
    write_config,
)
from jaxfake.experiment.run_folder import CONFIG, DONE, RunFolder
from jaxfake.experiment.start.initial_weights import load_initial_weights
from jaxfake.runtime.errors import InputError
from jaxfake.train import stage as training_stage
from tests.experiment.evaluating import evaluated
from tests.experiment.test_job import small
from tools.chaos.compare import differences
from tools.chaos.job import steps

pytestmark = pytest.mark.usefixtures("one_device")
SCORES = Path("eval", "tiny", "test", "scores.csv")


@pytest.fixture(scope="module")
def original(tiny_root: Path, tmp_path_factory: pytest.TempPathFactory, one_device: None) -> Path:
    """The folder of a finished run."""
    workdir = tmp_path_factory.mktemp("continue") / "run"
    job.run_job(small(tiny_root), workdir)
    return workdir


@pytest.fixture
def finished(original: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(original, tmp_path / "run"))


@pytest.fixture
def run(tiny_root: Path) -> Config:
    return small(tiny_root)


def _longer(run: Config, **steps: int) -> Config:
    stages = {name: dataclasses.replace(getattr(run, name), steps=n) for name, n in steps.items()}
    return dataclasses.replace(run, **stages)


def _noted(run: Config, **lengths: tuple[int, ...]) -> Config:
    stages = {
        name: dataclasses.replace(getattr(run, name), steps=n[-1], lengthened_at=n[:-1])
        for name, n in lengths.items()
    }
    return dataclasses.replace(run, **stages)


def test_a_lengthened_run_is_one_that_was_to_be_so_long_from_the_beginning(
    finished: Path, run: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job.run_job(_longer(run, detect=4), finished)
    said = capsys.readouterr().out
    assert "detect is lengthened from 2 to 4 steps and goes on from its last state" in said
    assert "learning rate rises from 0 to its peak in the first 0 and then falls to 0" in said
    assert "detect: restored step 2" in said
    assert steps(finished)["detect"][-1] == 4

    job.run_job(_noted(run, detect=(2, 4)), tmp_path / "fresh")
    assert not differences(tmp_path / "fresh", finished)
    assert "4 steps" in (finished / "report.html").read_text()

    capsys.readouterr()
    job.run_job(_longer(run, detect=4), finished)  # the same command again: it is done
    assert "restored" not in capsys.readouterr().out
    with pytest.raises(InputError, match=r"holds a run with detect\.steps=4, not 2"):
        job.run_job(run, finished)
    assert load_run(finished, None).config.detect == _noted(run, detect=(2, 4)).detect


def test_with_a_longer_stage_one_stage_two_begins_anew(
    finished: Path, run: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job.run_job(_longer(run, recover=3), finished)
    said = capsys.readouterr().out
    assert "recover: restored step 2" in said
    assert "stage 2 is trained anew" in said
    assert "detect: restored" not in said
    assert (finished / "checkpoints" / "earlier" / "detect-0" / "2").is_dir()
    job.run_job(_noted(run, recover=(2, 3)), tmp_path / "fresh")
    assert not differences(tmp_path / "fresh", finished)


def test_only_a_finished_run_is_lengthened_and_nothing_else_changes(
    finished: Path, run: Config
) -> None:
    before = (finished / CONFIG).read_bytes()
    for changed, said in (
        (_longer(run, detect=1), r"detect\.steps=2, not 1"),
        (dataclasses.replace(_longer(run, detect=4), seed=5), "seed=0, not 5"),
    ):
        with pytest.raises(InputError, match=f"holds a run with {said}"):
            job.run_job(changed, finished)
    with pytest.raises(InputError, match="is lengthened without --store"):
        job.run_job(_longer(run, detect=4), finished, stored=True)
    (finished / DONE).unlink()
    with pytest.raises(InputError, match=r"detect\.steps=2, not 4, which is not finished"):
        job.run_job(_longer(run, detect=4), finished)
    assert (finished / CONFIG).read_bytes() == before


def test_a_store_knows_a_lengthened_run_by_its_command(finished: Path, run: Config) -> None:
    longer = _longer(run, detect=4)
    found = continued(longer, RunFolder(finished), finished=True)
    assert identity_in((finished / CONFIG).read_bytes()) == command_identity(run)
    write_config(found.config, RunFolder(finished))
    assert identity_in((finished / CONFIG).read_bytes()) == command_identity(longer)
    assert continued(longer, RunFolder(finished), finished=True).config == found.config


def test_another_run_goes_on_from_a_finished_detector(
    original: Path, run: Config, tmp_path: Path
) -> None:
    detector = load_run(original, None)
    assert run.detect is not None
    unwatched = dataclasses.replace(run.detect, select_every=0)
    for start in (original / "checkpoints" / "detect", detector.located.checkpoints / "2"):
        fork = dataclasses.replace(run, start=str(start), detect=unwatched)
        begin = load_initial_weights(fork)
        assert (
            f"stage 2 of another run, step {2 if start.name == '2' else detector.step}"
            in begin.origin
        )
    job.run_job(fork, tmp_path / "fork")
    assert steps(tmp_path / "fork").keys() == {"detect"}
    assert "stage 2 of another run, step 2" in (tmp_path / "fork" / "report.html").read_text()
    splits = open_data.training_splits(fork)
    update = training_stage.prepare(job._detect_plan(fork, splits, begin), fork).update
    jax.tree.map(np.testing.assert_array_equal, update.fresh().params, begin.detector)
    other = dataclasses.replace(fork, method=dataclasses.replace(run.method, map_weight=0.25))
    with pytest.raises(InputError, match=r"holds a detector .*map_weight=0\.5"):
        load_initial_weights(other)


def _flipped(path: Path, at: float) -> None:
    data = bytearray(path.read_bytes())
    data[int(at * len(data))] ^= 1
    path.write_bytes(data)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "note").touch()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "emptied": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-20]),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "another": lambda path: path.write_text("{}"),
    "folder": _folder,
    "large": lambda path: path.write_bytes(b" " * (5 << 20)),
    **{f"bit at {at}": lambda path, at=at: _flipped(path, at) for at in (0.0, 0.1, 0.35, 0.6, 0.9)},
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_config_is_made_again(
    damage: str, finished: Path, run: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = (finished / CONFIG).read_bytes()
    DAMAGES[damage](finished / CONFIG)
    assert saved_config(RunFolder(finished)) is None
    with pytest.raises(InputError, match="holds a run with seed=0, not 5"):  # checkpoints know
        job.run_job(dataclasses.replace(run, seed=5), finished)
    set_damaged_aside(RunFolder(finished))
    assert f"{finished / CONFIG} is damaged" in capsys.readouterr().out
    assert not (finished / CONFIG).exists()
    job.run_job(run, finished)
    assert "restored" not in capsys.readouterr().out  # it is done
    assert (finished / CONFIG).read_bytes() == whole


@pytest.mark.parametrize("damage", ["emptied", "folder", "bit at 0.0", "bit at 0.9"])
def test_results_are_made_again_where_done_is_damaged(
    damage: str, finished: Path, run: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    DAMAGES[damage](finished / DONE)
    assert done_file.read(RunFolder(finished)) is None
    assert f"{finished / DONE}" in capsys.readouterr().out


def test_results_that_were_changed_since_are_made_again(
    finished: Path, run: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = (finished / SCORES).read_bytes()
    (finished / SCORES).write_bytes(whole.replace(b"0.", b"1.", 1))
    _folder(finished / DONE)
    (finished / "DONE" / "note").unlink()
    job.run_job(run, finished)
    said = capsys.readouterr().out
    assert f"{finished / DONE} is not a file: the results are made again" in said
    assert "detect: restored step 2" in said
    assert (finished / SCORES).read_bytes() == whole
    assert done_file.read(RunFolder(finished)) is not None
    (finished / SCORES).unlink()
    assert done_file.read(RunFolder(finished)) is None
    assert f"{finished / SCORES} is not what the run wrote" in capsys.readouterr().out


def test_evaluating_again_leaves_the_results_as_they_are(finished: Path, run: Config) -> None:
    evaluated(load_run(finished, None), run.data.source)
    assert done_file.read(RunFolder(finished)) is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"start": "/no/such/run"},
        {"start": "/tmp"},
        {"data.source": "/no/such/data"},
        {"data.leave_out": "nothing of this name"},
        {"fsdp": 3},
    ],
    ids=str,
)
def test_a_command_that_fails_at_its_input_claims_nothing(
    wrong: dict[str, object], run: Config, tmp_path: Path
) -> None:
    for key, value in wrong.items():
        group, _, name = key.rpartition(".")
        inner = dataclasses.replace(getattr(run, group), **{name: value}) if group else value
        run = dataclasses.replace(run, **{group or name: inner})
    workdir = tmp_path / "run"
    with pytest.raises(InputError):
        job.run_job(run, workdir)
    assert not workdir.exists()


def test_drawing_the_toy_faces_is_no_part_of_a_restart(
    run: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = list[float]()

    def stage(*given: object) -> None:
        began.append(given[-1])
        raise InputError("enough")

    monkeypatch.setattr(open_data, "draw_toyfaces", lambda _: 1000.0)
    monkeypatch.setattr(job, "run_stage", stage)
    with pytest.raises(InputError, match="enough"):
        job.run_job(run, tmp_path / "run")
    assert began == [STARTED + 1000.0]


def test_rows_of_metrics_that_are_damaged_are_left_out(
    finished: Path, run: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics = finished / "metrics.jsonl"
    rows = metrics.read_bytes().splitlines()
    broken = [b"\xff", b"[]", b'{"stage": 1}', b'{"Stage": "recover", "step": 1}', b"[" * 100_000]
    metrics.write_bytes(b"\n".join([*rows[:2], *broken, *rows[2:]]) + b"\n")
    (finished / DONE).unlink()
    job.run_job(run, finished)
    assert json.loads((finished / "eval/tiny/test/metrics.json").read_text())["video"]
