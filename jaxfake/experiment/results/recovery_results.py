"""Results of stage 1: how well real parts are recovered, and the error as a zero-shot detector."""

import numpy as np

from jaxfake import schema
from jaxfake.data.pipeline import rows_of
from jaxfake.evaluation import recovery, recovery_baselines, zero_shot
from jaxfake.evaluation.metrics.intervals import Bootstrap
from jaxfake.evaluation.predict import score_frames
from jaxfake.evaluation.result_files import Provenance
from jaxfake.experiment import build_method
from jaxfake.experiment.load_run import LoadedRun
from jaxfake.experiment.results.baseline_results import measure_baselines
from jaxfake.experiment.results.stage_results import EvaluationTask, StageResults
from jaxfake.reporting.confounds_section import confounds_section, confounds_warning
from jaxfake.reporting.recovered_strips import draw_strips
from jaxfake.reporting.recovery_section import recovery_highlights, recovery_section, recovery_text
from jaxfake.reporting.scores.baselines_section import baselines_section, baselines_sentences
from jaxfake.reporting.strips import choose_rows
from jaxfake.reporting.zero_shot_section import (
    zero_shot_highlight,
    zero_shot_section,
    zero_shot_sentences,
)

_STRIPS_EACH = 6


def evaluate(
    run: LoadedRun, task: EvaluationTask, origin: Provenance, bootstrap: Bootstrap
) -> StageResults:
    """Measures the recovery of the real faces, then scores every face; writes the result files."""
    method, test, train = build_method.recovery(run.config), task.faces, task.train
    scoring = build_method.scoring(run.config)
    mean = (
        None if train is None else recovery_baselines.mean_face(train, rows_of(train, schema.REAL))
    )
    reals = rows_of(test, schema.REAL)
    table = recovery.measure(method, run.params, test, reals, mean, scoring, bootstrap)
    recovery.write(task.folder / "recovery.json", table, origin)
    frames = score_frames(method, run.params, test, np.arange(len(test)), scoring)
    result = zero_shot.measure(test, frames)
    baselines = measure_baselines(run, task, result.headline, frames.rows, scoring)
    zero_shot.write(task.folder, test, result, origin, baselines)
    strips = draw_strips(method, run.params, test, choose_rows(test, _STRIPS_EACH), scoring)
    sentences = (
        zero_shot_sentences(result),
        *baselines_sentences(baselines, zero_shot.HEADLINE),
        *confounds_warning(result.headline.confounds),
    )
    measured = result.headline.overall.video.auc
    return StageResults(
        (recovery_text(table), *sentences),
        sentences,
        (zero_shot_highlight(result), *recovery_highlights(table)),
        (
            recovery_section(table, strips),
            zero_shot_section(result),
            *baselines_section(baselines, result.headline, zero_shot.HEADLINE),
            confounds_section(result.headline.confounds, zero_shot.HEADLINE, measured),
        ),
        recovery_alone=frames,
    )
