"""The first result of the whole idea: the masked recovery error alone as a detector of fakes.

Nothing is trained on a fake, and no score is chosen by its result: the headline is the mean error over
the three parts, as defined before any measurement; all other scores are listed beside it.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxfake import schema
from jaxfake.data.dataset import FaceDataset
from jaxfake.scoring.aggregate import (
    AGGREGATION,
    VideoScores,
    per_video,
    write_frames,
    write_scores,
)
from jaxfake.scoring.metrics import Auc, Bootstrap, Undefined, measure_auc
from jaxfake.scoring.predict import FrameScores
from jaxfake.scoring.results import Provenance, json_fields, write_json

HEADLINE = "error_mean"
"""Name of `Prediction.score`: masked squared error, mean over the parts."""


class Quality(NamedTuple):
    """One score against the labels, by video and by face."""

    video: Auc
    frame: Auc  # its interval resamples videos too


class ZeroShot(NamedTuple):
    """Every score, over all fakes and per manipulation against the shared reals."""

    frames: FrameScores
    videos: VideoScores
    overall: dict[str, Quality]  # by name of the score, headline first
    per_method: dict[str, dict[str, Quality]]  # by manipulation, then by name of the score
    bootstrap: Bootstrap


def measure(dataset: FaceDataset, frames: FrameScores, bootstrap: Bootstrap) -> ZeroShot:
    """Measures every score of `frames`; faces without a known label are left out."""
    videos = per_video(dataset.index, frames)
    fakes = videos.method[videos.label == schema.FAKE]
    per_method = {
        method: _qualities(frames, videos, against_reals(videos, method), bootstrap)
        for method in np.unique(fakes).tolist()
    }
    known = videos.label != schema.UNKNOWN
    overall = _qualities(frames, videos, known, bootstrap)
    return ZeroShot(frames, videos, overall, per_method, bootstrap)


def in_words(result: ZeroShot) -> str:
    """The headline in one or two plain sentences, whatever it is."""
    auc = result.overall[HEADLINE].video
    counts = f"{auc.n_real} real and {auc.n_fake} fake videos"
    if isinstance(auc.value, Undefined):
        return f"No AUC of the masked recovery error over {counts}: {auc.value.reason}."
    number = f"Masked recovery error alone, nothing trained on fakes: video AUC {auc.value:.3f}"
    if isinstance(auc.ci95, Undefined):
        return f"{number}, over {counts}; no interval: {auc.ci95.reason}."
    interval = f"95 % interval {auc.ci95.low:.3f} to {auc.ci95.high:.3f}"
    return f"{number} ({interval}; {counts}). {_meaning(auc.value, auc.ci95.low, auc.ci95.high)}"


def _meaning(value: float, low: float, high: float) -> str:
    """What the number says; where the words change is our choice."""
    if low <= 0.5 <= high:
        return (
            "The interval holds 0.5, which is chance: on these videos the error alone "
            "does not tell fakes from reals."
        )
    if high < 0.5:
        return (
            "That is below chance: fakes are recovered better than reals here, so the error "
            "ranks them the wrong way round. It is reported as it is, not turned over."
        )
    share = f"a fake has the larger error in {100 * value:.0f} of 100 pairs of a fake and a real"
    if value < 0.7:
        return f"A real but weak signal, no detector yet: {share}."
    if value < 0.9:
        return f"A clear signal, with many errors left: {share}."
    return f"A strong signal on this dataset: {share}."


def write(folder: Path, dataset: FaceDataset, result: ZeroShot, origin: Provenance) -> None:
    """Writes `frames.csv`, `scores.csv` and `metrics.json` to the folder."""
    write_frames(folder / "frames.csv", dataset.index, result.frames)
    write_scores(folder / "scores.csv", result.videos)
    write_json(
        folder / "metrics.json",
        {
            **origin._asdict(),
            "split": dataset.split,
            "score": HEADLINE,
            "aggregation": AGGREGATION,
            "interval": "95 %, percentile bootstrap, videos resampled within each class",
            **result.bootstrap._asdict(),
            **_json(result.overall[HEADLINE]),
            "per_method": {name: _json(at[HEADLINE]) for name, at in result.per_method.items()},
            "evidence": {
                name: {
                    **_json(quality),
                    "per_method": {m: _json(at[name]) for m, at in result.per_method.items()},
                }
                for name, quality in result.overall.items()
            },
            "localisation": None,
        },
    )


def against_reals(videos: VideoScores, method: str) -> np.ndarray:
    """The fakes of one manipulation and all reals, bool [v]."""
    fakes = (videos.label == schema.FAKE) & (videos.method == method)
    return (videos.label == schema.REAL) | fakes


def _qualities(
    frames: FrameScores, videos: VideoScores, chosen: np.ndarray, bootstrap: Bootstrap
) -> dict[str, Quality]:
    """Quality of each score on the chosen videos, bool [v]."""
    faces = chosen[videos.of_face]
    group = videos.of_face[faces]
    by_video = {HEADLINE: videos.score} | videos.evidence
    by_frame = {HEADLINE: frames.score} | frames.evidence
    video_labels, video_group = videos.label[chosen], np.flatnonzero(chosen)
    return {
        name: Quality(
            video=measure_auc(video_labels, by_video[name][chosen], video_group, bootstrap),
            frame=measure_auc(videos.label[group], by_frame[name][faces], group, bootstrap),
        )
        for name in by_video
    }


def _json(quality: Quality) -> dict[str, Any]:
    return {"video": _auc_json(quality.video), "frame": _auc_json(quality.frame)}


def _auc_json(auc: Auc) -> dict[str, Any]:
    fields = json_fields("auc", auc.value) | json_fields("auc_ci95", auc.ci95)
    return fields | {"n_real": auc.n_real, "n_fake": auc.n_fake}
