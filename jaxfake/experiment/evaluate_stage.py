"""The one path from a trained stage and a split to result files, sections of a report and sentences."""

import dataclasses

from jaxfake.data.dataset import FaceDataset
from jaxfake.data.preparation import coverage
from jaxfake.data.split_check import check_splits
from jaxfake.evaluation.metrics.intervals import Bootstrap
from jaxfake.evaluation.result_files import Provenance
from jaxfake.experiment.load_run import LoadedRun
from jaxfake.experiment.results import detector_results, recovery_results
from jaxfake.experiment.results.stage_results import EvaluationTask, StageResults
from jaxfake.experiment.run_folder import DETECT


def evaluate_stage(run: LoadedRun, task: EvaluationTask) -> StageResults:
    """Scores every face of the split, measures, and writes the result files to the task's folder."""
    bootstrap = Bootstrap(run.config.evaluation.resamples, run.config.seed)
    origin = provenance(run, task.faces)
    by_stage = detector_results if run.stage == DETECT else recovery_results
    results = by_stage.evaluate(run, task, origin, bootstrap)
    said = tuple(filter(None, [*origin.data_caveats, origin.data_identities]))
    return dataclasses.replace(
        results, in_words=(*results.in_words, *said), summary=(*results.summary, *said)
    )


def provenance(run: LoadedRun, faces: FaceDataset) -> Provenance:
    """What results of this state on these faces are made from."""
    identity = run.metadata.identity
    return Provenance(
        config_sha256=identity.config,
        train_sha256=identity.data or "",
        data_sha256=faces.digest,
        train_manifest=identity.manifest or "",
        data_manifest=faces.manifest,
        stage=run.stage,
        step=run.step,
        splits=check_splits([faces]).json(),
        data_caveats=tuple(coverage.caveats(faces.folder)),
        data_identities=coverage.people(faces.folder),
    )
