"""The main job: stage after stage, each picked up where an earlier call left it.

recover (stage 1, real faces only) > detect (stage 2) > results on the test split > report

Stages resume from their checkpoints; evaluation and report are made again from the start if they were
interrupted, and come out the same. The test split is opened when all training is done.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxfake import STARTED, config, schema
from jaxfake.config import Config, fingerprint, results_values, to_json
from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation import trivial_maps
from jaxfake.evaluation.metrics.auc import Bootstrap
from jaxfake.evaluation.model_selection import by_validation
from jaxfake.evaluation.result_files import Provenance, evaluation_folder, manifest_facts
from jaxfake.experiment import build, initial_weights, stage_one, stage_two
from jaxfake.experiment.build import DETECT, RECOVER, TrainingSplits
from jaxfake.experiment.initial_weights import Start
from jaxfake.experiment.stage_results import StageResults
from jaxfake.experiment.stage_two import Measuring
from jaxfake.models.vit import Size
from jaxfake.reporting.goodput_section import goodput_section
from jaxfake.reporting.html import Report, write_report
from jaxfake.reporting.training_log import read_log
from jaxfake.reporting.training_section import training_section
from jaxfake.runtime import multiprocess
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import write_atomically
from jaxfake.runtime.progress import say
from jaxfake.train.compile_cache import keep_compiled_programs
from jaxfake.train.loop import Trained, run_stage
from jaxfake.train.stage import StagePlan

UNSEEN = "Training, and the choice of the state that is used, saw nothing of the test split."


class Outcome(NamedTuple):
    """What training left behind; a stage that the config leaves out is None."""

    recovered: Trained | None
    detected: Trained | None
    origin: str  # of what stage 2 started from


def run_job(run: Config, workdir: Path) -> None:
    """Runs everything that is not done yet, and prints the results.

    Raises:
        InputError: config, data or workdir do not fit together.
        Preempted: stopped on request, with the state saved.
    """
    initial_weights.check(run)
    done = workdir / "DONE"
    _claim(run, workdir, done.exists())
    if not done.exists():
        keep_compiled_programs()
        run = build.computable_here(run)
        with multiprocess.first_process_first("data"):
            splits = build.training_splits(run)
        outcome = train(run, workdir, splits)
        words = _report(run, workdir, splits, outcome)
        write_atomically(done, "\n\n".join(words) + "\n")
    say(done.read_text().rstrip())
    say(f"report: {workdir / 'report.html'}")


def train(run: Config, workdir: Path, splits: TrainingSplits) -> Outcome:
    """Trains the stages of the config."""
    recovered, begin, since = None, Start(None, ""), STARTED
    if run.start == initial_weights.OWN:
        recovered = run_stage(_recover_plan(run, splits), run, workdir, STARTED)
        since = recovered.ended or STARTED
        begin = Start(recovered.params, f"stage 1 of this run, step {recovered.step}")
    else:
        begin = initial_weights.elsewhere(run)
    detected = None
    if run.detect is not None and run.method is not None:
        detected = run_stage(_detect_plan(run, splits, begin), run, workdir, since)
    return Outcome(recovered, detected, begin.origin)


def _recover_plan(run: Config, splits: TrainingSplits) -> StagePlan:
    recover = build.recovery(run)
    return StagePlan(RECOVER, recover, run.recover, (schema.REAL,), splits.train, splits.val)


def _detect_plan(run: Config, splits: TrainingSplits, begin: Start) -> StagePlan:
    method, settings = build.detector(run), run.detect
    assert settings is not None
    selection = None
    if settings.select_every:
        every, aggregation = settings.select_every, run.evaluation.aggregation
        selection = by_validation(method, splits.val, every, build.sweep(run), aggregation)
    return StagePlan(
        DETECT,
        method,
        settings,
        (schema.REAL, schema.FAKE),
        splits.train,
        splits.val,
        begin.autoencoder,
        begin.origin,
        selection,
    )


def _report(
    run: Config, workdir: Path, splits: TrainingSplits, outcome: Outcome
) -> tuple[str, ...]:
    """Measures the finished stages on the test split, writes `eval/` and the report; the words of it."""
    test = build.test_split(run)
    results: list[StageResults] = []
    if outcome.detected is not None:
        results.append(_detection(run, workdir, splits, test, outcome.detected))
    if outcome.recovered is not None:
        results.append(_recovery(run, workdir, splits, test, outcome.recovered))
    stages = [
        name
        for name, trained in ((RECOVER, outcome.recovered), (DETECT, outcome.detected))
        if trained is not None
    ]
    logs = {name: read_log(workdir / "metrics.jsonl", name) for name in stages}
    training = [training_section(name, log) for name, log in logs.items()]
    walls = {name: log.wall for name, log in logs.items() if log.wall is not None}
    write_report(
        workdir / "report.html",
        Report(
            title=_title(run),
            summary=(*(line for one in results for line in one.summary), UNSEEN),
            highlights=tuple(item for one in results for item in one.highlights),
            facts=_facts(run, workdir, splits, test, outcome),
            sections=(
                *(item for one in results for item in one.sections),
                *training,
                *filter(None, [goodput_section(walls)]),
            ),
        ),
    )
    return tuple(line for one in results for line in one.in_words)


def _recovery(
    run: Config, workdir: Path, splits: TrainingSplits, test: FaceDataset, trained: Trained
) -> StageResults:
    return stage_one.evaluate(
        evaluation_folder(workdir, test) / RECOVER,
        build.recovery(run),
        trained.params,
        splits.train,
        test,
        _provenance(run, splits, test, RECOVER, trained),
        build.sweep(run),
        Bootstrap(run.evaluation.resamples, run.seed),
    )


def _detection(
    run: Config, workdir: Path, splits: TrainingSplits, test: FaceDataset, trained: Trained
) -> StageResults:
    assert run.method is not None
    return stage_two.evaluate(
        evaluation_folder(workdir, test),
        run.method.name,
        build.detector(run),
        trained.params,
        test,
        _provenance(run, splits, test, DETECT, trained),
        Measuring(
            build.sweep(run),
            Bootstrap(run.evaluation.resamples, run.seed),
            run.evaluation.aggregation,
            _training_mask(workdir, splits),
        ),
    )


def _training_mask(workdir: Path, splits: TrainingSplits) -> np.ndarray | None:
    """The mean mask of the training fakes, kept for `jaxfake.evaluate`."""
    mask = trivial_maps.training_mask(splits.train)
    if mask is not None:
        trivial_maps.save(workdir, mask)
    return mask


def _provenance(
    run: Config, splits: TrainingSplits, test: FaceDataset, stage: str, trained: Trained
) -> Provenance:
    return Provenance(
        config_sha256=fingerprint(run),
        train_sha256=splits.train.digest,
        data_sha256=test.digest,
        train_manifest=splits.train.manifest,
        data_manifest=test.manifest,
        stage=stage,
        step=trained.step,
    )


def _title(run: Config) -> str:
    if run.method is None:
        return "Stage 1: facial parts recovered from the rest of the face"
    return f"Real or fake: {run.method.name}"


def _facts(
    run: Config, workdir: Path, splits: TrainingSplits, test: FaceDataset, outcome: Outcome
) -> tuple[tuple[str, str], ...]:
    """What this run is."""
    model, labels = run.model, splits.train.index.label
    facts = [
        ("run", workdir.name),
        ("data", f"{run.data.source}, crops of {run.data.size} pixels"),
        ("training faces", f"{(labels == schema.REAL).sum()} real, {(labels == 1).sum()} fake"),
        ("encoder", f"{_words(model.encoder)}, patches of {model.patch} pixels"),
        ("decoder", _words(model.decoder)),
        ("mask", f"{run.mask.mode}, {run.mask.count} patches"),
    ]
    if outcome.recovered is not None:
        facts.append(("stage 1", f"{_length(run.recover)}, real faces only"))
    if run.detect is not None and outcome.detected is not None:
        chosen = f"; step {outcome.detected.step} is used" if run.detect.select_every else ""
        facts.append(("stage 2", f"{_length(run.detect)}, from {outcome.origin}{chosen}"))
    facts += [
        ("seed", str(run.seed)),
        ("config sha256", fingerprint(run)),
        ("training data sha256", splits.train.digest),
        ("test data sha256", test.digest),
        *manifest_facts(splits.train.manifest, test.manifest),
        ("computed on", f"{jax.device_count()} x {jax.devices()[0].device_kind}"),
    ]
    return tuple(facts)


def _length(stage: config.Stage) -> str:
    return f"{stage.steps} steps of {stage.batch_size} faces"


def _words(size: Size) -> str:
    return f"{size.depth} blocks of width {size.width} with {size.heads} heads"


def _claim(run: Config, workdir: Path, done: bool) -> None:
    """Checks that the workdir belongs to this config, and writes `config.json` unless it is done."""
    path = workdir / "config.json"
    if path.exists():
        saved = json.loads(path.read_text())
        _refuse_other(saved["results_depend_on"], results_values(run), workdir)
        if done:
            # A run in progress may find its data elsewhere, since its checkpoints know their content.
            now = {"data.source": run.data.source}
            _refuse_other({"data.source": saved["config"]["data"]["source"]}, now, workdir)
            return
    workdir.mkdir(parents=True, exist_ok=True)
    content = {
        "sha256": fingerprint(run),
        "results_depend_on": results_values(run),
        "config": to_json(run),
    }
    write_atomically(path, json.dumps(content, indent=2) + "\n")


def _refuse_other(saved: dict[str, Any], now: dict[str, Any], workdir: Path) -> None:
    for key in sorted(saved.keys() | now.keys()):
        if saved.get(key) != now.get(key):
            raise InputError(
                f"{workdir} holds a run with {key}={saved.get(key)}, not {now.get(key)}: "
                "use that value or another --workdir"
            )
