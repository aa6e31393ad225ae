"""What a stage is evaluated on, and what comes of it, ready for the terminal and for the report."""

import dataclasses
from pathlib import Path

import numpy as np

from jaxfake.config import Aggregation
from jaxfake.data.dataset import FaceDataset
from jaxfake.data.source_frames import SourceFrames
from jaxfake.evaluation.evidence.calibration.calibration import Calibration
from jaxfake.evaluation.evidence.protocols.protocol import Protocol
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.predict import FrameScores
from jaxfake.experiment.results.baseline_sources import NO_BASELINES, BaselineSources
from jaxfake.reporting.html import Highlight, Section

NOT_CALIBRATED = Undefined("no calibration of this detector is at hand")


@dataclasses.dataclass(frozen=True)
class EvaluationTask:
    """One split to evaluate a stage on.

    Attributes:
        faces: the split.
        folder: for the result files; it exists.
        aggregation: how the scores of a video's faces become one.
        train: what was trained on, for baselines and probes that are made of it; None if it is not at hand.
        training_mask: uint8 [H, W], mean mask of the training fakes; None if it is not at hand.
        frames: that the faces were taken from; None if they are not at hand.
        perturb: names of perturbations under which the detector is measured as well.
        calibration: of the detector; undefined with the reason if it has none.
        protocol: by which a detector is measured; None for the rules of the run's config.
        baselines: what the baselines are made of.
        recovery_alone: what stage 1 scored the same faces; None if it has not.
    """

    faces: FaceDataset
    folder: Path
    aggregation: Aggregation
    train: FaceDataset | None = None
    training_mask: np.ndarray | None = None
    frames: SourceFrames | None = None
    perturb: tuple[str, ...] = ()
    calibration: Calibration | Undefined = NOT_CALIBRATED
    protocol: Protocol | None = None
    baselines: BaselineSources = NO_BASELINES
    recovery_alone: FrameScores | None = None


@dataclasses.dataclass(frozen=True)
class StageResults:
    """Results of one stage.

    Attributes:
        in_words: for the terminal.
        summary: for the top of the page.
        recovery_alone: what stage 1 scored the faces; None for stage 2.
    """

    in_words: tuple[str, ...]
    summary: tuple[str, ...]
    highlights: tuple[Highlight, ...]
    sections: tuple[Section, ...]
    recovery_alone: FrameScores | None = None
