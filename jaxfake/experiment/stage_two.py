"""What a detector has to show: its scores and its heat on a split, measured, drawn and in words."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from jaxfake.config import Aggregation
from jaxfake.data.dataset import FaceDataset
from jaxfake.data.preparation.coverage import ground_truth
from jaxfake.data.source_frames import SourceFrames
from jaxfake.evaluation import detection, localisation
from jaxfake.evaluation.detection import DetectionResult
from jaxfake.evaluation.localisation import HeatAccumulator, LocalisationResult
from jaxfake.evaluation.localisation_json import localisation_json
from jaxfake.evaluation.metrics.intervals import Bootstrap
from jaxfake.evaluation.predict import Sweep, score_frames
from jaxfake.evaluation.result_files import Provenance
from jaxfake.evaluation.trivial_maps import trivial_maps
from jaxfake.experiment.stage_results import StageResults
from jaxfake.models.method import Method, Params
from jaxfake.reporting import localisation_section
from jaxfake.reporting.detection_section import (
    detection_highlights,
    detection_section,
    detection_sentences,
    ranked_rows,
)
from jaxfake.reporting.frames_section import frames_section
from jaxfake.reporting.heat_strips import heat_scale, heat_strips, predict_heat
from jaxfake.reporting.strips import choose_rows

_RANKED = 12
_STRIPS_EACH = 4


class Measuring(NamedTuple):
    """How a detector is measured."""

    sweep: Sweep
    bootstrap: Bootstrap
    aggregation: Aggregation
    training_mask: np.ndarray | None  # uint8 [H, W], see `trivial_maps.training_mask`


class _Measured(NamedTuple):
    detection: DetectionResult
    localisation: LocalisationResult | None


def evaluate(
    folder: Path,
    name: str,
    method: Method,
    params: Params,
    faces: FaceDataset,
    origin: Provenance,
    how: Measuring,
    frames: SourceFrames | None = None,
) -> StageResults:
    """Scores every face, and writes `scores.csv`, `frames.csv` and `metrics.json` to the folder.

    Args:
        name: of the detector, for people.
        frames: that the faces were taken from, where they are at hand.
    """
    measured = _measure(method, params, faces, how)
    found, where = measured
    truth = ground_truth(faces.folder)
    detection.write(folder, faces, found, origin, localisation_json(where, truth))
    ranked, by_kind = ranked_rows(found, _RANKED), choose_rows(faces, _STRIPS_EACH)
    chosen = ranked | by_kind
    rows = np.concatenate(list(chosen.values()))
    heated = predict_heat(method, params, faces, rows, how.sweep)
    scale = heat_scale(heated, method.heat_threshold)
    strips = heat_strips(faces, chosen, heated, scale)
    sections = [detection_section(found, name, {title: strips[title] for title in ranked})]
    words, highlights = [detection_sentences(found, name)], detection_highlights(found)
    if where is not None:
        words.append(localisation_section.localisation_sentences(where))
        highlights += localisation_section.localisation_highlights(where)
        shown = {kind: strips[kind] for kind in by_kind}
        sections.append(localisation_section.localisation_section(where, truth, shown))
    if frames is not None:
        of_ranked = heated[: sum(map(len, ranked.values()))]
        sections += frames_section(faces, frames, of_ranked, scale)
    return StageResults(tuple(words), tuple(words), highlights, tuple(sections))


def _measure(method: Method, params: Params, faces: FaceDataset, how: Measuring) -> _Measured:
    """Predicts every face once, for its score and its heat map."""
    maps = trivial_maps(faces.size, how.training_mask)
    heats = HeatAccumulator(faces.index, maps, method.heat_threshold)
    frames = score_frames(method, params, faces, np.arange(len(faces)), how.sweep, heats)
    return _Measured(
        detection.measure(faces, frames, how.aggregation, how.bootstrap),
        localisation.measure(heats, how.bootstrap),
    )
