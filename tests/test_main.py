"""The main command as a person meets it: what is wrong is said in one line, with exit code 2."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from jaxfake.data.dataset import open_split
from jaxfake.experiment import job
from jaxfake.runtime.errors import InputError
from tests.project import ROOT
from tests.shared import ONE_DEVICE
from tests.tiny import six_steps, six_steps_config

CONFIG = "--config=configs/mover.py"


def run(
    *arguments: object, workdir: Path | None = None, verb: str = "main"
) -> subprocess.CompletedProcess[str]:
    """The main command, or another; a folder of its own for what it leaves."""
    line = [sys.executable, "-m", f"jaxfake.{verb}", *map(str, arguments)]
    line += [f"--workdir={workdir}"] if workdir else []
    environment = os.environ | {"XLA_FLAGS": ONE_DEVICE}
    return subprocess.run(
        line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def _one_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--config is missing"),
        (["--config=configs/nowhere.py"], "nowhere.py"),
        ([CONFIG, "--config.recover.stepz=5"], "stepz"),
        ([CONFIG, "--wrkdir=x"], "wrkdir"),
        (["--config=configs/pretrain.py:vit_x"], "configs/pretrain.py, line "),
        ([CONFIG, "--config.data.source=/no/such/folder"], "/no/such/folder is not a folder"),
        ([CONFIG, "--config.start=/no/such/run"], "start=/no/such/run is neither"),
    ],
)
def test_a_wrong_flag_is_one_line(arguments: list[str], said: str, tmp_path: Path) -> None:
    assert said in _one_line(run(*arguments, workdir=tmp_path / "run"))


@pytest.mark.parametrize(
    ("verb", "platform"),
    [("main", "cuda"), ("evaluate", "gpu"), ("main", "nonsense"), ("evaluate", "cpu,tpu")],
)
def test_a_device_that_is_not_there_is_one_line(
    verb: str, platform: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JAX_PLATFORMS", platform)
    flags = [CONFIG] if verb == "main" else []
    line = _one_line(run(*flags, workdir=tmp_path / "run", verb=verb))
    assert f"JAX_PLATFORMS={platform}, but JAX finds no such device here" in line
    assert not (tmp_path / "run").exists()


def test_help_is_plain_and_quick() -> None:
    done = run("--help")
    assert "The same command again goes on" in done.stdout
    assert "--workdir: Folder of the run; by default" in done.stdout
    assert "--config: Config file, and what to change" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def finished(six_step_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workdir of a small finished run."""
    return Path(shutil.copytree(six_step_run, tmp_path_factory.mktemp("main") / "run"))


def test_a_run_leaves_what_was_promised(finished: Path) -> None:
    config = json.loads((finished / "config.json").read_text())
    assert config["config"]["recover"]["steps"] == 6
    rows = [json.loads(row) for row in (finished / "metrics.jsonl").read_text().splitlines()]
    steps = [(row["stage"], row["step"]) for row in rows if "loss" in row]
    assert steps == [(stage, step) for stage in ("recover", "detect") for step in (2, 4, 6)]
    assert {"loss", "learning_rate", "gradient_norm", "faces_per_second"} <= rows[0].keys()
    assert {"wall/useful", "wall/compile", "wall/lost", "interruptions"} <= rows[-1].keys()
    assert "Goodput: " in (finished / "report.html").read_text()
    looks = [row["step"] for row in rows if "selection/val_video_auc" in row]
    assert looks == [3, 6]
    folder = finished / "eval" / "tiny" / "test"
    assert {p.name for p in folder.iterdir()} >= {"scores.csv", "frames.csv", "metrics.json"}
    metrics = json.loads((folder / "metrics.json").read_text())
    assert (metrics["stage"], metrics["video"]["n_fake"]) == ("detect", 4)
    zero_shot = json.loads((folder / "recover" / "metrics.json").read_text())
    assert (zero_shot["stage"], zero_shot["score"]) == ("recover", "relative_mean")
    assert (finished / "report.html").stat().st_size > 10_000
    assert list((finished / "tensorboard" / "recover").glob("events.*"))
    saved = [int(p.name) for p in (finished / "checkpoints" / "recover").glob("[0-9]*")]
    assert max(saved) == 6
    assert len(saved) <= 3
    assert (finished / "checkpoints" / "detect" / "6" / "score.json").is_file()


def test_the_second_time_nothing_is_trained(finished: Path, tiny_root: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in finished.rglob("*") if p.name != "config.json"}
    done = run(*six_steps(tiny_root), workdir=finished)
    assert done.returncode == 0
    assert "video AUC" in done.stdout
    after = {p: p.stat().st_mtime_ns for p in finished.rglob("*") if p.name != "config.json"}
    files = [p for p in before if p.is_file()]
    assert all(before[p] == after[p] for p in files)


def test_a_workdir_of_another_config_is_refused(finished: Path, tiny_root: Path) -> None:
    done = run(*six_steps(tiny_root), "--config.recover.steps=5", workdir=finished)
    assert "holds a run with recover.steps=6, not 5" in _one_line(done)


def test_a_loss_that_is_not_finite_stops_and_names_the_faces(
    tiny_root: Path, tmp_path: Path
) -> None:
    workdir = tmp_path / "run"
    flags = ["--config.start=scratch", "--config.detect.learning_rate=1e30"]
    done = run(*six_steps(tiny_root), *flags, workdir=workdir)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    failed = re.search(r"the loss is not finite at step (\d)", last)
    assert failed is not None
    assert "tiny/real/train" in last
    saved = [int(path.name) for path in (workdir / "checkpoints" / "detect").glob("[0-9]*")]
    assert saved
    assert all(step <= int(failed[1]) for step in saved)  # each from before that batch


def test_a_fake_among_the_faces_of_stage_one_stops_by_name(tiny_root: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(tiny_root, tmp_path / "data"))
    train = open_split(root, "train", 32)
    all_real = train.index._replace(label=np.zeros_like(train.index.label))
    np.savez(train.folder / "index-train.npz", **all_real._asdict())
    done = run(*six_steps(root), workdir=tmp_path / "run")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert "jaxfake: tiny/swap/train" in last
    assert "has label 1, where the index says 0" in last


def test_a_checkpoint_of_another_model_size_is_refused(
    finished: Path, tiny_root: Path, tmp_path: Path
) -> None:
    workdir = tmp_path / "other"
    shutil.copytree(finished / "checkpoints", workdir / "checkpoints")
    other = six_steps_config(tiny_root, model__encoder__width=64)
    with pytest.raises(InputError, match=r"holds a run with model\.encoder\.width=32, not 64"):
        job.run_job(other, workdir)
    assert not (workdir / "config.json").exists()
