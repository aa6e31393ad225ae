"""The main job: stage after stage, each picked up where an earlier call left it.

recover (stage 1, real faces only) > detect (stage 2) > results on the test split > report

Stages resume from their checkpoints; evaluation and report are made again from the start if they were
interrupted, and come out the same. The test split is opened when all training is done.
"""

import dataclasses
from pathlib import Path

import jax
import numpy as np

from jaxfake import STARTED, config, schema
from jaxfake.config import Config, config_digest
from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation import trivial_maps
from jaxfake.evaluation.model_selection import by_validation
from jaxfake.experiment import build_method, initial_weights, open_data
from jaxfake.experiment.evaluate_stage import evaluate_stage
from jaxfake.experiment.initial_weights import InitialWeights
from jaxfake.experiment.load_run import LoadedRun, from_training
from jaxfake.experiment.open_data import TrainingSplits
from jaxfake.experiment.run_config import claim
from jaxfake.experiment.run_folder import DETECT, RECOVER, RunFolder
from jaxfake.experiment.stage_results import EvaluationTask
from jaxfake.models.vit import Size
from jaxfake.reporting.checkpoint_facts import manifest_facts
from jaxfake.reporting.goodput_section import goodput_section
from jaxfake.reporting.html import Report, Section, write_report
from jaxfake.reporting.training_log import read_log
from jaxfake.reporting.training_section import training_section
from jaxfake.runtime import multiprocess
from jaxfake.runtime.files import write_atomically
from jaxfake.runtime.progress import say
from jaxfake.train.compile_cache import keep_compiled_programs
from jaxfake.train.loop import run_stage
from jaxfake.train.stage import StagePlan

UNSEEN = "Training, and the choice of the state that is used, saw nothing of the test split."


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What training left behind; a stage that the config leaves out is None.

    Attributes:
        recovered: stage 1.
        detected: stage 2.
        origin: what stage 2 started from, in words.
    """

    recovered: LoadedRun | None
    detected: LoadedRun | None
    origin: str

    @property
    def stages(self) -> tuple[LoadedRun, ...]:
        """Those that there are, in the order of training."""
        return tuple(stage for stage in (self.recovered, self.detected) if stage is not None)


def run_job(run: Config, workdir: Path) -> None:
    """Runs everything that is not done yet, and prints the results.

    Raises:
        InputError: config, data or workdir do not fit together.
        Preempted: stopped on request, with the state saved.
    """
    initial_weights.check_start(run)
    folder = RunFolder(workdir)
    claim(run, folder)
    if not folder.done.exists():
        keep_compiled_programs()
        run = build_method.computable_here(run)
        with multiprocess.first_process_first("data"):
            splits = open_data.training_splits(run)
        outcome = train(run, folder, splits)
        words = _evaluate(run, folder, splits, outcome)
        write_atomically(folder.done, "\n\n".join(words) + "\n")
    say(folder.done.read_text().rstrip())
    say(f"report: {folder.report}")


def train(run: Config, folder: RunFolder, splits: TrainingSplits) -> Outcome:
    """Trains the stages of the config."""
    recovered, detected, since = None, None, STARTED
    if run.start == initial_weights.OWN:
        plan = _recover_plan(run, splits)
        trained = run_stage(plan, run, folder.stage(RECOVER), since)
        recovered = from_training(run, RECOVER, plan.method, trained)
        since = trained.ended or since
        begin = InitialWeights(trained.params, f"stage 1 of this run, step {trained.step}")
    else:
        begin = initial_weights.load_initial_weights(run)
    if run.detect is not None and run.method is not None:
        plan = _detect_plan(run, splits, begin)
        trained = run_stage(plan, run, folder.stage(DETECT), since)
        detected = from_training(run, DETECT, plan.method, trained)
    return Outcome(recovered, detected, begin.origin)


def _recover_plan(run: Config, splits: TrainingSplits) -> StagePlan:
    recover = build_method.recovery(run)
    return StagePlan(RECOVER, recover, run.recover, (schema.REAL,), splits.train, splits.val)


def _detect_plan(run: Config, splits: TrainingSplits, begin: InitialWeights) -> StagePlan:
    method, settings = build_method.detector(run), run.detect
    assert settings is not None
    selection = None
    if settings.select_every:
        every, aggregation = settings.select_every, run.evaluation.aggregation
        selection = by_validation(method, splits.val, every, build_method.scoring(run), aggregation)
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


def _evaluate(
    run: Config, folder: RunFolder, splits: TrainingSplits, outcome: Outcome
) -> tuple[str, ...]:
    """Evaluates the finished stages on the test split, and writes the report; the results in words."""
    test = open_data.test_split(run)
    results = [
        evaluate_stage(stage, _task(stage, folder, splits, test))
        for stage in reversed(outcome.stages)
    ]
    write_report(
        folder.report,
        Report(
            title=_title(run),
            summary=(*dict.fromkeys(line for one in results for line in one.summary), UNSEEN),
            highlights=tuple(item for one in results for item in one.highlights),
            facts=_facts(run, folder, splits, test, outcome),
            sections=(
                *(item for one in results for item in one.sections),
                *_training_sections(folder, outcome),
            ),
        ),
    )
    return tuple(dict.fromkeys(line for one in results for line in one.in_words))


def _task(
    stage: LoadedRun, folder: RunFolder, splits: TrainingSplits, test: FaceDataset
) -> EvaluationTask:
    results = folder.results(test)
    aggregation = stage.config.evaluation.aggregation
    if stage.stage == DETECT:
        results.mkdir(parents=True, exist_ok=True)
        mask = _training_mask(folder, splits)
        return EvaluationTask(test, results, aggregation, training_mask=mask)
    results = results / stage.stage
    results.mkdir(parents=True, exist_ok=True)
    return EvaluationTask(test, results, aggregation, train=splits.train)


def _training_mask(folder: RunFolder, splits: TrainingSplits) -> np.ndarray | None:
    """The mean mask of the training fakes, kept for `jaxfake.evaluate`."""
    mask = trivial_maps.training_mask(splits.train)
    if mask is not None:
        trivial_maps.save(folder.training_mask, mask)
    return mask


def _training_sections(folder: RunFolder, outcome: Outcome) -> tuple[Section, ...]:
    logs = {one.stage: read_log(folder.metrics, one.stage) for one in outcome.stages}
    times = {name: log.wall for name, log in logs.items() if log.wall is not None}
    goodput = goodput_section(times)
    curves = [training_section(name, log) for name, log in logs.items()]
    return (*curves, *filter(None, [goodput]))


def _title(run: Config) -> str:
    if run.method is None:
        return "Stage 1: facial parts recovered from the rest of the face"
    return f"Real or fake: {run.method.name}"


def _facts(
    run: Config, folder: RunFolder, splits: TrainingSplits, test: FaceDataset, outcome: Outcome
) -> tuple[tuple[str, str], ...]:
    """What this run is."""
    model, labels = run.model, splits.train.index.label
    facts = [
        ("run", folder.path.name),
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
        ("config sha256", config_digest(run)),
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
