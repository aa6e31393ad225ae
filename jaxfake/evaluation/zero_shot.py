"""The first result of the whole idea: the masked recovery error alone as a detector of fakes.

Nothing is trained on a fake, and no score is chosen by its result: the headline is the mean error over
the three parts, as defined before any measurement; all other scores are listed beside it.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation import detection
from jaxfake.evaluation.aggregate import against_reals
from jaxfake.evaluation.detection import Detection
from jaxfake.evaluation.metrics.auc import Bootstrap
from jaxfake.evaluation.predict import FrameScores
from jaxfake.evaluation.quality import AucPair, Quality, ScoreKind, auc_json, measure_evidence
from jaxfake.evaluation.result_files import Provenance

HEADLINE = "error_mean"
"""Name of `Prediction.score`: masked squared error, mean over the parts."""

_ERROR = ScoreKind(HEADLINE, probability=False)


class ZeroShot(NamedTuple):
    """The headline as a detector, and every score over all fakes and per manipulation."""

    headline: Detection
    scores: dict[str, AucPair]  # by name of the score, headline first
    scores_per_method: dict[str, dict[str, AucPair]]  # by manipulation, then by name of the score


def measure(dataset: FaceDataset, frames: FrameScores, bootstrap: Bootstrap) -> ZeroShot:
    """Measures every score of `frames`; videos without a known label or without a face are left out."""
    headline = detection.measure(dataset, frames, "mean", bootstrap, _ERROR)
    everything = np.ones(len(headline.videos.label), np.bool_)
    return ZeroShot(
        headline,
        _areas(headline, everything, headline.overall),
        {
            method: _areas(headline, against_reals(headline.videos, method), quality)
            for method, quality in headline.per_method.items()
        },
    )


def write(folder: Path, dataset: FaceDataset, result: ZeroShot, origin: Provenance) -> None:
    """Writes `frames.csv`, `scores.csv` and `metrics.json` to the folder."""
    evidence = {
        name: {
            **_json(pair),
            "per_method": {m: _json(at[name]) for m, at in result.scores_per_method.items()},
        }
        for name, pair in result.scores.items()
    }
    detection.write_with(folder, dataset, result.headline, origin, {"evidence": evidence})


def _areas(headline: Detection, chosen: np.ndarray, quality: Quality) -> dict[str, AucPair]:
    """The areas of each score on the chosen videos, bool [v]; those of the headline are known."""
    frames, videos, bootstrap = headline.frames, headline.videos, headline.bootstrap
    areas = {HEADLINE: AucPair(quality.video.auc, quality.frame.auc)}
    for name in frames.evidence:
        if name != HEADLINE:
            areas[name] = measure_evidence(frames, videos, chosen, name, bootstrap)
    return areas


def _json(pair: AucPair) -> dict[str, Any]:
    return {"video": auc_json(pair.video), "frame": auc_json(pair.frame)}
