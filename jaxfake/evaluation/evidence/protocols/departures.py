"""In what an evaluation departs from its protocol, and what of it cannot be checked; a sentence each."""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from jaxfake import schema
from jaxfake.data.dataset import FaceDataset
from jaxfake.data.preparation import coverage
from jaxfake.evaluation.detection import DetectionResult
from jaxfake.evaluation.evidence.protocols.protocol import Protocol
from jaxfake.evaluation.metrics.undefined import Undefined


@dataclasses.dataclass(frozen=True)
class EvaluatedVideos:
    """What was evaluated of one dataset.

    Attributes:
        dataset: its name.
        real, fake: how many videos of it there were, those without a score among them.
        manipulations: of the fakes.
        settings: of its preparation; empty where they are not known.
        attributes: of its source files that were measured.
    """

    dataset: str
    real: int
    fake: int
    manipulations: Collection[str] = ()
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    attributes: Collection[str] = ()


def departures(protocol: Protocol, videos: EvaluatedVideos) -> list[str]:
    """A sentence for each.

    Raises:
        InputError: the protocol does not test this dataset.
    """
    wanted = protocol.list_of(videos.dataset)
    found = [*_prepared(protocol, videos), *_not_shown(protocol, videos)]
    if wanted is not None:
        others = sorted(set(videos.manipulations) - set(wanted.manipulations))
        if wanted.manipulations and others:
            found.append(f"Fakes by {', '.join(others)} are tested too, which it leaves out.")
        for kind, count, have in (
            ("real", wanted.real, videos.real),
            ("fake", wanted.fake, videos.fake),
        ):
            if count is not None and count != have:
                found.append(
                    f"{have} {kind} videos of {videos.dataset}, where its list has {count}."
                )
        if wanted.compression:
            found += _compression(wanted.compression, videos)
    if protocol.train is not None:
        trained = f"{protocol.train.dataset} {protocol.train.compression}".strip()
        found.append(f"Not checked: that the detector was trained on {trained} alone.")
    return found


def _prepared(protocol: Protocol, videos: EvaluatedVideos) -> list[str]:
    """Of how the crops were made."""
    if not videos.settings:
        return ["Not checked: how frames and people were chosen, which nothing here says."]
    found = []
    frames, subject = videos.settings.get("frames"), videos.settings.get("subject")
    if isinstance(frames, int) and frames < protocol.frames:
        found.append(f"At most {frames} frames of a video, where it has {protocol.frames}.")
    if subject != protocol.subject:
        found.append(f"The person of a clip is chosen by {subject!r}, not by {protocol.subject!r}.")
    return found


def _compression(wanted: str, videos: EvaluatedVideos) -> list[str]:
    layout = str(videos.settings.get("label", ""))
    if wanted in layout.replace(",", " ").split():
        return []
    return [f"Not checked: that the videos of {videos.dataset} are those of compression {wanted}."]


def _not_shown(protocol: Protocol, videos: EvaluatedVideos) -> list[str]:
    missing = [name for name in protocol.attributes if name not in videos.attributes]
    if not missing:
        return []
    return [f"The AUC of these attributes of the files is not known: {', '.join(missing)}."]


def of_dataset(faces: FaceDataset, result: DetectionResult) -> list[EvaluatedVideos]:
    """What was evaluated of each dataset among these faces."""
    videos, settings = result.videos, coverage.settings(faces.folder)
    measured = () if isinstance(result.confounds, Undefined) else result.confounds
    found = []
    for name in np.unique(videos.dataset).tolist():
        label = videos.label[videos.dataset == name]
        method = videos.method[videos.dataset == name]
        found.append(
            EvaluatedVideos(
                dataset=name,
                real=int((label == schema.REAL).sum()),
                fake=int((label == schema.FAKE).sum()),
                manipulations=np.unique(method[label == schema.FAKE]).tolist(),
                settings=settings,
                attributes=[one.name for one in measured],
            )
        )
    return found
