"""Rows of metrics are read one by one, and only those that are rows."""

import json
import os
from pathlib import Path

import pytest

from jaxfake.runtime.errors import InputError
from jaxfake.train.metric_rows import rows_of_metrics


def test_only_rows_are_read(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    assert list(rows_of_metrics(path)) == []
    row = {"stage": "detect", "step": 1, "loss": 0.5, "faces_per_second": None}
    others = ["", "[" * 50_000, "[1]", "3", '{"step": 1}', '{"stage": "detect", "step": "1"}']
    others += [json.dumps(row | {"loss": [1]}), json.dumps(row | {"note": "." * 200_000})]
    lines = [json.dumps(row), *others, json.dumps(row | {"step": 2}), json.dumps(row)[:-5]]
    path.write_text("\n".join(lines))
    assert [found["step"] for found in rows_of_metrics(path)] == [1, 2]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "metrics.jsonl")
    with pytest.raises(InputError, match=r"metrics.jsonl is a pipe"):
        next(rows_of_metrics(tmp_path / "metrics.jsonl"))
