"""Rows of metrics on disk: what a person reads there, also after an interruption."""

import json
from pathlib import Path
from typing import Any

import jax.numpy as jnp

from jaxfake.experiment.run_folder import RunFolder
from jaxfake.train.metric_writers import make_writer
from jaxfake.train.stage import SELECTION, StageFiles


def _files(workdir: Path) -> StageFiles:
    return RunFolder(workdir).stage("recover")


def _rows(workdir: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def _write(workdir: Path, begun_at: int, steps: list[int], validate_again: bool = False) -> None:
    writer = make_writer(_files(workdir), "recover", begun_at, validate_again)
    for step in steps:
        writer.write_scalars(step, {"loss": jnp.float32(step), "seen": float("nan")})
    writer.close()


def test_a_row_holds_numbers_and_null_where_there_is_none(tmp_path: Path) -> None:
    _write(tmp_path, 0, [2])
    assert _rows(tmp_path) == [{"stage": "recover", "step": 2, "loss": 2.0, "seen": None}]


def test_an_interruption_takes_back_what_came_after_the_checkpoint(tmp_path: Path) -> None:
    _write(tmp_path, 0, [2, 4, 6])
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"stage": "detect", "step": 6}) + "\n" + '{"stage": "recov')
    _write(tmp_path, 4, [6, 8])
    steps = [(row["stage"], row["step"]) for row in _rows(tmp_path)]
    assert steps == [("recover", 2), ("recover", 4), ("detect", 6), ("recover", 6), ("recover", 8)]


def test_a_look_that_is_made_again_is_written_once(tmp_path: Path) -> None:
    _write(tmp_path, 0, [4])
    looked = json.dumps({"stage": "recover", "step": 4, f"{SELECTION}auc": 0.5})
    for validate_again, left in ((False, 2), (True, 1)):
        with (tmp_path / "metrics.jsonl").open("a") as file:
            file.write(looked + "\n")
        _write(tmp_path, 4, [], validate_again)
        kept = [row for row in _rows(tmp_path) if row["step"] == 4]
        assert len(kept) == left
