"""No name becomes a formula in a spreadsheet, and every name can be had back."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation.aggregate import per_video
from jaxfake.evaluation.predict import FrameScores
from jaxfake.evaluation.score_files import write_frames, write_scores

NAMES = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "plain", "a=1", "clip-1"]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("file", ["frames.csv", "scores.csv"])
def test_a_name_is_never_a_formula(
    file: str, make_dataset: Callable[..., FaceDataset], tmp_path: Path
) -> None:
    dataset = make_dataset([("=real", name, 0, 2) for name in NAMES], dataset="@toys")
    frames = FrameScores(np.arange(len(dataset)), np.full(len(dataset), 0.25), {})
    if file == "frames.csv":
        write_frames(tmp_path / file, dataset.index, frames)
    else:
        write_scores(tmp_path / file, per_video(dataset.index, frames))
    rows = _rows(tmp_path / file)
    got = {row["video_id"] for row in rows}
    assert all(name[0] not in "=+-@\t\r" for name in got)
    assert {name.removeprefix("'") for name in got} == set(NAMES)
    assert {(row["dataset"], row["method"], row["score"]) for row in rows} == {
        ("'@toys", "'=real", "0.25")
    }


def test_a_row_stays_a_row(make_dataset: Callable[..., FaceDataset], tmp_path: Path) -> None:
    dataset = make_dataset([("real", "a\rtoys,real,b,0\nc\x1b[2J", 0, 1)])
    write_frames(tmp_path / "frames.csv", dataset.index, FrameScores(np.arange(1), np.zeros(1), {}))
    (row,) = _rows(tmp_path / "frames.csv")
    assert row["video_id"] == r"a\rtoys,real,b,0\nc\x1b[2J"
