"""The data schema: keys, dtypes and shapes of one example, one batch and one score row.

The only place where they are spelled. Shape letters, here and everywhere: B batch, T frames of a clip,
H W C image, N patches, M masked, D encoder width, E decoder width, P pixels of a patch, K passes.
"""

from typing import Any, NamedTuple

import numpy as np

IMAGE = "image"
LANDMARKS = "landmarks"
LABEL = "label"
METHOD = "method"
DATASET = "dataset"
VIDEO_ID = "video_id"
IDENTITY = "identity"
FRAME = "frame"
FORGERY_MASK = "forgery_mask"
HAS_MASK = "has_mask"
MATRIX = "matrix"

MOST_SIDE = 2048
"""The largest side of a crop in pixels; our choice, several times what detectors take."""

REAL, FAKE, UNKNOWN = 0, 1, -1
"""Labels. UNKNOWN is for files that a person asks about; no training code accepts it."""

REAL_METHOD = "real"
"""The `method` of every real face; fakes carry the name of their manipulation."""


class Example(NamedTuple):
    """One face crop. Pixel coordinates have the centre of the first pixel at (0, 0)."""

    image: np.ndarray  # uint8 [H, W, 3], RGB
    landmarks: np.ndarray  # float32 [68, 2], x then y, pixels of this crop; NaN where absent
    label: int  # 0 real, 1 fake, -1 unknown
    method: str  # manipulation name, 'real' for reals
    dataset: str
    video_id: str  # one clip or photograph; unique within (dataset, method)
    identity: str  # splits never separate the examples of one identity
    frame: int  # index in the source video, 0 for a photograph
    forgery_mask: np.ndarray  # uint8 [H, W], 255 = manipulated; all zero for reals
    has_mask: bool  # reals have one; fakes without ground truth do not
    matrix: (
        np.ndarray
    )  # float32 [2, 3]: takes pixels of the frame, x then y, to pixels of this crop


Batch = dict[str, Any]
"""What a step takes: arrays of one global batch, by the names below.

image uint8 [B, H, W, 3]; landmarks float32 [B, 68, 2]; label int32 [B]; forgery_mask uint8
[B, H, W]; has_mask bool [B]; valid bool [B], False for the padding of the last batch; mask_seed
uint32 [B], a hash of (dataset, method, video, frame) from which evaluation draws its masks; video
uint32 [B], a hash of (dataset, method, video); manipulation uint32 [B], a hash of the method; row int32
[B], the place of the example in its split, by which messages and results name it.
"""

VALID = "valid"
MASK_SEED = "mask_seed"
VIDEO = "video"
MANIPULATION = "manipulation"
ROW = "row"

FRAME_COLUMNS = ("dataset", "method", "video_id", "frame", "face", "label", "score")
"""Columns of `frames.csv`: one row a face."""

SCORE_COLUMNS = ("dataset", "method", "video_id", "label", "score", "frames", "faces", "status")
"""Columns of `scores.csv`: one row a video. Label 0 real, 1 fake, empty if unknown; score = P(fake)
or, for a zero-shot detector, any number that grows with suspicion; status `ok`, `no_face` or
`unreadable: why`."""
