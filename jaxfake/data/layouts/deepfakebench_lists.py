"""Reads DeepfakeBench's JSON lists, as its preprocessing/rearrange.py writes them.

    {DATASET: {CLASS: {SPLIT: {VIDEO: {"label": CLASS, "frames": [path, ...]}}}}}
    {DATASET: {CLASS: {SPLIT: {"c23": {VIDEO: ...}}}}}          FaceForensics++ and what came with it

Labels are names of classes, real if they contain "real"; other keys of a video, such as its landmarks, are
ignored. FF-DF.json and its like repeat the real videos of FaceForensics++.json.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jaxfake import schema
from jaxfake.data.layouts.ffpp import SPLITS
from jaxfake.data.layouts.ffpp_folders import COMPRESSIONS
from jaxfake.data.layouts.listing import Excluded
from jaxfake.data.layouts.safe_paths import is_litter
from jaxfake.data.layouts.untrusted_input import as_object, brief, read_object, shown
from jaxfake.runtime.errors import InputError

FFPP_CLASSES = {
    "FF-real": schema.REAL_METHOD,
    "FF-DF": "Deepfakes",
    "FF-F2F": "Face2Face",
    "FF-FS": "FaceSwap",
    "FF-NT": "NeuralTextures",
    "FF-FH": "FaceShifter",
}
"""Methods of FaceForensics++ by DeepfakeBench's classes; elsewhere the class is the method."""

_LABEL_OF_FOLDER = {
    "original_sequences": schema.REAL,
    "manipulated_sequences": schema.FAKE,
    "Celeb-real": schema.REAL,
    "YouTube-real": schema.REAL,
    "Celeb-synthesis": schema.FAKE,
    "original_videos": schema.REAL,
    "method_A": schema.FAKE,
    "method_B": schema.FAKE,
}
"""Folder names of the datasets that say whether their videos are real or fake."""

_ADVICE = "give --protocol a JSON list of DeepfakeBench, or the folder of its lists"


@dataclass(frozen=True)
class Entry:
    """One video in one list."""

    source: str  # name of the list
    group: str  # class
    split: str
    compression: str  # '' if the list has none
    video: str
    frames: list[str]

    @property
    def method(self) -> str:
        real = label_of(self.group) == schema.REAL
        return schema.REAL_METHOD if real else FFPP_CLASSES.get(self.group, self.group)


def lists(where: Path) -> list[Path]:
    """The list, or all lists in a folder.

    Raises:
        InputError: the folder holds no list.
    """
    if where.is_dir():
        found = sorted(path for path in where.glob("*.json") if not is_litter(path.name))
        if not found:
            raise InputError(f"{where} holds no *.json: {_ADVICE}")
        return found
    return [where]


def entries(path: Path) -> Iterator[Entry | Excluded]:
    """The videos that a list names, once for every split and compression that they are named in.

    Raises:
        InputError: it is not a list of DeepfakeBench, or contradicts itself.
    """
    for dataset, groups in read_object(path, _ADVICE).items():
        for group, splits in as_object(groups, f"{path}: {shown(dataset)}").items():
            where = f"{path}: {shown(group)}"
            for split, body in as_object(splits, where).items():
                if split not in SPLITS:
                    raise InputError(f"{where} should hold train, val and test, not {brief(split)}")
                yield from _level(path, group, split, as_object(body, f"{where}/{split}"))


def _level(
    path: Path, group: str, split: str, body: dict[str, object]
) -> Iterator[Entry | Excluded]:
    """Videos of one split, with or without a level of compressions above them."""
    where = f"{path}: {shown(group)}/{split}"
    if isinstance(body.get("frames"), list):
        # rearrange.py writes the validation split of DFDC like this, each video over the one before.
        yield Excluded(f"{path.name}/{shown(group)}/{split}", "it holds a video without a name")
        body = {name: leaf for name, leaf in body.items() if isinstance(leaf, dict)}
    plain = {name: leaf for name, leaf in body.items() if name not in COMPRESSIONS}
    levels = {name: as_object(body[name], where) for name in COMPRESSIONS if name in body}
    for compression, leaves in ({"": plain} | levels).items():
        for video, leaf in leaves.items():
            yield _entry(
                path, group, split, compression, video, as_object(leaf, f"{where}/{shown(video)}")
            )


def _entry(
    path: Path, group: str, split: str, compression: str, video: str, leaf: dict[str, object]
) -> Entry | Excluded:
    where = f"{path}: {shown(group)}/{split}/{shown(video)}"
    label, frames = leaf.get("label"), leaf.get("frames")
    if not (isinstance(label, str) and label):
        raise InputError(f"{where} should have the name of a class as label, not {brief(label)}")
    if label_of(label) != label_of(group):
        raise InputError(f"{where} has the label {brief(label)}, which contradicts its class")
    if not (isinstance(frames, list) and all(isinstance(frame, str) for frame in frames)):
        raise InputError(f"{where} should have a list of paths as frames, not {brief(frames)}")
    for part in re.split(r"[/\\]", frames[0]) if frames else ():
        if _LABEL_OF_FOLDER.get(part, label_of(group)) != label_of(group):
            raise InputError(f"{where} is of {shown(group)}, which contradicts its folder {part}")
    name = f"{shown(group)}/{shown(video)}"
    if not frames:
        return Excluded(name, f"{path.name} names no frame of it")
    if not all(text.isprintable() for text in (group, video, *frames)):
        return Excluded(name, "a name in it cannot be printed")
    return Entry(path.name, group, split, compression, video, frames)


def label_of(group: str) -> int:
    """The label of a class, by its name."""
    return schema.REAL if "real" in group.lower() else schema.FAKE
