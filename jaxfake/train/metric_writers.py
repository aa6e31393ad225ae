"""Where metrics go: TensorBoard and `metrics.jsonl`, through CLU's writers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxfake.runtime.files import write_atomically
from jaxfake.train.clu_writers import AsyncMultiWriter, SummaryWriter
from jaxfake.train.metric_rows import lines_of_metrics, parse_row
from jaxfake.train.stage import SELECTION, StageFiles


class JsonLinesWriter:
    """CLU's `MetricWriter` for `metrics.jsonl`: one row of scalars per step; pictures are left out."""

    def __init__(self, path: Path, stage: str) -> None:
        self._stage = stage
        self._file = path.open("a", buffering=1)  # a row is on disk before the next is made

    def write_scalars(self, step: int, scalars: Mapping[str, Any]) -> None:
        """One row; a number that is not finite becomes null."""
        numbers = {name: float(value) for name, value in jax.device_get(dict(scalars)).items()}
        row = {name: value if np.isfinite(value) else None for name, value in numbers.items()}
        self._file.write(json.dumps({"stage": self._stage, "step": int(step), **row}) + "\n")

    def write_images(self, step: int, images: Mapping[str, Any]) -> None:
        """Pictures have no place in a row."""

    def write_texts(self, step: int, texts: Mapping[str, str]) -> None:
        """Texts have no place in a row either."""

    def write_hparams(self, hparams: Mapping[str, Any]) -> None:
        """`config.json` has them."""

    def flush(self) -> None:
        """Puts everything on disk."""
        self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def make_writer(
    files: StageFiles, stage: str, resumed_at: int, validate_again: bool
) -> AsyncMultiWriter:
    """Writers of one stage, in a thread of their own, so that the loop waits for no number.

    Rows that an interrupted process wrote after the checkpoint at `resumed_at` are removed first; and,
    with `validate_again`, its rows of validating that state.
    """
    _remove_later_rows(files.metrics, stage, resumed_at, validate_again)
    events = SummaryWriter(str(files.tensorboard), purge_step=resumed_at + 1)
    return AsyncMultiWriter([events, JsonLinesWriter(files.metrics, stage)])


def _remove_later_rows(path: Path, stage: str, step: int, validate_again: bool) -> None:
    if path.exists():
        lines = lines_of_metrics(path)
        write_atomically(
            path, b"".join(line for line in lines if _stays(line, stage, step, validate_again))
        )


def _stays(line: bytes, stage: str, step: int, validate_again: bool) -> bool:
    row = parse_row(line)
    if row is None:
        return False
    repeated = validate_again and any(name.startswith(SELECTION) for name in row)
    return row["stage"] != stage or row["step"] < step or (row["step"] == step and not repeated)
