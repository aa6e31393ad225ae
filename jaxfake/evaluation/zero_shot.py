"""The masked recovery error alone as a zero-shot detector: nothing is trained on a fake.

The headline is the error of a part divided by the variance of its pixels, mean over the three parts. Until
November 2026 it was the plain error, which mostly measures texture and was the weaker of the two in every
measurement of this project. No score is chosen by the results at hand; all are listed beside it.
"""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation import detection
from jaxfake.evaluation.aggregate import against_reals
from jaxfake.evaluation.detection import DetectionResult
from jaxfake.evaluation.evidence.baselines.measured import Baselines, baselines_json
from jaxfake.evaluation.predict import FrameScores
from jaxfake.evaluation.result_files import Provenance, auc_json
from jaxfake.evaluation.score_metrics import (
    AucPair,
    DetectionMetrics,
    ScoreKind,
    evidence_auc,
)

HEADLINE = "relative_mean"
"""Name of `Prediction.score`: masked squared error by the variance of the part, mean over the parts."""

_ERROR = ScoreKind(HEADLINE, probability=False)


@dataclasses.dataclass(frozen=True)
class ZeroShotResult:
    """The headline as a detector, and every score over all fakes and for each manipulation."""

    headline: DetectionResult
    scores: dict[str, AucPair]  # by name of the score, headline first
    scores_per_manipulation: dict[str, dict[str, AucPair]]  # then by name of the score


def measure(dataset: FaceDataset, frames: FrameScores) -> ZeroShotResult:
    """Measures every score of `frames`; videos without a known label or without a face are left out."""
    headline = detection.measure(dataset, frames, "mean", _ERROR)
    everything = np.ones(len(headline.videos.label), np.bool_)
    return ZeroShotResult(
        headline,
        _aucs(headline, everything, headline.overall),
        {
            name: _aucs(headline, against_reals(headline.videos, name), metrics)
            for name, metrics in headline.per_manipulation.items()
        },
    )


def write(
    folder: Path,
    dataset: FaceDataset,
    result: ZeroShotResult,
    origin: Provenance,
    baselines: Baselines | None = None,
) -> None:
    """Writes `frames.csv`, `scores.csv` and `metrics.json`, with the baselines if there are any."""
    evidence = {
        name: {
            **_json(pair),
            "per_method": {
                manipulation: _json(pairs[name])
                for manipulation, pairs in result.scores_per_manipulation.items()
            },
        }
        for name, pair in result.scores.items()
    }
    more = {"evidence": evidence, "baselines": baselines_json(baselines) if baselines else None}
    detection.write_files(folder, dataset, result.headline, origin, more)


def _aucs(
    headline: DetectionResult, chosen: np.ndarray, metrics: DetectionMetrics
) -> dict[str, AucPair]:
    """The AUC of each score on the chosen videos, bool [v]; that of the headline is in `metrics`."""
    frames, videos = headline.frames, headline.videos
    aucs = {HEADLINE: AucPair(metrics.video.auc, metrics.frame.auc)}
    for name in frames.evidence:
        if name != HEADLINE:
            aucs[name] = evidence_auc(frames, videos, chosen, name)
    return aucs


def _json(pair: AucPair) -> dict[str, Any]:
    return {"video": auc_json(pair.video), "frame": auc_json(pair.frame)}
