"""Where metrics go: TensorBoard and `metrics.jsonl`, through CLU's writers, without TensorFlow.

CLU 0.0.12 imports TensorFlow for one class alone, its `SummaryWriter`. 1.3 GB and ten seconds of import
are too much for that, so this module, and nothing else, puts a `SummaryWriter` on tensorboardX in its
place, before the first import of `clu.metric_writers`.
"""

import json
import sys
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tensorboardX

from jaxfake.runtime.files import write_atomically
from jaxfake.train.stage import SELECTION

_module: Any = types.ModuleType("clu.metric_writers.summary_writer")


class SummaryWriter:
    """CLU's `MetricWriter` over tensorboardX. Rows after `purge_step` of an earlier try are hidden."""

    def __init__(self, folder: str, purge_step: int | None = None) -> None:
        self._events = tensorboardX.SummaryWriter(folder, purge_step=purge_step)

    def write_scalars(self, step: int, scalars: Mapping[str, Any]) -> None:
        """One number per name; one that is not finite is left out."""
        for name, value in scalars.items():
            if np.isfinite(number := float(jax.device_get(value))):
                self._events.add_scalar(name, number, step)

    def write_images(self, step: int, images: Mapping[str, Any]) -> None:
        """uint8 [N, H, W, 3] or [H, W, 3] per name."""
        for name, picture in images.items():
            pixels = np.asarray(jax.device_get(picture))
            self._events.add_images(
                name, pixels.reshape(-1, *pixels.shape[-3:]), step, dataformats="NHWC"
            )

    def write_texts(self, step: int, texts: Mapping[str, str]) -> None:
        """Markdown per name."""
        for name, text in texts.items():
            self._events.add_text(name, text, step)

    def write_hparams(self, hparams: Mapping[str, Any]) -> None:
        """The config of the run, as text."""
        self.write_texts(0, {"config": f"```\n{json.dumps(hparams, indent=2)}\n```"})

    def flush(self) -> None:
        """Puts everything on disk."""
        self._events.flush()

    def close(self) -> None:
        """Flushes and closes the file."""
        self._events.close()


_module.SummaryWriter = SummaryWriter
sys.modules.setdefault(_module.__name__, _module)

from clu import metric_writers  # noqa: E402  after the replacement above


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
        """Nor have texts."""

    def write_hparams(self, hparams: Mapping[str, Any]) -> None:
        """`config.json` has them."""

    def flush(self) -> None:
        """Puts everything on disk."""
        self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def make_writer(
    workdir: Path, stage: str, resumed_at: int, look_again: bool
) -> metric_writers.AsyncMultiWriter:
    """Writers of one stage, in a thread of their own, so that the loop waits for no number.

    What an interrupted try wrote after the checkpoint at `resumed_at` is taken back first; and, with
    `look_again`, what it wrote of a look at that state.
    """
    rows = workdir / "metrics.jsonl"
    _take_back(rows, stage, resumed_at, look_again)
    events = SummaryWriter(str(workdir / "tensorboard" / stage), purge_step=resumed_at + 1)
    return metric_writers.AsyncMultiWriter([events, JsonLinesWriter(rows, stage)])


def _take_back(path: Path, stage: str, step: int, look_again: bool) -> None:
    if not path.exists():
        return
    lines = path.read_text().splitlines(keepends=True)
    kept = [line for line in lines if _stays(line, stage, step, look_again)]
    write_atomically(path, "".join(kept))


def _stays(line: str, stage: str, step: int, look_again: bool) -> bool:
    try:
        row = json.loads(line)
    except ValueError:  # a kill cut the last row short
        return False
    looked = look_again and any(name.startswith(SELECTION) for name in row)
    return row["stage"] != stage or row["step"] < step or (row["step"] == step and not looked)
