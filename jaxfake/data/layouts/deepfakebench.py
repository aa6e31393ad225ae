"""Datasets that DeepfakeBench (Yan et al., 2023) has preprocessed: cropped frames, and JSON lists of them.

    SOURCE/FaceForensics++/manipulated_sequences/Deepfakes/c23/frames/004_982/012.png
    SOURCE/FaceForensics++/manipulated_sequences/Deepfakes/c23/masks/004_982/012.png
    SOURCE/dataset_json/FF-DF.json

The lists are described in `deepfakebench_lists`. Their paths are those of the machine they were written on:
the longest end of a path that exists below SOURCE is taken, with at least two folders. Of several
compressions the first existing one of c23, c40 and raw is taken.

DeepfakeBench's script puts most videos of other datasets into several splits, for example all of Celeb-DF
into train, and its official test videos into test and val as well. Our choice: a video in test is only
tested; of the others, a video in train is trained on, and its copy in val is dropped. FaceForensics++ has
official splits: there a video in two splits is an error. Each video's frames were cropped separately, so no
fake has an original frame by frame.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from jaxfake import schema
from jaxfake.data.layouts import layout_errors, missing_files
from jaxfake.data.layouts.deepfakebench_lists import FFPP_CLASSES, Entry, entries, label_of, lists
from jaxfake.data.layouts.ffpp_folders import COMPRESSIONS
from jaxfake.data.layouts.listing import Excluded, Listing, SourceFile
from jaxfake.data.layouts.untrusted_input import brief, frame_names, frames_fault
from jaxfake.runtime.errors import InputError

_LAYOUT = "DATASET/.../frames/VIDEO/*.png and dataset_json/*.json"
_PREFERENCE = ("test", "train", "val")
_DEEPEST = 32  # folders of a path that are tried
_IDS = re.compile(r"(\d{3})(?:_(\d{3}))?")


@dataclass
class _Video:
    """What all lists say about one video, and where its frames are."""

    entry: Entry
    folder: Path | None
    reason: str  # why it has no folder
    splits: set[str] = field(default_factory=set)


def list_deepfakebench(root: Path, protocol: Path | None) -> Listing:
    """The videos of the lists whose frames exist.

    Args:
        root: folder of the datasets, as the lists name them.
        protocol: a list, or a folder of lists; None is SOURCE/dataset_json.

    Raises:
        InputError: there is no list, none of its videos exists below the root, or it contradicts itself.
    """
    root = root.resolve()
    where = protocol or root / "dataset_json"
    if not (protocol or where.is_dir()):
        raise InputError(
            f"{where} is not there: give --protocol the lists, or another --source; expected: "
            f"{_LAYOUT}; {layout_errors.describe_content(root)}"
        )
    refused: list[Excluded] = []
    missing: list[Excluded] = []
    named: list[Entry] = []
    for path in lists(where):
        for found in entries(path):
            if isinstance(found, Entry):
                named.append(found)
            else:
                refused.append(found)
    videos, compression = _videos(root, where, named, refused)
    identities = _identities(videos)
    files: list[SourceFile] = []
    for video, identity in zip(videos, identities, strict=True):
        if video.folder is None:
            name = f"{video.entry.group}/{video.entry.video}"
            is_missing = video.reason == missing_files.named_in(video.entry.source)
            (missing if is_missing else refused).append(Excluded(name, video.reason))
        else:
            missing += _missing(root, video.folder, video.entry)
            files.append(_file(root, video.folder, video, identity, refused))
    _check_folders(files)
    files.sort(key=lambda file: file.relative)
    several = sum(len(video.splits) > 1 for video in videos)
    label = "by the lists of DeepfakeBench" + (f", {compression}" if compression else "")
    if several:
        label += f"; {several} videos that they put into several splits are in one"
    refused, missing = list(dict.fromkeys(refused)), list(dict.fromkeys(missing))
    return Listing(files, refused, label, _official(videos), missing)


def _official(videos: list[_Video]) -> dict[str, dict[str, int]]:
    """Counts by split and method of what the lists name, whether the frames exist or not."""
    counts = Counter((_split(video), video.entry.method) for video in videos)
    table: dict[str, dict[str, int]] = {}
    for (split, method), count in sorted(counts.items()):
        table.setdefault(split, {})[method] = count
    return table


def _videos(
    root: Path, where: Path, named: list[Entry], refused: list[Excluded]
) -> tuple[list[_Video], str]:
    """All videos of the lists with any existing frames, and the compression that is taken."""
    places = [_place(root, entry) for entry in named]
    existing = [
        entry for entry, place in zip(named, places, strict=True) if isinstance(place, Path)
    ]
    if not existing:
        example = f", such as {brief(named[0].frames[0])}" if named else ""
        raise InputError(
            f"{root} holds none of the frames that {where} names{example}: give --source the folder "
            f"that FaceForensics++, Celeb-DF-v2 and the others are in; expected: {_LAYOUT}; "
            f"{layout_errors.describe_content(root)}"
        )
    sources = {entry.source for entry in existing}
    refused += [
        Excluded(source, "none of the videos that it names exists")
        for source in sorted({entry.source for entry in named} - sources)
    ]
    levels = {entry.compression for entry in existing}
    compression = next((level for level in COMPRESSIONS if level in levels), "")
    videos: dict[tuple[str, str], _Video] = {}
    for entry, place in zip(named, places, strict=True):
        if entry.source in sources and entry.compression in ("", compression):
            _add(videos, entry, place)
    return list(videos.values()), compression


def _add(videos: dict[tuple[str, str], _Video], entry: Entry, place: Path | str) -> None:
    folder = place if isinstance(place, Path) else None
    reason = "" if isinstance(place, Path) else place
    video = videos.setdefault((entry.method, entry.video), _Video(entry, folder, reason))
    if video.entry.group != entry.group or (folder and video.folder and folder != video.folder):
        raise InputError(
            f"{video.entry.source} ({video.entry.group}) and {entry.source} ({entry.group}) both have a "
            f"video {entry.video}: prepare one list at a time, --protocol=FILE"
        )
    if video.folder is None and folder:
        video.entry, video.folder = entry, folder
    video.splits.add(entry.split)


def _place(root: Path, entry: Entry) -> Path | str:
    """The folder of the frames, or why there is none."""
    folders = {tuple(_parts(text)[:-1]) for text in entry.frames}
    if any(".." in folder for folder in folders):
        return "its frames are named by a path with .."
    if len(folders) != 1:
        return "its frames are in several folders"
    (parts,) = folders
    parts = parts[-_DEEPEST:]
    for start in range(len(parts) - 1):
        folder = root.joinpath(*parts[start:])
        if os.path.isdir(folder):
            return frames_fault(folder) or folder
    return missing_files.named_in(entry.source)


def _parts(text: str) -> list[str]:
    """The parts of a path with slashes or backslashes."""
    return [part for part in re.split(r"[/\\]", text) if part not in ("", ".")]


def _missing(root: Path, folder: Path, entry: Entry) -> Iterator[Excluded]:
    """One line for all frames of a video that are named and do not exist; the others are taken."""
    existing = set(map(_any_case, frame_names(folder)))
    names = {_parts(text)[-1] for text in entry.frames}
    gone = sorted(name for name in names if _any_case(name) not in existing)
    if gone:
        more = f", nor {len(gone) - 1} other frames" if len(gone) > 1 else ""
        relative = f"{folder.relative_to(root).as_posix()}/{gone[0]}"
        yield Excluded(relative, f"{missing_files.named_in(entry.source)}{more}")


def _any_case(name: str) -> str:
    """The name of a picture, with its suffix in lower case."""
    return str(PurePath(name).with_suffix(PurePath(name).suffix.lower()))


def _identities(videos: list[_Video]) -> list[str]:
    """The identity of each video: in FaceForensics++ its pair of ids, sorted; else the video itself.

    Raises:
        InputError: a pair of FaceForensics++ is in two splits.
    """
    pairs: dict[str, str] = {}
    for video in videos:
        ids = _ids(video)
        for one in ids if len(ids) == 2 else ():
            pairs.setdefault(one, "_".join(sorted(ids)))
    identities = []
    split_of: dict[str, tuple[str, str]] = {}
    for video in videos:
        name, ids = video.entry.video, _ids(video)
        identity = pairs.get(ids[0], name) if ids else name
        identities.append(identity)
        for split in sorted(video.splits) if video.entry.group in FFPP_CLASSES else ():
            before, other = split_of.setdefault(identity, (split, name))
            if before != split:
                raise InputError(
                    f"{video.entry.source}: {name} of FaceForensics++ is in {split}, and {other} in "
                    f"{before}: give --protocol lists with its official splits"
                )
    return identities


def _ids(video: _Video) -> list[str]:
    """The one or two ids in the name of a video of FaceForensics++; none for other videos."""
    match = _IDS.fullmatch(video.entry.video)
    if match is None or video.entry.group not in FFPP_CLASSES:
        return []
    return [one for one in match.groups() if one]


def _split(video: _Video) -> str:
    return next(split for split in _PREFERENCE if split in video.splits)


def _file(
    root: Path, folder: Path, video: _Video, identity: str, refused: list[Excluded]
) -> SourceFile:
    return SourceFile(
        path=folder,
        relative=folder.relative_to(root).as_posix(),
        label=label_of(video.entry.group),
        method=video.entry.method,
        identity=identity,
        video_id=video.entry.video,
        split=_split(video),
        mask=_mask(root, folder, refused) if label_of(video.entry.group) == schema.FAKE else None,
    )


def _mask(root: Path, folder: Path, refused: list[Excluded]) -> Path | None:
    """The masks beside the frames, or those of c23, which serve all compressions."""
    if folder.parent.name != "frames":
        return None
    home = folder.parent.parent
    for parent in (home, home.parent / "c23"):
        mask = parent / "masks" / folder.name
        if os.path.isdir(mask):
            reason = frames_fault(mask)
            if not reason and frame_names(mask) == frame_names(folder):
                return mask
            reason = reason or "its pictures are not those of the frames"
            refused.append(Excluded(mask.relative_to(root).as_posix(), reason))
            return None
    return None


def _check_folders(files: Iterable[SourceFile]) -> None:
    owner: dict[str, SourceFile] = {}
    for file in files:
        before = owner.setdefault(file.relative, file)
        if before is not file:
            raise InputError(
                f"{file.relative} is named as {before.method} {before.video_id} and as {file.method} "
                f"{file.video_id}: give --source the folder above, that holds them all"
            )
