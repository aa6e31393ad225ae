"""A trained run on faces that a person names, apart from the main job."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from jaxfake.config import Aggregation
from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation import trivial_maps
from jaxfake.evaluation.metrics.auc import Bootstrap
from jaxfake.evaluation.result_files import Provenance, evaluation_folder, manifest_facts
from jaxfake.experiment import build, description, stage_one, stage_two
from jaxfake.experiment.build import DETECT
from jaxfake.experiment.load import OpenRun
from jaxfake.experiment.stage_results import StageResults
from jaxfake.experiment.stage_two import Measuring
from jaxfake.reporting.html import Report, write_report
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.progress import say


class Evaluated(NamedTuple):
    """What became of one dataset."""

    in_words: tuple[str, ...]
    report: Path


def evaluate(run: OpenRun, source: str, split: str, aggregation: Aggregation | None) -> Evaluated:
    """Scores one split of a dataset, and writes its results and report.

    Raises:
        InputError: the dataset cannot be opened or prepared, or does not fit the run; an aggregation is
            given for stage 1.
    """
    if aggregation is not None and run.found.stage != DETECT:
        raise InputError(
            "--aggregation is for a detector: the score of stage 1 is a mean by definition"
        )
    faces = build.named_split(source, split, run.config, run.out / "prepared")
    folder = _results_folder(run, faces)
    warnings = _warnings(run, faces)
    for warning in warnings:
        say(warning)
    if run.found.stage == DETECT:
        results = _detection(run, folder, source, faces, aggregation)
    else:
        results = _recovery(run, folder, source, faces)
    report = folder / "report.html"
    write_report(
        report,
        Report(
            title=f"{run.name} on {source}, split {split}",
            summary=(*warnings, *results.summary),
            highlights=results.highlights,
            facts=_facts(run, faces),
            sections=results.sections,
        ),
    )
    return Evaluated(results.in_words, report)


def _results_folder(run: OpenRun, faces: FaceDataset) -> Path:
    """Where the results of this state on these faces lie; it is made.

    Raises:
        InputError: it cannot be.
    """
    try:
        folder = evaluation_folder(run.out, faces)
        if run.step_asked is not None:
            folder = folder / f"step_{run.step_asked}"
        if run.found.stage != DETECT:
            folder = folder / run.found.stage
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{run.out}: {error.strerror}; name another folder with --out") from error
    return folder


def _detection(
    run: OpenRun, folder: Path, source: str, faces: FaceDataset, aggregation: Aggregation | None
) -> StageResults:
    evaluation = run.config.evaluation
    assert run.config.method is not None
    return stage_two.evaluate(
        folder,
        run.config.method.name,
        run.method,
        run.stage.params,
        faces,
        _provenance(run, faces),
        Measuring(
            build.sweep(run.config),
            Bootstrap(evaluation.resamples, run.config.seed),
            aggregation or evaluation.aggregation,
            _training_mask(run, faces.size),
        ),
        build.source_frames(source),
    )


def _recovery(run: OpenRun, folder: Path, source: str, faces: FaceDataset) -> StageResults:
    return stage_one.evaluate(
        folder,
        build.recovery(run.config),
        run.stage.params,
        _training_split(run, source),
        faces,
        _provenance(run, faces),
        build.sweep(run.config),
        Bootstrap(run.config.evaluation.resamples, run.config.seed),
    )


def _training_mask(run: OpenRun, size: int) -> np.ndarray | None:
    """What the run keeps of its training fakes, see `trivial_maps`."""
    return None if run.found.run is None else trivial_maps.load(run.found.run, size)


def _training_split(run: OpenRun, source: str) -> FaceDataset | None:
    """The very faces that the run was trained on, if they are here."""
    own = [] if run.found.salvaged else [run.config.data.source]
    for at in dict.fromkeys((source, *own)):
        try:
            train, _ = build.training_splits(run.config, at)
        except InputError:
            continue
        if train.digest == run.stage.noted.data:
            return train
    return None


def _provenance(run: OpenRun, faces: FaceDataset) -> Provenance:
    noted = run.stage.noted
    return Provenance(
        config_sha256=noted.config,
        train_sha256=noted.data,
        data_sha256=faces.digest,
        train_manifest=noted.manifest,
        data_manifest=faces.manifest,
        stage=noted.stage,
        step=run.stage.step,
    )


def _warnings(run: OpenRun, faces: FaceDataset) -> list[str]:
    """What a reader must know before the numbers."""
    stage = run.found.stage
    warnings = description.not_the_end(run.found, run.stage)
    if faces.digest == run.stage.noted.data:
        warnings.append(
            f"The stage {stage!r} was trained on these very faces: this is no test of it."
        )
    elif faces.split == "val" and stage == DETECT:
        warnings.append(
            "The detector was selected by faces of such a split: this is no test of it."
        )
    return warnings


def _facts(run: OpenRun, faces: FaceDataset) -> tuple[tuple[str, str], ...]:
    maps: tuple[tuple[str, str], ...] = ()
    if run.found.stage == DETECT and _training_mask(run, faces.size) is None:
        maps = (
            ("training mask", "not here: no mean mask and no central box to compare maps with"),
        )
    return (
        ("run", run.name),
        *description.facts(run.found, run.stage),
        ("data sha256", faces.digest),
        *manifest_facts("", faces.manifest),
        ("faces", str(len(faces))),
        *maps,
    )
