"""Selects a state by the validation split; no other split is available to it."""

import numpy as np

from jaxfake import schema
from jaxfake.config import Aggregation
from jaxfake.data.dataset import FaceDataset
from jaxfake.data.pipeline import rows_of
from jaxfake.evaluation.aggregate import per_video
from jaxfake.evaluation.heat_accumulator import HeatAccumulator
from jaxfake.evaluation.localisation import mean_dice
from jaxfake.evaluation.metrics.auc import roc_auc
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.predict import ScoringSettings, score_frames
from jaxfake.models.method import Method, Params
from jaxfake.train.stage import TEST, Selection

VIDEO_AUC, AUC_AND_DICE = "val_video_auc", "val_auc_and_dice"


def by_validation(
    method: Method, val: FaceDataset, every: int, scoring: ScoringSettings, aggregation: Aggregation
) -> Selection:
    """Selects the state with the highest AUC over the videos of the validation split.

    For a method whose heat map has a threshold, it is the mean of this AUC and of Dice over the fakes with
    a mask, since localisation is half of its task (our choice).

    Raises:
        InputError: a class is missing from the split.
        ValueError: it is a test split.
    """
    if val.split == TEST:
        raise ValueError(f"a state must not be selected by the test split of {val.folder}")
    for label in (schema.REAL, schema.FAKE):
        rows_of(val, label)
    rows = np.flatnonzero(val.index.label != schema.UNKNOWN)
    threshold = method.heat_threshold

    def score(params: Params) -> float:
        heats = None if threshold is None else HeatAccumulator(val.index, {}, threshold)
        frames = score_frames(method, params, val, rows, scoring, heats, scores_alone=heats is None)
        videos = per_video(val.index, frames, aggregation)
        auc = roc_auc(videos.label, videos.score)
        if isinstance(auc, Undefined):
            raise ValueError(f"no validation AUC: {auc.reason}")
        dice = None if heats is None else mean_dice(heats)
        return auc if dice is None else (auc + dice) / 2

    return Selection(VIDEO_AUC if threshold is None else AUC_AND_DICE, every, score)
