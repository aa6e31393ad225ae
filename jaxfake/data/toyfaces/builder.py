"""TFDS builder of the toy faces: real clips and their forgeries, split by identity.

The test split has manipulations that the others do not have.
"""

import contextlib
import dataclasses
import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from absl import logging

from jaxfake import schema
from jaxfake.data import records
from jaxfake.data.deterministic_writer import DeterministicWriter
from jaxfake.data.encoding import Storage
from jaxfake.data.toyfaces.camera import draw_camera, shoot
from jaxfake.data.toyfaces.clips import draw_clip
from jaxfake.data.toyfaces.detected import as_detected, usual_landmarks
from jaxfake.data.toyfaces.forgeries import METHODS, SEEN, Forged, draw_forgery, forge, keep
from jaxfake.data.toyfaces.latents import draw_identity
from jaxfake.data.toyfaces.render import render
from jaxfake.data.toyfaces.worn import Worn, draw_worn, wear
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.progress import Progress
from jaxfake.schema import Example

NAME = "toyfaces"

_WRITER_LIMIT = 1000 << 20
"""Bytes of one split that TFDS writes without TensorFlow."""


@dataclasses.dataclass(frozen=True)
class SplitSize:
    """The size of a split: people, real clips of each person, and forgeries of each clip."""

    identities: int
    clips: int = 1
    forgeries: int = 1
    frames: int = 4  # of every clip


@dataclasses.dataclass(frozen=True)
class ToyFaces:
    """What is built. The same options give the same bytes.

    Attributes:
        size: side of the crops, pixels.
        seed: of everything that is drawn at random.
        storage: how crops are stored.
        train, val, test: the splits; nobody is in two of them.
    """

    size: int = 65
    seed: int = 0
    storage: Storage = "png"
    # More people help more than more frames do; more forgeries of each clip help too.
    train: SplitSize = SplitSize(identities=3000, forgeries=2, frames=1)
    val: SplitSize = SplitSize(identities=60, frames=2)
    test: SplitSize = SplitSize(identities=140, forgeries=3, frames=2)

    def splits(self) -> dict[str, SplitSize]:
        return {"train": self.train, "val": self.val, "test": self.test}

    def faces(self, split: str) -> int:
        """Number of examples of a split."""
        one = self.splits()[split]
        return one.identities * one.clips * (1 + one.forgeries) * one.frames


@dataclasses.dataclass(eq=False)
class ToyFacesConfig(tfds.core.BuilderConfig):
    """The options in the form that TFDS wants."""

    options: ToyFaces = ToyFaces()


class Toyfaces(tfds.core.GeneratorBasedBuilder):
    """Procedural faces and their forgeries."""

    VERSION = tfds.core.Version("2.0.0")
    """Has to be raised when the default data changes, so that nobody trains on an old copy."""

    def _info(self) -> tfds.core.DatasetInfo:
        options = self.builder_config.options
        return tfds.core.DatasetInfo(
            builder=self,
            description="Procedural faces whose parts agree statistically, and forgeries of them.",
            features=records.face_features(options.size, options.storage),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        del dl_manager  # nothing is downloaded
        splits = self.builder_config.options.splits()
        return {split: self._generate_examples(split) for split in splits}

    def _generate_examples(self, split: str) -> Iterator[tuple[int, dict[str, Any]]]:
        options = self.builder_config.options
        with Progress(f"drawing toy faces, {split}", options.faces(split), "faces") as progress:
            for key, example in enumerate(examples(options, split)):
                yield key, records.encode(example, options.storage)
                progress.advance(1)

    def _example_writer(self) -> DeterministicWriter:
        return DeterministicWriter()


def build(out: Path, options: ToyFaces | None = None) -> Path:
    """The folder below `out` of the dataset with these options, which is made if it does not exist.

    Raises:
        InputError: a split would be larger than can be written.
    """
    options = options or ToyFaces()
    _check(options)
    digest = hashlib.sha256(repr(options).encode()).hexdigest()[:8]
    config = ToyFacesConfig(name=f"{options.size}px_{digest}", options=options)
    tfds.disable_progress_bar()
    with _without_warnings():
        builder = Toyfaces(data_dir=out, config=config, file_format=records.FILE_FORMAT)
    with contextlib.redirect_stdout(io.StringIO()):  # TFDS reports downloads, and there are none
        builder.download_and_prepare()
    return Path(builder.data_dir)


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """TFDS warns about every configuration that is not listed in its class, as ours never is."""
    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _check(options: ToyFaces) -> None:
    for name in options.splits():
        frames = options.faces(name)
        if frames * options.size**2 * 4 > _WRITER_LIMIT:
            raise InputError(
                f"toyfaces: {frames} {name} frames of {options.size} px are over 1 GB: "
                "choose a smaller size or fewer identities"
            )


@dataclasses.dataclass(frozen=True)
class _LabelledClip:
    """One real or forged clip."""

    identity: str
    video_id: str
    method: str
    usual: list[np.ndarray]  # of each frame, see `detected.usual_landmarks`
    frames: list[Forged]
    worn: Worn


def examples(options: ToyFaces, split: str) -> Iterator[Example]:
    """The examples of a split in stored order: people, their clips, each with its forgeries."""
    number = list(options.splits()).index(split)
    for person in range(options.splits()[split].identities):
        camera_rng = np.random.default_rng([options.seed, number, person, 1])
        for clip in _clips(options, split, number, person):
            yield from _frames(camera_rng, clip)


def _clips(options: ToyFaces, split: str, number: int, person: int) -> Iterator[_LabelledClip]:
    rng = np.random.default_rng([options.seed, number, person, 0])
    who = f"{split}{person:04d}"
    sizes = options.splits()[split]
    methods = METHODS if split == "test" else SEEN
    identity = draw_identity(rng)
    for index in range(sizes.clips):
        clip, worn = draw_clip(rng, identity, sizes.frames), draw_worn(rng)
        faces = [render(scene, options.size) for scene in clip.scenes()]
        usual = [usual_landmarks(scene, options.size) for scene in clip.scenes()]
        own = draw_forgery(rng, _in_turn(methods, person + index), clip)
        real = keep(faces, own)
        yield _LabelledClip(who, f"{who}_{index}", schema.REAL_METHOD, usual, real, worn)
        for version in range(sizes.forgeries):
            method = _in_turn(methods, (person + index) * sizes.forgeries + version)
            forged = forge(faces, draw_forgery(rng, method, clip))
            yield _LabelledClip(who, f"{who}_{index}_{version}", method, usual, forged, worn)


def _in_turn(methods: Sequence[str], turn: int) -> str:
    """The methods in turn, so that each is used equally often."""
    return methods[turn % len(methods)]


def _frames(rng: np.random.Generator, clip: _LabelledClip) -> Iterator[Example]:
    camera = draw_camera(rng)
    for number, (usual, frame) in enumerate(zip(clip.usual, clip.frames, strict=True)):
        covered = wear(clip.worn, frame.image, frame.landmarks)
        yield Example(
            image=shoot(rng, camera, covered.image),
            landmarks=as_detected(rng, usual, frame.landmarks, len(frame.image)),
            label=schema.REAL if clip.method == schema.REAL_METHOD else schema.FAKE,
            method=clip.method,
            dataset=NAME,
            video_id=clip.video_id,
            identity=clip.identity,
            frame=number,
            forgery_mask=np.where(covered.hidden, np.uint8(0), frame.mask),
            has_mask=True,
            matrix=np.eye(2, 3, dtype=np.float32),  # the crop is the frame
        )
