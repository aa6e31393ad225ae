"""The Python API: three lines in a notebook.

import jaxfake
detector = jaxfake.load("runs/mover")
result = detector.score("clip.mp4")
"""

import dataclasses
import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jaxfake.data.layouts.listing import SourceFile
from jaxfake.data.preparation import crop_files
from jaxfake.data.preparation.crop_files import EncodedCrops
from jaxfake.data.preparation.cropping import CropOptions, Cropper
from jaxfake.faces import model_files
from jaxfake.inference import answers, credentials
from jaxfake.inference.asked_files import AskedFile, list_files
from jaxfake.inference.model.opened_model import STARTER, OpenedModel, open_model
from jaxfake.inference.results import FileResult
from jaxfake.inference.scoring import score_tracks
from jaxfake.runtime.errors import InputError
from jaxfake.schema import UNKNOWN

FRAMES = 32
"""Most frames of a video, evenly spaced, unless somebody asks for more: as preparation has it."""


def load(model: str | Path = STARTER) -> "Detector":
    """A detector that is ready to score.

    Args:
        model: the folder of a run, a model folder, or a name in the file of names; by default the detector
            that comes with jaxfake.

    Raises:
        InputError: there is no such detector, or it is damaged.
    """
    return Detector(open_model(str(model)))


@dataclasses.dataclass(frozen=True, eq=False)
class Detector:
    """A detector in this process. Not to be shared between threads.

    Attributes:
        frames: most frames of a video, evenly spaced.
        face_models: folder of the face models; None for the cache.
    """

    model: OpenedModel
    frames: int = FRAMES
    face_models: str | None = None

    def score(
        self,
        asked: str | Path | np.ndarray | Sequence[np.ndarray],
        out: str | Path | None = None,
    ) -> FileResult:
        """What is said of one photograph, video or folder of frames, or of the frames of one clip.

        A file is decoded in this process: for files from anywhere, `python -m jaxfake.detect` has limits.

        Args:
            asked: a path; or frames, each uint8 [H, W, 3], RGB.
            out: folder for pictures of faces and heat maps; None to draw none.

        Raises:
            InputError: there is no such file, or an array is not a picture.
        """
        folder = None if out is None else Path(out)
        if isinstance(asked, str | Path):
            file, people = self._of_file(Path(asked))
            said = credentials.read(file.source.path)
        else:
            file, people = self._of_frames([_checked(one) for one in asked])
            said = None
        read = answers.read_tracks(file, people, self.model.config.data.size, said)
        scored = score_tracks(self.model, read.faces, answers.MOST_SHOWN)
        return answers.answer(self.model, read, scored, folder)

    def _of_file(self, path: Path) -> tuple[AskedFile, list[EncodedCrops]]:
        files = list_files((path,))
        if len(files) > 1:
            raise InputError(f"{path} holds {len(files)} files: score one after the other")
        (file,) = files
        if file.refusal:
            return file, [crop_files.failed(file.refusal)]
        return file, self._cropper.everyone(file.source)

    def _of_frames(self, pictures: list[np.ndarray]) -> tuple[AskedFile, list[EncodedCrops]]:
        if not pictures:
            raise InputError("there is no frame to score")
        people = self._cropper.everyone_in(pictures)
        source = SourceFile(Path("frames"), "frames", UNKNOWN, "unknown", "frames", "frames")
        content = f"file:{_digest(pictures)}"
        people = [dataclasses.replace(one, content=content) for one in people]
        return AskedFile(source, "frames", in_memory=True), people

    @property
    def crop_options(self) -> CropOptions:
        """How faces are cropped: as `prepare` does it for this detector."""
        return CropOptions(self.model.config.data.size, self.frames, "png")

    @functools.cached_property
    def _cropper(self) -> Cropper:
        return Cropper(model_files.obtain(self.face_models), self.crop_options)


def _checked(picture: np.ndarray) -> np.ndarray:
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[-1] != 3:
        raise InputError(
            f"a frame is uint8 [H, W, 3] in RGB, not {picture.dtype} {picture.shape}: give a list of them"
        )
    return np.ascontiguousarray(picture)


def _digest(pictures: Sequence[np.ndarray]) -> str:
    digest = hashlib.sha256()
    for one in pictures:
        digest.update(f"{one.shape}".encode())
        digest.update(one.tobytes())
    return digest.hexdigest()
