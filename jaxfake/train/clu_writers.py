"""CLU's metric writers on tensorboardX, so that nobody who trains needs TensorFlow.

CLU 0.0.12 imports TensorFlow for one class alone, its `SummaryWriter`: 1.3 GB to install and ten seconds at
every start. `clu.metric_writers` has no way to leave it out. So the class below takes its place
before `clu.metric_writers` is imported for the first time, and this is the only module that imports it.
`tests/train/test_clu_writers.py` fails when a new CLU makes this unnecessary or insufficient.
"""

import contextlib
import json
import sys
import types
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np


@contextlib.contextmanager
def _not_installed(name: str) -> Iterator[None]:
    """As if a module could not be imported."""
    before = {name: sys.modules[name]} if name in sys.modules else {}
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]
        sys.modules.update(before)


with _not_installed("boto3"):  # a third of a second at every start, for event files on S3 alone
    import tensorboardX

REPLACED = "clu.metric_writers.summary_writer"


class SummaryWriter:
    """CLU's `MetricWriter` over tensorboardX. Hides what an earlier process wrote after `purge_step`."""

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


_replacement: Any = types.ModuleType(REPLACED)
_replacement.SummaryWriter = SummaryWriter
sys.modules.setdefault(REPLACED, _replacement)

from clu.metric_writers import AsyncMultiWriter  # noqa: E402  after the replacement above

__all__ = ["AsyncMultiWriter", "SummaryWriter"]
