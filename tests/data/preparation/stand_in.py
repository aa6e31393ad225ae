"""Preparation without face models: a stand-in finds a face in every picture that is not all black.

    python -m tests.data.preparation.stand_in SOURCE OUT

Everything else is the real thing, so that the tests of what is kept, counted and made again need neither
the face models nor photographs of people.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from jaxfake.data.preparation import crop_sources, prepare
from jaxfake.data.preparation.cropping import CropOptions, Cropper, CropTask, OnFrames
from jaxfake.data.preparation.prepare import Preparation
from jaxfake.faces.finder import Face
from jaxfake.faces.model_files import FaceModels
from jaxfake.runtime.processes import environment
from jaxfake.runtime.worker_pool import Limits, Outcome

SIZE, FRAMES = 32, 3
_SIDE = 48


class StandInFinder:
    """Finds one face, in the middle of the picture."""

    def largest(self, image: np.ndarray) -> Face | None:
        if not image.any():
            return None
        turns = np.linspace(0, 2 * np.pi, 68, endpoint=False)
        points = (np.stack([np.cos(turns), np.sin(turns)], 1) * 15 + _SIDE / 2).astype(np.float32)
        return Face(points, np.array([8, 8, 40, 40], np.float32), 1.0)

    def several(self, image: np.ndarray, most: int) -> list[Face]:
        face = self.largest(image)
        return [] if face is None else [face]


class StandInCropper(Cropper):
    """The real one, with that finder."""

    def __init__(
        self,
        models: FaceModels | None,
        options: CropOptions,
        on_frames: OnFrames | None = None,
        threads: int = 1,
    ) -> None:
        del models, threads
        cv2.setNumThreads(1)
        self._finder = StandInFinder()  # type: ignore[assignment]
        self._several = None
        self._options = options
        self._on_frames = on_frames or (lambda to_read, read: None)


def here(
    tasks: list[CropTask], start: Callable[[], Cropper], workers: int, limits: Limits
) -> Iterator[Outcome]:
    """An engine that does the tasks in this process, one after the other."""
    cropper = start()
    for number, task in enumerate(tasks):
        cropper(task)
        yield Outcome(number, "")


def install(change: pytest.MonkeyPatch) -> None:
    """Puts the stand-in in the place of the face models."""
    change.setattr(prepare.model_files, "obtain", lambda folder: None)
    change.setattr(prepare.model_files, "copy", lambda models, folder: None)
    change.setattr(crop_sources, "Cropper", StandInCropper)


def wanted(source: Path, out: Path, **options: object) -> Preparation:
    """A small preparation in this process."""
    crops = CropOptions(size=SIZE, frames=FRAMES, storage="png")
    given = {"source": source, "out": out, "crops": crops, "engine": here, **options}
    return Preparation(**given)  # type: ignore[arg-type]


def picture(path: Path, seed: int) -> None:
    """A photograph of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(1, 256, (_SIDE, _SIDE, 3), dtype=np.uint8)
    path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())


def clip(path: Path, seed: int) -> None:
    """A video of four frames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, (_SIDE, _SIDE))
    for frame in np.random.default_rng(seed).integers(1, 256, (4, _SIDE, _SIDE, 3), dtype=np.uint8):
        writer.write(frame)
    writer.release()


def source(root: Path) -> Path:
    """Eight photographs and two clips, real and fake, some with names that are not ASCII."""
    for number, name in enumerate(["anna", "Bjørn", "Ünal", "李", "zoë", "éric"]):
        picture(root / "real" / f"{name}.png", number)
    picture(root / "fake" / "Swap" / "a b.png", 10)
    picture(root / "fake" / "Ähnlich" / "10.png", 11)
    clip(root / "real" / "clip.mp4", 12)
    clip(root / "fake" / "Swap" / "clip é.mp4", 13)
    return root


if __name__ == "__main__":
    environment.use_utf8()  # as the verb does
    install(pytest.MonkeyPatch())
    prepare.prepare(wanted(Path(sys.argv[1]), Path(sys.argv[2])))
