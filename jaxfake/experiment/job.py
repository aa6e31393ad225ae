"""The main job: stage after stage, each picked up where an earlier call left it.

recover (stage 1, real faces only) > detect (stage 2) > results on the test split > report

Stages resume from their checkpoints; evaluation and report are made again from the start if they were
interrupted, and come out the same. The test split is opened when all training is done.
"""

import dataclasses
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import jax
import numpy as np

from jaxfake import STARTED, config, schema
from jaxfake.config import Config, config_digest
from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation import trivial_maps
from jaxfake.evaluation.evidence.baselines.linear_probe import write_probes
from jaxfake.evaluation.evidence.calibration import calibration
from jaxfake.evaluation.model_selection import by_validation
from jaxfake.experiment import build_method, done_file, open_data, run_calibration
from jaxfake.experiment.continue_run import Continued, claim, continued
from jaxfake.experiment.done_file import Done
from jaxfake.experiment.evaluate_stage import evaluate_stage
from jaxfake.experiment.load_run import LoadedRun, from_training
from jaxfake.experiment.open_data import TrainingSplits
from jaxfake.experiment.results.baseline_sources import (
    BaselineSources,
    fit_probes,
    joined,
    networks_of,
)
from jaxfake.experiment.results.frozen_params import FROZEN, NO_STAGE_ONE, FrozenParams
from jaxfake.experiment.results.stage_results import EvaluationTask, StageResults
from jaxfake.experiment.run_config import refuse_another, saved_config, write_config
from jaxfake.experiment.run_folder import DETECT, RECOVER, RunFolder
from jaxfake.experiment.start import initial_weights
from jaxfake.experiment.start.imported_network import (
    ImportedWeights,
    beside,
    check_imported,
    load_imported,
)
from jaxfake.experiment.start.initial_weights import InitialWeights
from jaxfake.experiment.start.mask_check import check_masks
from jaxfake.experiment.start.probed_head import with_probe
from jaxfake.models.vit import Size
from jaxfake.reporting.checkpoint_facts import manifest_facts
from jaxfake.reporting.html import Report, Section, write_report
from jaxfake.reporting.split_facts import split_facts, split_warning
from jaxfake.reporting.training.goodput_section import goodput_section
from jaxfake.reporting.training.training_log import read_log
from jaxfake.reporting.training.training_section import memory_section, training_section
from jaxfake.runtime import multiprocess
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.progress import say
from jaxfake.train import stage as training_stage
from jaxfake.train.compile_cache import keep_compiled_programs
from jaxfake.train.loop import run_stage
from jaxfake.train.memory import choose
from jaxfake.train.stage import StagePlan

UNSEEN = "Training, and the choice of the state that is used, saw nothing of the test split."


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What training left behind; a stage that the config leaves out is None.

    Attributes:
        recovered: stage 1.
        detected: stage 2.
        origin: what stage 2 started from, in words.
        frozen: the networks that no fake has trained.
    """

    recovered: LoadedRun | None
    detected: LoadedRun | None
    origin: str
    frozen: FrozenParams

    @property
    def stages(self) -> tuple[LoadedRun, ...]:
        """Those that there are, in the order of training."""
        return tuple(stage for stage in (self.recovered, self.detected) if stage is not None)


def run_job(run: Config, workdir: Path, stored: bool = False) -> None:
    """Runs everything that is not done yet, and prints the results.

    Args:
        run: the config.
        workdir: of the run.
        stored: whether the folder is kept in a store too, whose prefix holds one run for good.

    Raises:
        InputError: config, data or workdir do not fit together. Nothing is claimed before they do.
        Preempted: stopped on request, with the state saved.
    """
    folder = RunFolder(workdir)
    done = done_file.read(folder)
    found = continued(run, folder, finished=done is not None)
    if found.lengthened and stored:
        raise InputError(
            f"{workdir} is lengthened without --store; then give the run a --store of its own, because "
            "that one holds the shorter run"
        )
    run = found.config
    if done is None or done.config != config_digest(run):
        done = _complete(found, folder)
    elif found.saved is not None:
        # A run in progress may find its data elsewhere, since its checkpoints know their content.
        refuse_another(
            {"data.source": found.saved.source}, {"data.source": run.data.source}, workdir
        )
        _mend_config(found, folder)
    say(done.words)
    say(f"report: {folder.report}")


def _mend_config(found: Continued, folder: RunFolder) -> None:
    """Makes the `config.json` of a finished run again, if it is not there."""
    if saved_config(folder) is None:
        write_config(found.config, folder)


def _complete(found: Continued, folder: RunFolder) -> Done:
    """Checks the input, claims the folder, trains and evaluates."""
    initial_weights.check_start(found.config)
    check_imported(found.config)
    keep_compiled_programs()
    run = build_method.computable_here(found.config)
    with multiprocess.first_process_first("data"):
        since = STARTED + open_data.draw_toyfaces(run)  # once, so it is no part of a restart
    splits = open_data.training_splits(run)
    begin = None
    if run.start != initial_weights.OWN:
        begin = initial_weights.load_initial_weights(run)
    imported = load_imported(run)
    if found.saved is None or found.lengthened:
        _check_stages(run, splits)
    claim(found, folder)
    done_file.remove(folder)
    outcome = train(run, folder, splits, begin, imported, since)
    words, results = _evaluate(run, folder, splits, outcome)
    return done_file.write(folder, config_digest(run), "\n\n".join(words), results)


def _check_stages(run: Config, splits: TrainingSplits) -> None:
    """Finds out, before anything is claimed or trained, what will not fit in any of the stages."""
    check_masks(run, splits.train)
    plans = [_recover_plan(run, splits)] if run.start == initial_weights.OWN else []
    if run.detect is not None:
        plans.append(_detect_plan(run, splits, InitialWeights(None, "")))
    for plan in plans:
        training_stage.prepare(plan, run)


def train(
    run: Config,
    folder: RunFolder,
    splits: TrainingSplits,
    begin: InitialWeights | None,
    imported: ImportedWeights | None = None,
    since: float = STARTED,
) -> Outcome:
    """Trains the stages of the config.

    Args:
        run: the config.
        folder: of the run.
        splits: to train on and to select by.
        begin: what stage 2 starts from; None for this run's stage 1, which is trained first.
        imported: the network that stage 2 finetunes beside the recovery's; None without one.
        since: when the first of them began, by `time.monotonic`.
    """
    recovered, detected, stage_one = None, None, begin and begin.stage_one
    if begin is None:
        plan = _recover_plan(run, splits)
        trained = run_stage(plan, run, folder.stage(RECOVER), since)
        recovered = from_training(run, RECOVER, plan.method, trained)
        since = trained.ended or since
        stage_one = trained.params
        begin = InitialWeights(trained.params, initial_weights.own_origin(trained.step))
    if run.detect is not None and run.method is not None:
        began = time.monotonic()
        begin = with_probe(beside(begin, imported), imported, run, splits, folder)
        since += time.monotonic() - began  # once, so it is no part of a restart
        plan = _detect_plan(run, splits, begin)
        trained = run_stage(plan, run, folder.stage(DETECT), since)
        detected = from_training(run, DETECT, plan.method, trained)
        stage_one = stage_one or detected.params.get(FROZEN)
    frozen = FrozenParams(stage_one or NO_STAGE_ONE, imported and imported.params)
    return Outcome(recovered, detected, begin.origin, frozen)


def _recover_plan(run: Config, splits: TrainingSplits) -> StagePlan:
    recover = build_method.recovery(run)
    return StagePlan(RECOVER, recover, run.recover, (schema.REAL,), splits.train, splits.val)


def _detect_plan(run: Config, splits: TrainingSplits, begin: InitialWeights) -> StagePlan:
    method, settings = build_method.detector(run), run.detect
    assert settings is not None
    selection = None
    if settings.select_every:
        every, aggregation = settings.select_every, run.evaluation.aggregation
        val, scoring = open_data.for_selection(splits.val, run), build_method.scoring(run)
        selection = by_validation(method, val, every, scoring, aggregation)
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
        begin.detector,
    )


def _evaluate(
    run: Config, folder: RunFolder, splits: TrainingSplits, outcome: Outcome
) -> tuple[tuple[str, ...], Path]:
    """Evaluates the finished stages on the test split, and writes the report.

    Returns:
        The results in words, and the folder of their files.
    """
    test = open_data.test_split(run)
    results = _evaluate_stages(folder, splits, test, outcome)
    write_report(
        folder.report,
        Report(
            title=_title(run),
            summary=(*split_warning(splits.check), *_once(results), UNSEEN),
            highlights=tuple(item for one in results for item in one.highlights),
            facts=_facts(run, folder, splits, test, outcome),
            sections=(
                # What is said of the files alone may be the same for both stages.
                *dict.fromkeys(item for one in results for item in one.sections),
                *_training_sections(folder, outcome),
                *_memory_sections(run, outcome),
            ),
        ),
    )
    words = tuple(dict.fromkeys(line for one in results for line in one.in_words))
    return words, folder.results(test)


def _evaluate_stages(
    folder: RunFolder, splits: TrainingSplits, test: FaceDataset, outcome: Outcome
) -> list[StageResults]:
    """The results of the stages, the last stage first; it has the baselines."""
    baselines, alone = _baselines(folder, splits, outcome), None
    results: list[StageResults] = []
    for stage in outcome.stages:
        task = _task(stage, folder, splits, test)
        if stage is outcome.stages[-1]:
            task = dataclasses.replace(task, baselines=baselines, recovery_alone=alone)
        results.insert(0, evaluate_stage(stage, task))
        alone = results[0].recovery_alone
    return results


def _baselines(folder: RunFolder, splits: TrainingSplits, outcome: Outcome) -> BaselineSources:
    """What baselines are made of; the probes are kept for `jaxfake.evaluate`."""
    networks = networks_of(outcome.stages[-1], outcome.frozen)
    probes = fit_probes(outcome.stages[-1], networks, splits)
    write_probes(folder.probes, probes)
    return BaselineSources(outcome.frozen.stage_one, joined(networks, probes))


def _once(results: Sequence[StageResults]) -> Iterator[str]:
    """The summaries of all stages. What is said of the data is the same for each of them."""
    return iter(dict.fromkeys(line for one in results for line in one.summary))


def _task(
    stage: LoadedRun, folder: RunFolder, splits: TrainingSplits, test: FaceDataset
) -> EvaluationTask:
    results = folder.results(test)
    aggregation = stage.config.evaluation.aggregation
    if stage.stage == DETECT:
        results.mkdir(parents=True, exist_ok=True)
        mask = _training_mask(folder, splits)
        calibrated = run_calibration.calibrate_run(stage, splits.val)
        calibration.write(folder.calibration, calibrated)  # for jaxfake.evaluate
        return EvaluationTask(
            test, results, aggregation, splits.train, mask, calibration=calibrated
        )
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


def _memory_sections(run: Config, outcome: Outcome) -> Iterator[Section]:
    """Of the stages that were trained under a memory plan."""
    if run.memory == choose.OFF:
        return
    for one in outcome.stages:
        planned = choose.planned_iteration(build_method.stage_workload(run, one.stage))
        if planned is not None:
            yield memory_section(one.stage, str(planned[0]), planned[1])


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
        *split_facts(splits.check),
        ("encoder", f"{_words(model.encoder)}, patches of {model.patch} pixels"),
        ("decoder", _words(model.decoder)),
        ("mask", f"{run.mask.mode}, {run.mask.count} patches"),
    ]
    if run.finetuned is not None:
        vit = run.finetuned.vit
        what = f"{_words(vit.size)}, patches of {vit.patch} pixels, tuning: {run.finetuned.tuning}"
        facts.append(("imported network", what))
    if run.data.forgeries:
        shares = ", ".join(f"{one.kind} {one.share:.0%}" for one in run.data.forgeries)
        alone = not (labels == schema.FAKE).any()
        chosen = "; the state is selected by forgeries of the validation split" if alone else ""
        facts.append(("forgeries among the fakes", f"{shares}{chosen}"))
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


def _length(settings: config.Stage) -> str:
    before = "".join(f"{steps}, then " for steps in settings.lengthened_at)
    return f"{before}{settings.steps} steps of {settings.batch_size} faces"


def _words(size: Size) -> str:
    return f"{size.depth} blocks of width {size.width} with {size.heads} heads"
