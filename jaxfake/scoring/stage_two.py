"""What a detector has to show: its scores on a test split, measured, drawn and in words."""

from pathlib import Path

import numpy as np

from jaxfake.config import Aggregation
from jaxfake.data.dataset import FaceDataset
from jaxfake.models.method import Method, Params
from jaxfake.scoring import detection
from jaxfake.scoring.detection_section import (
    detection_highlights,
    detection_section,
    ranked_rows,
)
from jaxfake.scoring.metrics import Bootstrap
from jaxfake.scoring.predict import Sweep, score_frames
from jaxfake.scoring.results import Provenance
from jaxfake.scoring.stage_results import StageResults
from jaxfake.scoring.strips import draw_strips

_STRIPS = 12


def evaluate(
    folder: Path,
    name: str,
    method: Method,
    params: Params,
    faces: FaceDataset,
    origin: Provenance,
    sweep: Sweep,
    bootstrap: Bootstrap,
    aggregation: Aggregation,
) -> StageResults:
    """Scores every face, and writes `scores.csv`, `frames.csv` and `metrics.json` to the folder.

    Args:
        name: of the detector, for people.
    """
    frames = score_frames(method, params, faces, np.arange(len(faces)), sweep)
    result = detection.measure(faces, frames, aggregation, bootstrap)
    detection.write(folder, faces, result, origin)
    strips = draw_strips(method, params, faces, ranked_rows(result, _STRIPS), sweep)
    words = detection.in_words(result, name)
    return StageResults(
        (words,),
        (words,),
        detection_highlights(result),
        (detection_section(result, name, strips),),
    )
