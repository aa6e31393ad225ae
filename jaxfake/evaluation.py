"""A trained run on faces that a person names, apart from the main job."""

import dataclasses
from pathlib import Path
from typing import NamedTuple

from jaxfake import assembly, start
from jaxfake.assembly import DETECT
from jaxfake.config import Aggregation, Config, fingerprint
from jaxfake.data.dataset import FaceDataset
from jaxfake.errors import InputError
from jaxfake.models.method import Method
from jaxfake.progress import say
from jaxfake.scoring import stage_two, trivial_maps
from jaxfake.scoring.metrics import Bootstrap
from jaxfake.scoring.report import Report, write_report
from jaxfake.scoring.results import Provenance, evaluation_folder, manifest_facts
from jaxfake.scoring.stage_two import Measuring
from jaxfake.train.compile_cache import keep_compiled_programs
from jaxfake.train.restore import RestoredStage, restore_stage


@dataclasses.dataclass(frozen=True)
class OpenRun:
    """A trained detector."""

    workdir: Path
    config: Config
    name: str  # of the method
    method: Method
    stage: RestoredStage
    step_asked: int | None  # for a step of one's own choice, results have a folder of their own


class Evaluated(NamedTuple):
    """What became of one dataset."""

    in_words: tuple[str, ...]
    report: Path


def open_run(workdir: Path, step: int | None) -> OpenRun:
    """Restores the detector of a run.

    Args:
        workdir: of the run.
        step: None for the selected state.

    Raises:
        InputError: there is no such run, detector or checkpoint.
    """
    config = start.read_config(workdir)
    if config.detect is None or config.method is None:
        raise InputError(f"{workdir} is a run of stage 1 alone: it has no detector to evaluate")
    keep_compiled_programs()
    method = assembly.detector(config)
    stage = restore_stage(workdir, DETECT, method, config.detect, config, step)
    return OpenRun(workdir, config, config.method.name, method, stage, step)


def evaluate(run: OpenRun, source: str, split: str, aggregation: Aggregation | None) -> Evaluated:
    """Scores one split of a dataset, and writes its results and report.

    Raises:
        InputError: the dataset cannot be opened or prepared, or does not fit the run.
    """
    faces = assembly.named_split(source, split, run.config, run.workdir / "prepared")
    folder = evaluation_folder(run.workdir, faces)
    if run.step_asked is not None:
        folder = folder / f"step_{run.step_asked}"
        folder.mkdir(exist_ok=True)
    evaluation = run.config.evaluation
    trained_on = _noted(run, "data")
    results = stage_two.evaluate(
        folder,
        run.name,
        run.method,
        run.stage.params,
        faces,
        _provenance(run, faces),
        Measuring(
            assembly.sweep(run.config),
            Bootstrap(evaluation.resamples, run.config.seed),
            aggregation or evaluation.aggregation,
            trivial_maps.load(run.workdir, faces.size),
        ),
        assembly.source_frames(source),
    )
    warning = _warning(faces, trained_on)
    if warning:
        say(warning)
    report = folder / "report.html"
    write_report(
        report,
        Report(
            title=f"{run.workdir.name} on {source}, split {split}",
            summary=(*filter(None, [warning]), *results.summary),
            highlights=results.highlights,
            facts=_facts(run, faces, trained_on),
            sections=results.sections,
        ),
    )
    return Evaluated(results.in_words, report)


def _provenance(run: OpenRun, faces: FaceDataset) -> Provenance:
    return Provenance(
        config_sha256=fingerprint(run.config),
        train_sha256=_noted(run, "data"),
        data_sha256=faces.fingerprint,
        train_manifest=_noted(run, "manifest"),
        data_manifest=faces.manifest,
        stage=DETECT,
        step=run.stage.step,
    )


def _noted(run: OpenRun, what: str) -> str:
    """What the checkpoint was trained from, see `stage.identity`."""
    return str(run.stage.notes.get(what, ""))


def _warning(faces: FaceDataset, trained_on: str) -> str:
    """What a reader must know before the numbers; '' if nothing."""
    if faces.fingerprint == trained_on:
        return "The detector was trained on these very faces: this is no test of it."
    if faces.split == "val":
        return "The detector was selected by faces of such a split: this is no test of it."
    return ""


def _facts(run: OpenRun, faces: FaceDataset, trained_on: str) -> tuple[tuple[str, str], ...]:
    return (
        ("run", run.workdir.name),
        ("checkpoint", f"step {run.stage.step} of {DETECT}"),
        ("config sha256", fingerprint(run.config)),
        ("training data sha256", trained_on),
        ("data sha256", faces.fingerprint),
        *manifest_facts(_noted(run, "manifest"), faces.manifest),
        ("faces", str(len(faces))),
    )
