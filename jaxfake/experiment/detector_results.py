"""Results of a detector on a split: metrics of its scores and heat maps, pictures and sentences."""

import numpy as np

from jaxfake import schema
from jaxfake.data.preparation.coverage import ground_truth
from jaxfake.evaluation import detection, localisation
from jaxfake.evaluation.detection import DetectionResult
from jaxfake.evaluation.evidence import probes
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
from jaxfake.experiment.stage_results import EvaluationTask, StageResults
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
    ranked_rows,
)
from jaxfake.reporting.frames_section import frames_section
from jaxfake.reporting.heat_strips import heat_scale, heat_strips, predict_heat
from jaxfake.reporting.localisation_section import (
    localisation_highlights,
    localisation_section,
    localisation_sentences,
)
from jaxfake.reporting.strips import choose_rows

_RANKED = 12
_STRIPS_EACH = 4


def evaluate(
    run: LoadedRun, task: EvaluationTask, origin: Provenance, bootstrap: Bootstrap
) -> StageResults:
    """Scores every face, and writes `scores.csv`, `frames.csv` and `metrics.json`."""
    name, faces, scoring = run.title, task.faces, build_method.scoring(run.config)
    found, where = _measure(run, task, scoring, bootstrap)
    truth = ground_truth(faces.folder)
    single_cues = probes.measure(task.train, faces, task.aggregation)
    localised, cues = localisation_json(where, truth), probes.probes_json(single_cues)
    detection.write(task.folder, faces, found, origin, localised, cues)
    ranked, by_kind = ranked_rows(found, _RANKED), choose_rows(faces, _STRIPS_EACH)
    chosen = ranked | by_kind
    rows = np.concatenate(list(chosen.values()))
    heated = predict_heat(run.method, run.params, faces, rows, scoring)
    scale = heat_scale(heated, run.method.heat_threshold)
    strips = heat_strips(faces, chosen, heated, scale)
    sections = [
        detection_section(found, name, {title: strips[title] for title in ranked}),
        probes_section(single_cues, name, found.overall.video.auc),
        confounds_section(found.confounds, name, found.overall.video.auc),
    ]
    sentences = [detection_sentences(found, name), *confounds_warning(found.confounds)]
    if not isinstance(single_cues, Undefined):
        sentences.append(probes_sentence(single_cues, name, found.overall.video.auc))
    highlights = detection_highlights(found)
    if where is not None:
        sentences.append(localisation_sentences(where))
        highlights += localisation_highlights(where)
        shown = {kind: strips[kind] for kind in by_kind}
        sections.append(localisation_section(where, truth, shown))
    if task.frames is not None:
        of_ranked = heated[: sum(map(len, ranked.values()))]
        sections += frames_section(faces, task.frames, of_ranked, scale)
    return StageResults(tuple(sentences), tuple(sentences), highlights, tuple(sections))


def _measure(
    run: LoadedRun, task: EvaluationTask, scoring: ScoringSettings, bootstrap: Bootstrap
) -> tuple[DetectionResult, LocalisationResult | None]:
    """Every face is scored once, for its score and its heat."""
    faces = task.faces
    heats = HeatAccumulator(
        faces.index, trivial_maps(faces.size, task.training_mask), run.method.heat_threshold
    )
    frames = score_frames(run.method, run.params, faces, np.arange(len(faces)), scoring, heats)
    return (
        detection.measure(faces, frames, task.aggregation, trained=_trained(task)),
        localisation.measure(heats, bootstrap),
    )


def _trained(task: EvaluationTask) -> set[str] | None:
    """The manipulations that training had, if it had the same dataset; names differ between datasets."""
    if task.train is None or set(task.train.index.dataset) != set(task.faces.index.dataset):
        return None
    at = task.train.index
    return set(at.method[at.label == schema.FAKE].tolist())
