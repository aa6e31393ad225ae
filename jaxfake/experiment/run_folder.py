"""The folder of a run: the only place where the names of its files are spelled."""

import dataclasses
import re
from pathlib import Path

import numpy as np

from jaxfake.data.dataset import FaceDataset
from jaxfake.train.stage import StageFiles

CONFIG, METRICS, DONE = "config.json", "metrics.jsonl", "DONE"
CHECKPOINTS, EVALUATION, PREPARED = "checkpoints", "eval", "prepared"
REPORT = "report.html"
FILES = (CONFIG, METRICS, DONE, REPORT)

STAGES = RECOVER, DETECT = "recover", "detect"
"""Names of the stages, as in `checkpoints/NAME`."""

SALVAGED = Path("salvaged")
"""Where results of a checkpoint without its run go, in the current folder."""


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """The files of a run."""

    path: Path

    @property
    def config(self) -> Path:
        """What was run, see `run_config`."""
        return self.path / CONFIG

    @property
    def done(self) -> Path:
        """The results in words, once there are any."""
        return self.path / DONE

    @property
    def metrics(self) -> Path:
        """A row of JSON per logged step of every stage."""
        return self.path / METRICS

    @property
    def report(self) -> Path:
        """Everything to look at, in one file."""
        return self.path / REPORT

    @property
    def training_mask(self) -> Path:
        """The mean mask of the training fakes, see `trivial_maps`."""
        return self.path / "training_mask.png"

    @property
    def calibration(self) -> Path:
        """How the detector's scores become likelihood ratios, see `evidence.calibration`."""
        return self.path / "calibration.json"

    @property
    def probes(self) -> Path:
        """Linear probes on frozen networks, see `evidence.baselines`."""
        return self.path / "probes.json"

    @property
    def head_probe(self) -> Path:
        """The linear probe that the head of stage 2 began as, see `start.probed_head`."""
        return self.path / "head_probe.json"

    @property
    def head_features(self) -> Path:
        """Features that it is fitted on, until it is: 50 MB for 5,600 faces at three blocks of ViT-S. They
        are not uploaded."""
        return self.path / ".head_features"

    @property
    def checkpoints(self) -> Path:
        """A folder per stage, with a folder per saved step."""
        return self.path / CHECKPOINTS

    @property
    def evaluation(self) -> Path:
        """The result files, see `results`."""
        return self.path / EVALUATION

    @property
    def prepared(self) -> Path:
        """Face crops of the photographs and videos that were evaluated from a plain folder."""
        return self.path / PREPARED

    def lease(self, process: int) -> Path:
        """Who is at work here, see `runtime.lease`; each process of a run has one. It is not uploaded."""
        return self.path / f".lease-{process}"

    def stage(self, name: str) -> StageFiles:
        """What the training of a stage leaves."""
        folder = self.checkpoints / name
        return StageFiles(
            checkpoints=folder,
            heartbeat=folder / "heartbeat.json",
            metrics=self.metrics,
            tensorboard=self.path / "tensorboard" / name,
        )

    def results(self, dataset: FaceDataset) -> Path:
        """`eval/<dataset>/<split>`, named as the examples name their dataset(s).

        Without any example it is named after the folder that the dataset was prepared in.
        """
        prepared = dataset.folder.resolve().parent.parent.name
        names = "+".join(np.unique(dataset.index.dataset).tolist()) or prepared
        return self.evaluation / safe_name(names) / safe_name(dataset.split)


def safe_name(name: str) -> str:
    """One folder name: what a dataset calls itself must not lead elsewhere."""
    return re.sub(r"[^\w+.-]", "_", name).lstrip(".")[:100] or "unnamed"
