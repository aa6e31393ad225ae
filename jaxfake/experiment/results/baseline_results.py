"""The baselines of an evaluation, measured on the same videos as what was evaluated."""

from collections.abc import Iterator

import numpy as np

from jaxfake.evaluation.detection import DetectionResult
from jaxfake.evaluation.evidence.baselines.measured import (
    RECOVERY_RAW,
    RECOVERY_RELATIVE,
    Baseline,
    measure_baseline,
)
from jaxfake.evaluation.evidence.baselines.probe_splits import probe_scores
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.predict import FrameScores, ScoringSettings, score_frames
from jaxfake.experiment import build_method
from jaxfake.experiment.load_run import LoadedRun
from jaxfake.experiment.results.stage_results import EvaluationTask
from jaxfake.experiment.run_folder import DETECT

_RAW = "error_mean"
"""Name of the plain error among the scores of stage 1."""


def measure_baselines(
    run: LoadedRun,
    task: EvaluationTask,
    found: DetectionResult,
    rows: np.ndarray,
    scoring: ScoringSettings,
) -> dict[str, Baseline | Undefined]:
    """Every baseline by its name, on the faces at `rows`, int64 [n], which `found` is about.

    Where `found` has no AUC, nothing is computed, since no baseline would have one either.
    """
    value = found.overall.video.auc.value
    if isinstance(value, Undefined):
        return dict.fromkeys(task.baselines.probed, value)
    alone = _recovery_alone(run, task, found, rows, scoring) if run.stage == DETECT else ()
    return dict([*alone, *_probes(task, found, rows, scoring)])


def _recovery_alone(
    run: LoadedRun,
    task: EvaluationTask,
    found: DetectionResult,
    rows: np.ndarray,
    scoring: ScoringSettings,
) -> Iterator[tuple[str, Baseline | Undefined]]:
    """The masked recovery error of stage 1; its scores are not computed again if they are at hand."""
    frames, stage_one = task.recovery_alone, task.baselines.stage_one
    if frames is None and not isinstance(stage_one, Undefined):
        if "decoder" in stage_one:
            recover = build_method.recovery(run.config)
            frames = score_frames(recover, stage_one, task.faces, rows, scoring, scores_alone=True)
        else:
            stage_one = Undefined("the decoder of stage 1 is not at hand")
    for name in (RECOVERY_RELATIVE, RECOVERY_RAW):
        if frames is None:
            assert isinstance(stage_one, Undefined)
            yield name, stage_one
        else:
            score = frames.score if name == RECOVERY_RELATIVE else frames.evidence[_RAW]
            scores = FrameScores(frames.rows, score, {})
            yield name, measure_baseline(task.faces, scores, found, "mean")


def _probes(
    task: EvaluationTask, found: DetectionResult, rows: np.ndarray, scoring: ScoringSettings
) -> Iterator[tuple[str, Baseline | Undefined]]:
    for name, probed in task.baselines.probed.items():
        if isinstance(probed, Undefined):
            yield name, probed
            continue
        frames = probe_scores(probed.network, probed.probe, task.faces, rows, scoring)
        yield name, measure_baseline(task.faces, frames, found, task.aggregation, probed.probe)
