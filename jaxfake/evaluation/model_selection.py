"""Choosing a state by the validation split; it is given no other."""

import numpy as np

from jaxfake import schema
from jaxfake.config import Aggregation
from jaxfake.data.dataset import FaceDataset
from jaxfake.data.pipeline import rows_of
from jaxfake.evaluation.aggregate import per_video
from jaxfake.evaluation.localisation import Tally, mean_dice
from jaxfake.evaluation.metrics.auc import Undefined, roc_auc
from jaxfake.evaluation.predict import ScoringSettings, score_frames
from jaxfake.models.method import Method, Params
from jaxfake.train.stage import TEST, Selection

VIDEO_AUC, AUC_AND_DICE = "val_video_auc", "val_auc_and_dice"


def by_validation(
    method: Method, val: FaceDataset, every: int, scoring: ScoringSettings, aggregation: Aggregation
) -> Selection:
    """The greatest AUC over the videos of the validation split.

    Of a method that says from which heat on a pixel is touched, the mean of this AUC and of Dice over
    the fakes with a mask: a map is half of what is asked of it (our choice).

    Raises:
        InputError: the split lacks a class.
        ValueError: it is a test split.
    """
    if val.split == TEST:
        raise ValueError(f"no state may be chosen by the test split of {val.folder}")
    for label in (schema.REAL, schema.FAKE):
        rows_of(val, label)
    rows = np.flatnonzero(val.index.label != schema.UNKNOWN)
    threshold = method.heat_threshold

    def score(params: Params) -> float:
        tally = None if threshold is None else Tally(val.index, {}, threshold)
        videos = per_video(
            val.index, score_frames(method, params, val, rows, scoring, tally), aggregation
        )
        auc = roc_auc(videos.label, videos.score)
        if isinstance(auc, Undefined):
            raise ValueError(f"no validation AUC: {auc.reason}")
        dice = None if tally is None else mean_dice(tally)
        return auc if dice is None else (auc + dice) / 2

    return Selection(VIDEO_AUC if threshold is None else AUC_AND_DICE, every, score)
