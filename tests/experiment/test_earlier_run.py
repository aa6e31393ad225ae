"""Runs of the version before the rooms: a finished one is evaluated alike, a stopped one goes on."""

import csv
import json
import tarfile
from pathlib import Path

import pytest

from jaxfake.config import Config
from jaxfake.experiment import job
from jaxfake.experiment.load_run import load_run
from tests.experiment.evaluating import evaluated
from tests.golden.make_earlier_run import WIDTHS
from tests.project import ROOT
from tests.tiny import tiny_config

pytestmark = pytest.mark.usefixtures("one_device")
SCORES = Path("eval", "tiny", "test", "scores.csv")

DEFAULTS = {
    "mask__count": 4,
    "recover__crop": 0.9,
    "recover__learning_rate": 3.2e-2,
    "detect__crop": 0.9,
    "detect__learning_rate": 8e-3,
}
"""What that version shipped, as far as the present one ships something else."""

CLOSE = 1e-5
"""On the machine that made the archive scores and arrays are equal bit for bit; other processors round."""


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A folder with the runs `finished` and `stopped`."""
    with tarfile.open(ROOT / "tests" / "golden" / "earlier_run.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


@pytest.fixture
def run(tiny_root: Path) -> Config:
    return tiny_config(tiny_root, **DEFAULTS, **WIDTHS)


def _scores(path: Path) -> dict[str, float]:
    with path.open() as file:
        return {row["video_id"]: float(row["score"]) for row in csv.DictReader(file)}


def _rows(run: Path) -> dict[tuple[str, int, str], float]:
    """Every loss and every validation score of a run, by stage, step and name."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return {
        (row["stage"], row["step"], name): value
        for row in rows
        for name, value in row.items()
        if name == "loss" or name.startswith("selection/")
    }


def test_a_finished_run_is_evaluated_with_the_same_scores(earlier: Path, tiny_root: Path) -> None:
    loaded = load_run(earlier / "finished", None)
    report = evaluated(loaded, tiny_root, earlier / "again").report
    assert (loaded.stage, loaded.step, loaded.validation_score) == ("detect", 3, 0.875)
    assert _scores(report.parent / "scores.csv") == pytest.approx(
        _scores(earlier / "finished" / SCORES), abs=CLOSE
    )


def test_a_stopped_run_ends_like_the_one_that_was_not_stopped(
    earlier: Path, run: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    job.run_job(run, earlier / "stopped")
    said = capsys.readouterr().out
    assert "recover: restored step 6" in said
    assert "detect: restored step 4" in said
    assert _rows(earlier / "stopped") == pytest.approx(_rows(earlier / "finished"), rel=CLOSE)
    assert _scores(earlier / "stopped" / SCORES) == pytest.approx(
        _scores(earlier / "finished" / SCORES), abs=CLOSE
    )
