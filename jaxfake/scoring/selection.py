"""Choosing a state by the validation split; it is given no other."""

import numpy as np

from jaxfake import schema
from jaxfake.config import Aggregation
from jaxfake.data.dataset import FaceDataset
from jaxfake.data.pipeline import rows_of
from jaxfake.models.method import Method, Params
from jaxfake.scoring.aggregate import per_video
from jaxfake.scoring.metrics import Undefined, roc_auc
from jaxfake.scoring.predict import Sweep, score_frames
from jaxfake.train.stage import TEST, Selection


def by_video_auc(
    method: Method, val: FaceDataset, every: int, sweep: Sweep, aggregation: Aggregation
) -> Selection:
    """The greatest AUC over the videos of the validation split.

    Raises:
        InputError: the split lacks a class.
        ValueError: it is a test split.
    """
    if val.split == TEST:
        raise ValueError(f"no state may be chosen by the test split of {val.folder}")
    for label in (schema.REAL, schema.FAKE):
        rows_of(val, label)
    rows = np.flatnonzero(val.index.label != schema.UNKNOWN)

    def score(params: Params) -> float:
        videos = per_video(val.index, score_frames(method, params, val, rows, sweep), aggregation)
        auc = roc_auc(videos.label, videos.score)
        if isinstance(auc, Undefined):
            raise ValueError(f"no validation AUC: {auc.reason}")
        return auc

    return Selection("val_video_auc", every, score)
