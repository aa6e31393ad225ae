"""The frames of a video that a protocol scores."""

import numpy as np

from jaxfake.data.dataset import Index


def evenly_spaced(index: Index, most: int) -> np.ndarray:
    """The rows of at most so many frames of each video, evenly spaced from its first to its last.

    All faces of a chosen frame are taken.
    """
    names = np.stack([index.dataset, index.method, index.video_id], axis=1)
    _, video = np.unique(names, axis=0, return_inverse=True)
    order = np.lexsort((index.frame, video))
    ends = np.flatnonzero(np.diff(video[order])) + 1
    chosen = []
    for rows in np.split(order, ends):
        frames = np.unique(index.frame[rows])
        places = np.linspace(0, len(frames) - 1, min(most, len(frames))).round().astype(np.int64)
        chosen.append(rows[np.isin(index.frame[rows], frames[places])])
    return np.sort(np.concatenate(chosen)) if len(order) else order
