"""One source file in, the crops of one face out: the largest of a photograph, the subject of a clip."""

from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np

from jaxfake import schema
from jaxfake.data.layouts.listing import SourceFile
from jaxfake.data.preparation import crop_files, masks
from jaxfake.data.preparation.crop_files import Unit
from jaxfake.data.preparation.masks import MaskOf
from jaxfake.data.preparation.splits import TRAIN
from jaxfake.faces import align, clip, ibug68, images, track, video
from jaxfake.faces.finder import Face, FaceFinder
from jaxfake.faces.media import Unreadable, is_image, opencv_says
from jaxfake.faces.models import FaceModels

Storage = Literal["png", "raw"]


_MOST_FACES = 6
"""Of a frame, the largest: a crowd would cost its landmarks in every frame, and is nobody's subject."""


class CropOptions(NamedTuple):
    """How faces are cut out and kept."""

    size: int  # pixels, square
    frames: int  # most frames of a video, evenly spaced
    storage: Storage
    derive: float | None = None  # threshold of `masks.derived_mask` if none is given; None: none
    gap: int = 30  # most frames between two sightings of a face that are filled in between
    real_frames: int = (
        0  # most frames of a real video of the training split; 0: as many as of others
    )

    def frames_of(self, source: SourceFile) -> int:
        """Most frames of this video."""
        real = source.label == schema.REAL and source.split == TRAIN
        return self.real_frames if real and self.real_frames else self.frames


class _Cut(NamedTuple):
    """One face of a frame, cut out."""

    face: Face
    frame: int  # in the video
    landmarks: np.ndarray  # float32 [68, 2], pixels of the crop
    matrix: np.ndarray  # float64 [2, 3]
    picture: bytes
    mask: bytes  # PNG; empty if nobody knows
    touched: float  # share of the mask's pixels


class Task(NamedTuple):
    """One file to do: what to read, and where its unit goes."""

    source: SourceFile
    unit: str


class Cropper:
    """Does tasks, one after the other, in a process of its own."""

    def __init__(self, models: FaceModels, options: CropOptions) -> None:
        cv2.setNumThreads(1)
        video.silence_decoder()
        self._finder = FaceFinder(models)
        self._options = options

    def __call__(self, task: Task) -> None:
        """Writes the unit of a task; a file that cannot be used makes a unit that says why.

        Raises:
            OSError: the unit cannot be written.
        """
        crop_files.save(Path(task.unit), self._unit(task.source))

    def _unit(self, source: SourceFile) -> Unit:
        try:
            return self._photograph(source) if is_image(source.path) else self._video(source)
        except Unreadable as error:
            return crop_files.failed(str(error))
        except OSError as error:
            return crop_files.failed(error.strerror or str(error))
        except MemoryError:
            return crop_files.failed("it takes more memory than a file may")
        except cv2.error as error:
            return crop_files.failed(opencv_says(error))

    def _photograph(self, source: SourceFile) -> Unit:
        frame = video.Frame(0, images.read_image(source.path))
        face = self._finder.largest(frame.image)
        cuts = [] if face is None else [self._cut(frame, face, masks.unknown)]
        return _unit_of(cuts, expected=1, decoded=1, filled=0)

    def _video(self, source: SourceFile) -> Unit:
        """The crops of one person, whom the clip is about."""
        indices = video.evenly_spaced(
            clip.count_frames(source.path), self._options.frames_of(source)
        )
        numbers, cuts = [], []
        mask = self._mask_of(source, indices)
        for frame in clip.read_frames(source.path, indices):
            faces = self._finder.several(frame.image, _MOST_FACES)
            numbers.append(frame.number)
            cuts.append([self._cut(frame, face, mask) for face in faces])
        tracks = track.link([[cut.face for cut in of_frame] for of_frame in cuts])
        known = any(cut.mask for of_frame in cuts for cut in of_frame)
        chosen = track.subject(
            tracks, (lambda one: cuts[one.place][one.number].touched) if known else None
        )
        if chosen is None:
            if crop_files.cut_short(len(indices), len(numbers)):
                raise Unreadable(
                    f"only {len(numbers)} of {len(indices)} frames decode, and none has a face"
                )
            return _unit_of([], len(indices), len(numbers), filled=0)
        found = [cuts[one.place][one.number] for one in chosen.sightings]
        filled = self._filled(source, track.gaps(chosen, numbers, self._options.gap), numbers)
        return _unit_of([*found, *filled], len(indices), len(numbers), len(filled))

    def _filled(
        self, source: SourceFile, gaps: dict[int, np.ndarray], numbers: list[int]
    ) -> list[_Cut]:
        """Crops of frames in which the face was not found, by landmarks between those of others.

        Their frames are decoded again: to keep all of a clip's would take memory without a bound.
        """
        if not gaps:
            return []
        landmarks = {numbers[place]: points for place, points in gaps.items()}
        mask = self._mask_of(source, sorted(landmarks))
        cuts = []
        for frame in clip.read_frames(source.path, sorted(landmarks)):
            points = landmarks[frame.number]
            box = np.concatenate([points.min(0), points.max(0)])
            cuts.append(self._cut(frame, Face(points, box, 0.0), mask))
        return cuts

    def _mask_of(self, source: SourceFile, indices: list[int]) -> MaskOf:
        return masks.reader(source, indices, self._options.size, self._options.derive)

    def _cut(self, frame: video.Frame, face: Face, mask: MaskOf) -> _Cut:
        crop = align.crop(frame.image, face.landmarks, self._options.size)
        where = mask(frame, crop)
        return _Cut(
            face=face,
            frame=frame.number,
            landmarks=crop.landmarks,
            matrix=crop.matrix,
            picture=self._stored(crop.image),
            mask=b"" if where is None else _png(where),
            touched=0.0 if where is None else float((where > 0).mean()),
        )

    def _stored(self, image: np.ndarray) -> bytes:
        if self._options.storage == "raw":
            return image.tobytes()
        return _png(image[..., ::-1])


def _unit_of(cuts: list[_Cut], expected: int, decoded: int, filled: int) -> Unit:
    """The crops in the order of their frames."""
    cuts = sorted(cuts, key=lambda cut: cut.frame)
    return Unit(
        expected=expected,
        decoded=decoded,
        filled=filled,
        frames=np.array([cut.frame for cut in cuts], np.int32),
        landmarks=np.array([cut.landmarks for cut in cuts], np.float32).reshape(
            -1, ibug68.POINTS, 2
        ),
        matrices=np.array([cut.matrix for cut in cuts], np.float32).reshape(-1, 2, 3),
        pictures=[cut.picture for cut in cuts],
        masks=[cut.mask for cut in cuts],
    )


def _png(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()
