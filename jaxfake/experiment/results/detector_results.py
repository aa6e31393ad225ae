"""Results of a detector on a split: metrics of its scores and heat maps, pictures and sentences."""

import numpy as np

from jaxfake import schema
from jaxfake.data.preparation.coverage import ground_truth
from jaxfake.evaluation import detection, localisation
from jaxfake.evaluation.detection import DetectionResult
from jaxfake.evaluation.evidence import probes
from jaxfake.evaluation.evidence.calibration.of_detector import measure_detector
from jaxfake.evaluation.evidence.detector_evidence import DetectorEvidence, evidence_json
from jaxfake.evaluation.evidence.protocols import departures
from jaxfake.evaluation.evidence.protocols.frames import frames_of_videos
from jaxfake.evaluation.evidence.robustness.measured import (
    RobustnessResult,
    RobustnessTask,
    measure_robustness,
)
from jaxfake.evaluation.heat_accumulator import HeatAccumulator
from jaxfake.evaluation.localisation import LocalisationResult
from jaxfake.evaluation.localisation_json import localisation_json
from jaxfake.evaluation.metrics.intervals import Bootstrap
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.predict import ScoringSettings, score_frames
from jaxfake.evaluation.result_files import Provenance
from jaxfake.evaluation.trivial_maps import trivial_maps
from jaxfake.experiment import build_method
from jaxfake.experiment.load_run import LoadedRun
from jaxfake.experiment.results.baseline_results import measure_baselines
from jaxfake.experiment.results.stage_results import EvaluationTask, StageResults
from jaxfake.reporting.confounds_section import (
    confounds_section,
    confounds_warning,
    probes_section,
    probes_sentence,
)
from jaxfake.reporting.detection_section import (
    detection_highlights,
    detection_section,
    detection_sentences,
    plain_words,
    ranked_rows,
)
from jaxfake.reporting.frames_section import frames_section
from jaxfake.reporting.heat_strips import heat_scale, heat_strips, predict_heat
from jaxfake.reporting.localisation_section import (
    localisation_highlights,
    localisation_section,
    localisation_sentences,
)
from jaxfake.reporting.scores.baselines_section import (
    baselines_highlight,
    baselines_section,
    baselines_sentences,
)
from jaxfake.reporting.scores.evidence_sections import evidence_sections, evidence_sentences
from jaxfake.reporting.scores.mistakes_section import mistaken_rows, mistakes_section
from jaxfake.reporting.scores.model_card import model_card
from jaxfake.reporting.strips import choose_rows

_RANKED = 12
_STRIPS_EACH = 4


def evaluate(
    run: LoadedRun, task: EvaluationTask, origin: Provenance, bootstrap: Bootstrap
) -> StageResults:
    """Scores every face, or those of the protocol, and writes the result files."""
    name, faces, scoring = run.title, task.faces, build_method.scoring(run.config)
    found, where = _measure(run, task, scoring, bootstrap)
    truth = ground_truth(faces.folder)
    evidence = _evidence(run, task, scoring, bootstrap, found)
    baselines = evidence.baselines
    more = {"localisation": localisation_json(where, truth), **evidence_json(evidence)}
    detection.write_files(task.folder, faces, found, origin, more)
    ranked, by_kind = ranked_rows(found, _RANKED), choose_rows(faces, _STRIPS_EACH)
    mistaken = mistaken_rows(found, _STRIPS_EACH)
    chosen = ranked | mistaken | by_kind
    rows = np.concatenate(list(chosen.values()))
    heated = predict_heat(run.method, run.params, faces, rows, scoring)
    scale = heat_scale(heated, run.method.heat_threshold)
    strips = heat_strips(faces, chosen, heated, scale)
    sections = [
        detection_section(found, name, {title: strips[title] for title in ranked}),
        *baselines_section(baselines, found, name),
        mistakes_section(found, {title: strips[title] for title in mistaken}),
        probes_section(evidence.probes, name, found.overall.video.auc),
        confounds_section(found.confounds, name, found.overall.video.auc),
        *evidence_sections(evidence),
    ]
    sentences = [detection_sentences(found, name), *plain_words(found)]
    sentences += baselines_sentences(baselines, name)
    sentences += confounds_warning(found.confounds)
    sentences += evidence_sentences(evidence)
    if not isinstance(evidence.probes, Undefined):
        sentences.append(probes_sentence(evidence.probes, name, found.overall.video.auc))
    highlights = detection_highlights(found) + baselines_highlight(baselines)
    if where is not None:
        sentences.append(localisation_sentences(where))
        highlights += localisation_highlights(where)
        shown = {kind: strips[kind] for kind in by_kind}
        sections.append(localisation_section(where, truth, shown))
    if task.frames is not None:
        of_ranked = heated[: sum(map(len, ranked.values()))]
        sections += frames_section(faces, task.frames, of_ranked, scale)
    sections.append(model_card(name, run.config.data.source, found, task.calibration))
    return StageResults(tuple(sentences), tuple(sentences), highlights, tuple(sections))


def _measure(
    run: LoadedRun, task: EvaluationTask, scoring: ScoringSettings, bootstrap: Bootstrap
) -> tuple[DetectionResult, LocalisationResult | None]:
    """Every face that counts is scored once, for its score and its heat."""
    faces = task.faces
    heats = HeatAccumulator(
        faces.index, trivial_maps(faces.size, task.training_mask), run.method.heat_threshold
    )
    frames = score_frames(run.method, run.params, faces, _rows(task), scoring, heats)
    no_face = "half" if task.protocol is None else task.protocol.no_face
    return (
        detection.measure(
            faces, frames, task.aggregation, trained=_trained(run, task), no_face=no_face
        ),
        localisation.measure(heats, bootstrap),
    )


def _trained(run: LoadedRun, task: EvaluationTask) -> set[str] | None:
    """The manipulations that training had, if on the same dataset: names differ between datasets."""
    if task.train is None or run.config.data.forgeries:
        return None
    at = task.train.index
    if set(at.dataset) != set(task.faces.index.dataset):
        return None
    return set(at.method[at.label == schema.FAKE].tolist())


def _evidence(
    run: LoadedRun,
    task: EvaluationTask,
    scoring: ScoringSettings,
    bootstrap: Bootstrap,
    found: DetectionResult,
) -> DetectorEvidence:
    return DetectorEvidence(
        task.protocol,
        _departures(task, found),
        measure_detector(task.calibration, task.faces, found.frames, found.videos),
        _robustness(run, task, scoring, bootstrap),
        measure_baselines(run, task, found, _rows(task), scoring),
        probes.measure(task.train, task.faces, task.aggregation),
    )


def _robustness(
    run: LoadedRun, task: EvaluationTask, scoring: ScoringSettings, bootstrap: Bootstrap
) -> RobustnessResult | None:
    """The detector on perturbed faces; None if that was not asked for."""
    if not task.perturb:
        return None
    return measure_robustness(
        RobustnessTask(
            faces=task.faces,
            rows=_rows(task),
            frames=task.frames,
            score=lambda faces, rows, heats: score_frames(
                run.method, run.params, faces, rows, scoring, heats
            ),
            threshold=run.method.heat_threshold,
            aggregation=task.aggregation,
            bootstrap=bootstrap,
        ),
        task.perturb,
    )


def _rows(task: EvaluationTask) -> np.ndarray:
    """The faces that are scored: all, or those of the protocol."""
    if task.protocol is None:
        return np.arange(len(task.faces))
    return frames_of_videos(task.faces.index, task.protocol.frames)


def _departures(task: EvaluationTask, found: DetectionResult) -> list[str]:
    """In what the evaluation departs from its protocol; nothing without one."""
    if task.protocol is None:
        return []
    videos = departures.of_dataset(task.faces, found)
    said = [line for one in videos for line in departures.departures(task.protocol, one)]
    return list(dict.fromkeys(said))
