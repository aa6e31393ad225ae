"""One source file in, the crops of one face out: the largest of a photograph, the subject of a clip.

Or those of every face, each followed through the clip in the same way.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from jaxfake import schema
from jaxfake.data.encoding import Storage, decode_picture, encode_mask, encode_picture
from jaxfake.data.layouts.listing import SourceFile
from jaxfake.data.preparation import crop_files, source_content
from jaxfake.data.preparation.crop_files import CropStatus, EncodedCrops
from jaxfake.data.preparation.forgery_masks import MaskReader
from jaxfake.data.preparation.source_facts import attributes, picture_hash
from jaxfake.data.preparation.splits import TRAIN
from jaxfake.faces import align, clip, ibug68, images, track, video
from jaxfake.faces.finder import Face, FaceFinder, SeveralFinders
from jaxfake.faces.media import Unreadable, opencv_message
from jaxfake.faces.model_files import FaceModels
from jaxfake.faces.video import Frame

type OnFrames = Callable[[int, int], None]
"""Is told how many more frames are to be read, and how many more have been."""

type _Read = Callable[[clip.Choice], Iterator[Frame]]
"""Reads the chosen frames of one clip."""

type Subject = Literal["largest", "mask"]

_MOST_FACES = 6
"""The most faces of a frame, the largest: the landmarks of a whole crowd would take long in every frame."""

_BYTES_PER_PIXEL = 4  # RGB and the mask


@dataclass(frozen=True)
class CropOptions:
    """How faces are cropped and stored."""

    size: int  # pixels, square
    frames: int  # most frames of a video, evenly spaced
    storage: Storage
    derive: float | None = (
        None  # threshold of `forgery_masks.derived_mask` where no mask is given; None: off
    )
    gap: int = 30  # most frames between two detections of a face that are filled in between
    real_frames: int = (
        0  # the same as `frames` for real videos of the training split; 0: as `frames`
    )

    subject: Subject = "largest"  # of a clip with several people, see `coverage.SUBJECTS`

    def frames_of(self, source: SourceFile) -> int:
        """Most frames of this video."""
        real = source.label == schema.REAL and source.split == TRAIN
        return self.real_frames if real and self.real_frames else self.frames

    def most_bytes(self, source: SourceFile) -> int:
        """Bytes that the crops of a file and their masks have at most, but for some hundred."""
        crops = 1 if source.is_photograph else self.frames_of(source)
        return crops * self.size**2 * _BYTES_PER_PIXEL


@dataclass(frozen=True)
class FaceCrops:
    """The aligned crops of one face of a photograph or video, in the order of its frames (F of them)."""

    status: CropStatus
    frames: np.ndarray  # int32 [F]: index in the video, 0 for a photograph
    images: np.ndarray  # uint8 [F, size, size, 3], RGB
    landmarks: np.ndarray  # float32 [F, 68, 2], pixels of the crop
    matrices: np.ndarray  # float32 [F, 2, 3], frame to crop


def crops_of(file: Path, options: CropOptions, models: FaceModels) -> FaceCrops:
    """The aligned crops of one photograph or video, the same that `prepare` stores.

    A file without a face, or one that cannot be read, gives no crops; `status` says which of the two. For
    many files make one `Cropper` and call its `crops_of`.

    Args:
        file: a photograph, a video, or a folder with the frames of a video.
        options: `storage` makes no difference here.
        models: the face models.
    """
    return Cropper(models, options).crops_of(file)


@dataclass(frozen=True)
class CropTask:
    """One file to crop: what to read, and where its crop file goes."""

    source: SourceFile
    crop_file: str


@dataclass(frozen=True)
class _Crop:
    """One face of a frame, cropped and encoded."""

    face: Face
    frame: int  # in the video
    landmarks: np.ndarray  # float32 [68, 2], pixels of the crop
    matrix: np.ndarray  # float64 [2, 3]
    picture: bytes
    mask: bytes  # PNG; empty if unknown
    manipulated: float  # share of the face that the mask covers
    look: attributes.Look


class Cropper:
    """Crops one file after the other. Meant for a process of its own: it sets up OpenCV for all threads."""

    def __init__(
        self,
        models: FaceModels,
        options: CropOptions,
        on_frames: OnFrames | None = None,
        threads: int = 1,
    ) -> None:
        """`threads` find the faces of several frames of a clip at a time: the crops are the same."""
        cv2.setNumThreads(1)
        self._finder = FaceFinder(models)
        self._several = SeveralFinders(models, threads) if threads > 1 else None
        self._options = options
        self._on_frames = on_frames or (lambda to_read, read: None)

    def __call__(self, task: CropTask) -> None:
        """Writes the crop file of a task; for a source that cannot be used, it says why.

        Raises:
            OSError: the crop file cannot be written.
        """
        (crops,) = self._of_one_content(task.source, everyone=False)
        crop_files.save(Path(task.crop_file), crops)

    def _of_one_content(self, source: SourceFile, everyone: bool) -> list[EncodedCrops]:
        """The crops of a file, with the digest of the bytes that they were made from."""
        try:
            before = source_content.stamps(source)
            crops = self._measured(source, everyone)
            content = source_content.digest(source)
            if source_content.stamps(source) != before:
                return [crop_files.failed("it was written to while it was read", passing=True)]
        except OSError as error:
            return [_failed_to_read(error, source)]
        return [replace(one, content=content) for one in crops]

    def crops_of(self, file: Path) -> FaceCrops:
        """See the function `crops_of`."""
        unlabelled = SourceFile(file, file.name, schema.UNKNOWN, "unknown", file.stem, file.stem)
        crops, size = self.encoded(unlabelled), self._options.size
        images = [decode_picture(one, size, self._options.storage) for one in crops.pictures]
        return FaceCrops(
            status=crops.status,
            frames=crops.frames,
            images=np.array(images, np.uint8).reshape(-1, size, size, 3),
            landmarks=crops.landmarks,
            matrices=crops.matrices,
        )

    def encoded(self, source: SourceFile) -> EncodedCrops:
        """The crops of a file, encoded for storage, and its attributes."""
        return self._measured(source, everyone=False)[0]

    def everyone(self, source: SourceFile) -> list[EncodedCrops]:
        """The same for each person in a file: of a clip the one with the largest faces first.

        There is at least one entry: of a file without a face, or that cannot be read, it says so. Each has
        the digest of the bytes that it was made from.
        """
        return self._of_one_content(source, everyone=True)

    def everyone_in(self, pictures: Sequence[np.ndarray]) -> list[EncodedCrops]:
        """The same for the frames of a clip in memory, uint8 [H, W, 3] each, RGB."""
        source = SourceFile(Path("frames"), "frames", schema.UNKNOWN, "unknown", "frames", "frames")
        indices = video.evenly_spaced(len(pictures), self._options.frames)

        def read(choice: clip.Choice) -> Iterator[Frame]:
            return (Frame(number, pictures[number]) for number in choice.indices)

        return self._of_frames(source, clip.Choice(indices, as_claimed=False), read, everyone=True)

    def _measured(self, source: SourceFile, everyone: bool) -> list[EncodedCrops]:
        crops = self._crops(source, everyone)
        if crops[0].failure:
            return crops
        file = attributes.measure_file(source)
        return [
            replace(one, attributes=attributes.with_crops(file, one.attributes)) for one in crops
        ]

    def _crops(self, source: SourceFile, everyone: bool) -> list[EncodedCrops]:
        try:
            if source.is_photograph:
                return self._photograph(source, _MOST_FACES if everyone else 1)
            return self._video(source, everyone)
        except Unreadable as error:
            return [crop_files.failed(str(error))]
        except OSError as error:
            return [_failed_to_read(error, source)]
        except MemoryError:
            return [crop_files.failed("it takes more memory than a file may")]
        except cv2.error as error:
            return [crop_files.failed(opencv_message(error))]

    def _photograph(self, source: SourceFile, most: int) -> list[EncodedCrops]:
        photograph = images.read_photograph(source.path)
        self._on_frames(1, 0)
        frame = Frame(0, photograph.image)
        faces = self._finder.several(frame.image, most)
        self._on_frames(0, 1)
        mask = self._mask_of(source, [0])
        each = [[self._crop(frame, face, mask)] for face in faces] or [[]]
        hashes = picture_hash.hash_picture(frame.image).tobytes() if faces else b""
        return [
            replace(
                _in_order(crops, expected=1, decoded=1, filled=0),
                hashes=hashes,
                remark=photograph.remark,
                mask_refusal=mask.refusal,
            )
            for crops in each
        ]

    def _video(self, source: SourceFile, everyone: bool) -> list[EncodedCrops]:
        """The crops of the subject of the clip, or of everyone in it."""
        wanted, read = self._options.frames_of(source), partial(clip.read_frames, source.clip)
        try:
            return self._of_frames(source, clip.choose(source.clip, wanted), read, everyone)
        except video.NotAsClaimed:
            choice = clip.choose_whole(source.clip, wanted)
            return self._of_frames(source, choice, read, everyone)

    def _of_frames(
        self, source: SourceFile, choice: clip.Choice, read: _Read, everyone: bool
    ) -> list[EncodedCrops]:
        indices = choice.indices
        numbers, crops = [], []
        mask = self._mask_of(source, indices)
        hashes = picture_hash.FrameHashes(indices)
        self._on_frames(len(indices), 0)
        for frame, faces in self._with_faces(hashes.watch(read(choice))):
            numbers.append(frame.number)
            crops.append([self._crop(frame, face, mask) for face in faces])
            self._on_frames(0, 1)
        people = _everyone(crops) if everyone else _subject(crops, self._options.subject)
        if not people:
            if crop_files.ended_early(len(indices), len(numbers)):
                raise Unreadable(
                    f"only {len(numbers)} of {len(indices)} frames decode, and none has a face"
                )
            return [replace(_in_order([], len(indices), len(numbers), 0), remark=choice.remark)]
        gaps = [track.gaps(one, numbers, self._options.gap) for one in people]
        filled = self._filled(source, read, [_numbered(one, numbers) for one in gaps])
        each = []
        for person, between in zip(people, filled, strict=True):
            found = [crops[one.place][one.number] for one in person.sightings]
            in_order = _in_order([*found, *between], len(indices), len(numbers), len(between))
            each.append(
                replace(
                    in_order,
                    hashes=hashes.joined(),
                    remark=choice.remark,
                    mask_refusal=mask.refusal,
                )
            )
        return each

    def _with_faces(self, frames: Iterator[Frame]) -> Iterator[tuple[Frame, list[Face]]]:
        if self._several is not None:
            return self._several.find(frames, _MOST_FACES)
        return ((frame, self._finder.several(frame.image, _MOST_FACES)) for frame in frames)

    def _filled(
        self, source: SourceFile, read: _Read, gaps: list[dict[int, np.ndarray]]
    ) -> list[list[_Crop]]:
        """Crops of frames in which a face was not found, by landmarks interpolated between others.

        Their frames are decoded again, once for all people: keeping all frames of a clip would take
        unlimited memory.

        Args:
            gaps: of each person, the landmarks by the number of the frame.
        """
        crops: list[list[_Crop]] = [[] for _ in gaps]
        wanted = sorted(set().union(*gaps))
        if not wanted:
            return crops
        mask = self._mask_of(source, wanted)
        for frame in read(clip.Choice(wanted, as_claimed=False)):
            for landmarks, filled in zip(gaps, crops, strict=True):
                points = landmarks.get(frame.number)
                if points is not None:
                    box = np.concatenate([points.min(0), points.max(0)])
                    filled.append(self._crop(frame, Face(points, box, 0.0), mask))
        return crops

    def _mask_of(self, source: SourceFile, indices: list[int]) -> MaskReader:
        return MaskReader(source, indices, self._options.size, self._options.derive)

    def _crop(self, frame: Frame, face: Face, masks: MaskReader) -> _Crop:
        crop = align.crop(frame.image, face.landmarks, self._options.size)
        mask = masks.of(frame, crop)
        return _Crop(
            face=face,
            frame=frame.number,
            landmarks=crop.landmarks,
            matrix=crop.matrix,
            picture=encode_picture(crop.image, self._options.storage),
            mask=b"" if mask is None else encode_mask(mask),
            manipulated=0.0 if mask is None else _covered(mask, crop.landmarks),
            look=attributes.look_of(crop.image, crop.matrix),
        )


def _covered(mask: np.ndarray, landmarks: np.ndarray) -> float:
    """Share of the box around the landmarks, float [68, 2], that a mask, uint8 [size, size], covers.

    The crop is wider than the face, and the mask of a neighbour may reach into it.
    """
    left, top = np.clip(np.floor(landmarks.min(0)), 0, len(mask) - 1).astype(int)
    right, bottom = np.clip(np.ceil(landmarks.max(0)), 0, len(mask) - 1).astype(int)
    return float((mask[top : bottom + 1, left : right + 1] > 0).mean())


def _failed_to_read(error: OSError, source: SourceFile) -> EncodedCrops:
    reason = error.strerror or str(error)
    return crop_files.failed(reason, passing=source_content.is_gone(error, source))


def _tracks(crops: list[list[_Crop]]) -> list[track.Track]:
    return track.link([[crop.face for crop in of_frame] for of_frame in crops])


def _everyone(crops: list[list[_Crop]]) -> list[track.Track]:
    """All people in a clip, the one with the largest faces first."""
    return sorted(_tracks(crops), key=lambda one: -one.extent)


def _subject(crops: list[list[_Crop]], rule: Subject) -> list[track.Track]:
    """The person whom a clip is about; none if there is no face.

    Only fakes have masks. Whoever is chosen by them is chosen by the label, so a detector could learn, and
    be rewarded for, what kind of person that is. It is done on request alone, in training too.
    """
    tracks = _tracks(crops)
    if rule == "largest" or not any(crop.mask for of_frame in crops for crop in of_frame):
        chosen = track.subject(tracks)
    else:
        chosen = track.subject(tracks, lambda one: crops[one.place][one.number].manipulated)
    return [] if chosen is None else [chosen]


def _numbered(gaps: dict[int, np.ndarray], numbers: list[int]) -> dict[int, np.ndarray]:
    """Landmarks by the number of the frame in the video, instead of by its place among those read."""
    return {numbers[place]: points for place, points in gaps.items()}


def _in_order(crops: list[_Crop], expected: int, decoded: int, filled: int) -> EncodedCrops:
    """The crops in the order of their frames."""
    crops = sorted(crops, key=lambda crop: crop.frame)
    return EncodedCrops(
        expected=expected,
        decoded=decoded,
        filled=filled,
        frames=np.array([crop.frame for crop in crops], np.int32),
        landmarks=np.array([crop.landmarks for crop in crops], np.float32).reshape(
            -1, ibug68.POINTS, 2
        ),
        matrices=np.array([crop.matrix for crop in crops], np.float32).reshape(-1, 2, 3),
        pictures=[crop.picture for crop in crops],
        masks=[crop.mask for crop in crops],
        manipulated=sum(crop.manipulated > 0 for crop in crops),
        attributes=attributes.of_crops([crop.look for crop in crops]),
    )
