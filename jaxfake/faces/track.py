"""Tracks people through a clip by joining the faces of single frames.

A face continues the track whose last face overlaps it most. The clip's subject is the track with the
largest faces, or the manipulated one where that is known. Frames in which the subject was not found are
filled by interpolation between two in which it was, if those are close together. All of this is our choice.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from jaxfake.faces.finder import Face

MIN_OVERLAP = 0.15
"""Boxes of one person in two frames share at least this (intersection over union)."""

MOST_MISSED = 4
"""A track ends after this many frames without its face; a person who comes back later gets a new one."""


@dataclasses.dataclass(frozen=True)
class Sighting:
    """One face in one of the frames that were read."""

    place: int  # of the frame among those read, from 0
    face: Face
    number: int  # of the face within its frame, in the order given


@dataclasses.dataclass(frozen=True)
class Track:
    """One person, in the order of the frames."""

    sightings: tuple[Sighting, ...]

    @property
    def extent(self) -> float:
        """Sum of the areas of its boxes: how much is visible of this person."""
        return float(sum(_area(one.face.box) for one in self.sightings))


def link(frames: Sequence[Sequence[Face]]) -> list[Track]:
    """Tracks of the faces of successive frames; each face is in exactly one."""
    open_tracks: list[list[Sighting]] = []
    done: list[list[Sighting]] = []
    for place, faces in enumerate(frames):
        ended = [place - track[-1].place > MOST_MISSED for track in open_tracks]
        done += [track for track, gone in zip(open_tracks, ended, strict=True) if gone]
        open_tracks = [t for t, gone in zip(open_tracks, ended, strict=True) if not gone]
        taken = _assigned(open_tracks, faces)
        for number, face in enumerate(faces):
            sighting = Sighting(place, face, number)
            if number in taken:
                open_tracks[taken[number]].append(sighting)
            else:
                open_tracks.append([sighting])
    return [Track(tuple(track)) for track in [*done, *open_tracks]]


def subject(
    tracks: Sequence[Track], manipulated: Callable[[Sighting], float] | None = None
) -> Track | None:
    """The track of the person whom the clip is about; None if there are no tracks.

    Args:
        manipulated: share of a face that was manipulated, for a clip with masks. The track with the largest
            sum is the subject; if all are 0, the largest track is.
    """
    if not tracks:
        return None
    if manipulated is not None:
        shares = [sum(manipulated(one) for one in track.sightings) for track in tracks]
        if max(shares) > 0:
            return tracks[int(np.argmax(shares))]
    return max(tracks, key=lambda track: track.extent)


def gaps(track: Track, numbers: Sequence[int], longest: int) -> dict[int, np.ndarray]:
    """Interpolated landmarks for frames between two sightings.

    Args:
        track: of the subject.
        numbers: indices in the video of the frames that were read, ascending.
        longest: most frames of the video between the two sightings.

    Returns:
        float32 [68, 2] by the place of the frame.
    """
    filled: dict[int, np.ndarray] = {}
    for before, after in zip(track.sightings[:-1], track.sightings[1:], strict=True):
        first, last = numbers[before.place], numbers[after.place]
        if last - first > longest:
            continue
        for place in range(before.place + 1, after.place):
            share = (numbers[place] - first) / (last - first)
            ends = before.face.landmarks, after.face.landmarks
            filled[place] = ((1 - share) * ends[0] + share * ends[1]).astype(np.float32)
    return filled


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two boxes, float [4] each: left, top, right, bottom."""
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    shared = float(np.prod(np.maximum(high - low, 0)))
    together = _area(one) + _area(other) - shared
    return shared / together if together > 0 else 0.0


def _assigned(tracks: Sequence[Sequence[Sighting]], faces: Sequence[Face]) -> dict[int, int]:
    """The number of the track that each face continues: best pairs first, each track and face once."""
    pairs = sorted(
        (
            (overlap(track[-1].face.box, face.box), at, number)
            for at, track in enumerate(tracks)
            for number, face in enumerate(faces)
        ),
        key=lambda pair: (-pair[0], pair[1], pair[2]),
    )
    taken: dict[int, int] = {}
    for share, at, number in pairs:
        if share >= MIN_OVERLAP and number not in taken and at not in taken.values():
            taken[number] = at
    return taken


def _area(box: np.ndarray) -> float:
    return float(np.prod(np.maximum(box[2:] - box[:2], 0)))
