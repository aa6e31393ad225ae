"""Scores as deepfake-workbench imports them: `video_id,prob`, a row for each video that has a score.

    dfwb eval import workbench.csv --map key=video_id,score=prob --polarity fake-high …

It takes a video that is not in the file for one that the detector missed, and refuses a file that names a
video twice or holds what is not a probability.
"""

import numpy as np

FILE_NAME = "workbench.csv"
COLUMNS = ("video_id", "prob")


def unique_names(dataset: np.ndarray, method: np.ndarray, video_id: np.ndarray) -> list[str]:
    """A name of each video, as short as names of all are different: its id, else with what tells it apart.

    The manipulations of FaceForensics++ share their ids with the originals, so there it is
    'Deepfakes/000_003'.
    """
    ways = (
        [str(one) for one in video_id],
        [f"{how}/{one}" for how, one in zip(method, video_id, strict=True)],
    )
    for names in ways:
        if len(set(names)) == len(names):
            return names
    return [f"{data}/{name}" for data, name in zip(dataset, ways[1], strict=True)]
