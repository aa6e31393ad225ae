"""How well baselines tell the same videos apart, beside the score that was evaluated."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxfake.config import Aggregation
from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation.aggregate import VideoScores, per_video, scored, with_missing
from jaxfake.evaluation.detection import NO_FACE_SCORE, DetectionResult
from jaxfake.evaluation.evidence.baselines.linear_probe import LinearProbe
from jaxfake.evaluation.metrics.auc_interval import Auc, measure_auc
from jaxfake.evaluation.metrics.paired_auc import AucDifference, compare_aucs
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.missing_videos import missing_videos
from jaxfake.evaluation.predict import FrameScores
from jaxfake.evaluation.result_files import auc_json, json_fields

RECOVERY_RELATIVE, RECOVERY_RAW = "recovery_relative", "recovery_raw"
"""The masked recovery error of stage 1, divided by the variance of the part, and as it is."""

PROBE_STAGE_1, PROBE_IMPORTED = "linear_probe_stage_1", "linear_probe_imported"
"""Linear probes on the features of stage 1, and of the network that was imported beside it."""


@dataclasses.dataclass(frozen=True)
class Baseline:
    """A baseline on the videos of a result.

    Attributes:
        auc: of its own, over videos.
        above: AUC of the score that was evaluated minus that of the baseline, on the videos that both have
            scored.
        probe: None if it is not one.
    """

    auc: Auc
    above: AucDifference | Undefined
    probe: LinearProbe | None = None


Baselines = Mapping[str, Baseline | Undefined]
"""By name; undefined with the reason where there is none."""


def measure_baseline(
    faces: FaceDataset,
    frames: FrameScores,
    found: DetectionResult,
    aggregation: Aggregation,
    probe: LinearProbe | None = None,
) -> Baseline:
    """The baseline with these scores of faces; of each video that has a face, there is at least one.

    A video without a face has the same score as in `found`, if these scores are of a probe.
    """
    half = NO_FACE_SCORE if probe is not None and found.no_face_counts else None
    videos = with_missing(per_video(faces.index, frames, aggregation), missing_videos(faces), half)
    if not _same_videos(videos, found.videos):
        raise ValueError("the baseline was measured on other videos")
    used, both = scored(videos), scored(videos) & scored(found.videos)
    return Baseline(
        auc=measure_auc(videos.label[used], videos.score[used], videos.identity[used]),
        above=compare_aucs(
            videos.label[both], found.videos.score[both], videos.score[both], videos.identity[both]
        ),
        probe=probe,
    )


def baselines_json(baselines: Baselines) -> dict[str, Any]:
    """As metrics.json has it."""
    return {name: _json(one) for name, one in baselines.items()}


def _json(one: Baseline | Undefined) -> dict[str, Any]:
    if isinstance(one, Undefined):
        return json_fields("auc", one)
    fields = auc_json(one.auc)
    if isinstance(one.above, Undefined):
        fields |= json_fields("score_above", one.above)
    else:
        fields |= {"score_above": one.above.value, "score_above_ci95": list(one.above.ci95)}
    if one.probe is not None:
        fields["probe"] = {
            "strength": one.probe.strength,
            "validation_auc": one.probe.validation_auc,
            "fitted_on": dataclasses.asdict(one.probe.fitted_on),
            "sha256": one.probe.sha256,
        }
    return fields


def _same_videos(one: VideoScores, other: VideoScores) -> bool:
    names = ("dataset", "method", "video_id")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)
