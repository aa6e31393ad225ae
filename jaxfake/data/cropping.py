"""One source file in, the crops of its largest face out."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np

from jaxfake.data import masks, units
from jaxfake.data.listing import SourceFile
from jaxfake.data.masks import MaskOf
from jaxfake.data.units import Unit
from jaxfake.faces import align, ibug68, images, video
from jaxfake.faces.finder import FaceFinder
from jaxfake.faces.media import Unreadable, is_image, opencv_says
from jaxfake.faces.models import FaceModels

Storage = Literal["png", "raw"]


class CropOptions(NamedTuple):
    """How faces are cut out and kept."""

    size: int  # pixels, square
    frames: int  # most frames of a video, evenly spaced
    storage: Storage
    derive: float | None = None  # threshold of `masks.derived_mask` if none is given; None: none


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
        units.save(Path(task.unit), self._unit(task.source))

    def _unit(self, source: SourceFile) -> Unit:
        try:
            return self._photograph(source) if is_image(source.path) else self._video(source)
        except Unreadable as error:
            return units.failed(str(error))
        except OSError as error:
            return units.failed(error.strerror or str(error))
        except MemoryError:
            return units.failed("it takes more memory than a file may")
        except cv2.error as error:
            return units.failed(opencv_says(error))

    def _photograph(self, source: SourceFile) -> Unit:
        return self._cropped([video.Frame(0, images.read_image(source.path))], 1, masks.unknown)

    def _video(self, source: SourceFile) -> Unit:
        indices = video.evenly_spaced(video.count_frames(source.path), self._options.frames)
        mask = masks.reader(source, indices, self._options.size, self._options.derive)
        return self._cropped(video.read_frames(source.path, indices), len(indices), mask)

    def _cropped(self, frames: Iterable[video.Frame], expected: int, mask: MaskOf) -> Unit:
        decoded = 0
        indices, landmarks, matrices, pictures, touched = [], [], [], [], []
        for frame in frames:
            decoded += 1
            face = self._finder.largest(frame.image)
            if face is None:
                continue
            crop = align.crop(frame.image, face.landmarks, self._options.size)
            indices.append(frame.number)
            landmarks.append(crop.landmarks)
            matrices.append(crop.matrix)
            pictures.append(self._stored(crop.image))
            where = mask(frame, crop)
            touched.append(b"" if where is None else _png(where))
        if not pictures and units.cut_short(expected, decoded):
            raise Unreadable(f"only {decoded} of {expected} frames decode, and none has a face")
        return Unit(
            expected=expected,
            decoded=decoded,
            frames=np.array(indices, np.int32),
            landmarks=np.array(landmarks, np.float32).reshape(-1, ibug68.POINTS, 2),
            matrices=np.array(matrices, np.float32).reshape(-1, 2, 3),
            pictures=pictures,
            masks=touched,
        )

    def _stored(self, image: np.ndarray) -> bytes:
        if self._options.storage == "raw":
            return image.tobytes()
        return _png(image[..., ::-1])


def _png(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()
