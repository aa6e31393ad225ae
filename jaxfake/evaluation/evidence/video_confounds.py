"""Attributes of the files of the videos that were scored, to be stated beside the score."""

from jaxfake.data import source_table
from jaxfake.data.dataset import FaceDataset
from jaxfake.evaluation.aggregate import VideoScores, scored
from jaxfake.evaluation.evidence.confounds import Confound, measure
from jaxfake.evaluation.metrics.undefined import Undefined


def of_videos(dataset: FaceDataset, videos: VideoScores) -> tuple[Confound, ...] | Undefined:
    """The attributes of the files of the videos that are scored; Undefined if the dataset has none."""
    sources = source_table.read(dataset.folder)
    if sources is None:
        return Undefined(
            "the dataset has no table of its source files, as drawn faces and earlier versions"
        )
    names = set(zip(videos.method[scored(videos)], videos.video_id[scored(videos)], strict=True))
    return measure(
        [
            one
            for one in sources
            if one.split == dataset.split and (one.method, one.video_id) in names
        ]
    )
