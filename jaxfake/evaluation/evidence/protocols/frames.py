"""The frames of a video that a protocol scores."""

import numpy as np

from jaxfake.data.dataset import Index
from jaxfake.evaluation.evenly_spaced import first_to_last


def frames_of_videos(index: Index, most: int, among: np.ndarray | None = None) -> np.ndarray:
    """The rows of at most so many frames of each video, evenly spaced from its first to its last.

    All faces of a chosen frame are taken.

    Args:
        index: of a split.
        most: frames of a video.
        among: int64 [n], the rows to choose from; None for all.
    """
    rows = np.arange(len(index.label)) if among is None else np.asarray(among)
    names = np.stack([index.dataset[rows], index.method[rows], index.video_id[rows]], axis=1)
    _, video = np.unique(names, axis=0, return_inverse=True)
    order = np.lexsort((index.frame[rows], video))
    ends = np.flatnonzero(np.diff(video[order])) + 1
    chosen = []
    for of_video in np.split(rows[order], ends):
        frames = np.unique(index.frame[of_video])
        kept = frames[first_to_last(len(frames), most)]
        chosen.append(of_video[np.isin(index.frame[of_video], kept)])
    return np.sort(np.concatenate(chosen)) if len(order) else rows
