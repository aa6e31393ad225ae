"""A trained run on faces that a person names, apart from the main job."""

import dataclasses
from pathlib import Path

import numpy as np

from jaxfake.config import Aggregation
from jaxfake.data.dataset import FaceDataset
from jaxfake.data.preparation.coverage import left_out
from jaxfake.data.split_check import check_splits
from jaxfake.evaluation import trivial_maps
from jaxfake.evaluation.evidence.protocols.protocol import Protocol
from jaxfake.experiment import open_data
from jaxfake.experiment.evaluate_stage import evaluate_stage
from jaxfake.experiment.load_run import LoadedRun
from jaxfake.experiment.locate_run import LocatedRun
from jaxfake.experiment.results.baseline_sources import sources_of_loaded
from jaxfake.experiment.results.stage_results import EvaluationTask
from jaxfake.experiment.run_calibration import calibration_of
from jaxfake.experiment.run_folder import DETECT, SALVAGED, RunFolder
from jaxfake.reporting.checkpoint_facts import (
    CheckpointDescription,
    checkpoint_facts,
    manifest_facts,
    unfinished_warning,
)
from jaxfake.reporting.html import Report, write_report
from jaxfake.reporting.scores.protocol_facts import protocol_facts
from jaxfake.reporting.split_facts import split_facts, split_warning
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import refuse_links
from jaxfake.runtime.progress import say
from jaxfake.train import moving_average

_NAMED = 10
"""Files that a report names of those that were not taken; coverage.json has them all."""


@dataclasses.dataclass(frozen=True)
class EvaluationRequest:
    """What a person wants to know of a trained run.

    Attributes:
        split: of each dataset.
        out: for results, and for what is prepared from photographs and videos.
        step: of the checkpoint, if the person chose one: its results have a folder of their own.
        aggregation: None for the run's own.
        protocol: by which a detector is measured; its results have a folder of their own.
        perturb: names of perturbations under which a detector is measured as well.
    """

    split: str
    out: RunFolder
    step: int | None = None
    aggregation: Aggregation | None = None
    protocol: Protocol | None = None
    perturb: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Evaluated:
    """Results on one dataset."""

    in_words: tuple[str, ...]
    report: Path


def results_root(run: LoadedRun, out: Path | None) -> RunFolder:
    """Where results go: `out`, the run's folder, or `salvaged/NAME-CONFIG` where that is not at hand."""
    located = _located(run)
    salvaged = SALVAGED / f"{located.name}-{run.metadata.identity.config[:8]}"
    return RunFolder(out) if out is not None else located.run or RunFolder(salvaged)


def own_data(run: LoadedRun) -> str:
    """The dataset that the run was trained on, if that is the embedded one.

    A run may have been copied from anyone, so that no other path in it is followed.

    Raises:
        InputError: it was another one.
    """
    source = run.config.data.source
    if source != open_data.TOYFACES:
        raise InputError(
            f"--data is missing: the run was trained on {source!r}, which is not opened unless you name "
            "it, such as --data=FOLDER"
        )
    return source


def description(run: LoadedRun) -> CheckpointDescription:
    """The state that is evaluated, as reports describe it."""
    return CheckpointDescription(
        run.metadata,
        run.title if run.stage == DETECT else None,
        run.step,
        run.settings.steps,
        _located(run).newest,
        run.validation_score,
        moving_average.window(run.settings.ema, run.step) if run.settings.ema else None,
    )


def evaluate_dataset(run: LoadedRun, source: str, request: EvaluationRequest) -> Evaluated:
    """Scores one split of a dataset, and writes its results and report.

    Raises:
        InputError: the dataset cannot be opened or prepared, or does not fit the run or the protocol; an
            aggregation or a protocol is given for stage 1.
    """
    _check(run, request)
    task = _task(run, source, request)
    check = check_splits([task.faces])
    warnings = [*_warnings(run, task.faces), *split_warning(check)]
    for warning in warnings:
        say(warning)
    results = evaluate_stage(run, task)
    report = RunFolder(task.folder).report
    write_report(
        report,
        Report(
            title=f"{_located(run).name} on {source}, split {request.split}",
            summary=(*warnings, *results.summary),
            highlights=results.highlights,
            facts=(*_facts(run, task), *split_facts(check)),
            sections=results.sections,
        ),
    )
    return Evaluated(results.in_words, report)


def _check(run: LoadedRun, request: EvaluationRequest) -> None:
    """Refuses what does not go together."""
    if request.aggregation is not None and run.stage != DETECT:
        raise InputError(
            "--aggregation is for a detector: the score of stage 1 is a mean by definition"
        )
    if request.perturb and run.stage != DETECT:
        raise InputError("--perturb is for a detector, and this is a checkpoint of stage 1")
    if request.protocol is None:
        return
    if run.stage != DETECT:
        raise InputError("--protocol is for a detector, and this is a checkpoint of stage 1")
    if request.aggregation not in (None, request.protocol.aggregation):
        raise InputError(
            f"protocol {request.protocol.name} fixes the aggregation {request.protocol.aggregation!r}: "
            "leave out --aggregation"
        )
    if request.split != "test":
        raise InputError(f"a protocol is for the test split, not for {request.split!r}")


def _task(run: LoadedRun, source: str, request: EvaluationRequest) -> EvaluationTask:
    config = open_data.confined(run.config)
    refuse_links(request.out.path, request.out.prepared)
    faces = open_data.named_split(source, request.split, config, request.out.prepared)
    aggregation = request.aggregation or config.evaluation.aggregation
    if request.protocol is not None:
        aggregation = request.protocol.aggregation
        for name in np.unique(faces.index.dataset).tolist():
            request.protocol.list_of(name)  # refuses another dataset before anything is scored
    splits = open_data.trained_on(run.config, run.metadata.identity.data, [source])
    return EvaluationTask(
        faces,
        _results_folder(run, faces, request),
        aggregation,
        train=None if splits is None else splits.train,
        training_mask=_training_mask(run, faces.size),
        frames=open_data.source_frames(source),
        perturb=request.perturb,
        calibration=calibration_of(run, aggregation),
        protocol=request.protocol,
        baselines=sources_of_loaded(run, _located(run).run, splits),
    )


def _located(run: LoadedRun) -> LocatedRun:
    assert run.located is not None, "evaluates a run that was loaded from disk"
    return run.located


def _results_folder(run: LoadedRun, faces: FaceDataset, request: EvaluationRequest) -> Path:
    """Where the results of this state on these faces go; it is made.

    Raises:
        InputError: it cannot be, or a link would lead the results elsewhere.
    """
    folder = request.out.results(faces)
    if request.step is not None:
        folder = folder / f"step_{request.step}"
    if request.protocol is not None:
        folder = folder / f"protocol_{request.protocol.name}"
    if run.stage != DETECT:
        folder = folder / run.stage
    refuse_links(request.out.path, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{request.out.path}: {error.strerror}; name another folder with --out"
        ) from error
    return folder


def _training_mask(run: LoadedRun, size: int) -> np.ndarray | None:
    """What the run keeps of its training fakes, see `trivial_maps`."""
    folder = _located(run).run
    return None if folder is None else trivial_maps.load(folder.training_mask, size)


def _warnings(run: LoadedRun, faces: FaceDataset) -> list[str]:
    """What a reader must know before the numbers."""
    warnings = unfinished_warning(description(run))
    if faces.digest == run.metadata.identity.data:
        warnings.append(
            f"The stage {run.stage!r} was trained on these very faces: this is not a test of it."
        )
    elif faces.split == "val" and run.stage == DETECT:
        warnings.append(
            "The detector was selected by faces of such a split: this is not a test of it."
        )
    return warnings


def _facts(run: LoadedRun, task: EvaluationTask) -> tuple[tuple[str, str], ...]:
    maps: tuple[tuple[str, str], ...] = ()
    if run.stage == DETECT and task.training_mask is None:
        maps = (
            ("training mask", "not here: no mean mask and no central box to compare maps with"),
        )
    return (
        ("run", _located(run).name),
        *checkpoint_facts(description(run)),
        ("data sha256", task.faces.digest),
        *manifest_facts("", task.faces.manifest),
        ("faces", str(len(task.faces))),
        *protocol_facts(task.protocol),
        *_not_taken(task.faces),
        *maps,
    )


def _not_taken(faces: FaceDataset) -> tuple[tuple[str, str], ...]:
    """A row that names files which were not taken into the dataset, or none."""
    files = left_out(faces.folder)
    if not files:
        return ()
    named = "; ".join(f"{name} ({reason})" for name, reason in files[:_NAMED])
    more = f"; and {len(files) - _NAMED} more" if len(files) > _NAMED else ""
    return (("files not taken", f"{len(files)}: {named}{more}"),)
