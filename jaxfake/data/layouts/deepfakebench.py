"""Datasets that DeepfakeBench (Yan et al., 2023) has preprocessed: cropped frames, and JSON lists of them.

    SOURCE/FaceForensics++/manipulated_sequences/Deepfakes/c23/frames/004_982/012.png
    SOURCE/FaceForensics++/manipulated_sequences/Deepfakes/c23/masks/004_982/012.png
    SOURCE/dataset_json/FF-DF.json

A list is described in `deepfakebench_lists`. Its paths are of the machine it was written on: the longest
end of one that is below SOURCE is taken, at least two folders of it. Of several compressions the first of
c23, c40 and raw that is there is taken.

Its script writes most videos of other datasets into several splits, such as all of Celeb-DF into train and
its official test videos into test and val as well. Our choice: what is in test is tested only, then what is
in train is trained on; a copy in val is dropped. FaceForensics++ has official splits: there a video in two
is an error. Each video's frames were cropped on their own, so no fake has an original frame by frame.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from jaxfake import schema
from jaxfake.data.layouts import absent, expected
from jaxfake.data.layouts.deepfakebench_lists import FFPP_CLASSES, Entry, entries, label_of, lists
from jaxfake.data.layouts.ffpp import COMPRESSIONS
from jaxfake.data.layouts.listing import Listing, Refused, SourceFile
from jaxfake.data.layouts.untrusted import brief, frame_names, frames_fault
from jaxfake.runtime.errors import InputError

_LAYOUT = "DATASET/.../frames/VIDEO/*.png and dataset_json/*.json"
_PREFERENCE = ("test", "train", "val")
_DEEPEST = 32  # folders of a path that are looked at
_IDS = re.compile(r"(\d{3})(?:_(\d{3}))?")


@dataclass
class _Video:
    """What all lists say of one video, and where its frames are."""

    entry: Entry
    folder: Path | None
    why: str  # it has no folder
    splits: set[str] = field(default_factory=set)


def list_deepfakebench(root: Path, protocol: Path | None) -> Listing:
    """The videos of the lists whose frames are there.

    Args:
        root: folder of the datasets, as the lists name them.
        protocol: a list, or a folder of lists; None is SOURCE/dataset_json.

    Raises:
        InputError: no list, nothing of it below the root, or a list that contradicts itself.
    """
    root = root.resolve()
    where = protocol or root / "dataset_json"
    if not (protocol or where.is_dir()):
        raise InputError(
            f"{where} is not there: give --protocol the lists, or another --source; expected are "
            f"{_LAYOUT}; {expected.in_it(root)}"
        )
    refused: list[Refused] = []
    missing: list[Refused] = []
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
            absent_here = video.why == absent.named_in(video.entry.source)
            (missing if absent_here else refused).append(Refused(name, video.why))
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
    return Listing(files, refused, 0, label, _official(videos), missing)


def _official(videos: list[_Video]) -> dict[str, dict[str, int]]:
    """As the lists name them, whether their frames are there or not."""
    counts = Counter((_split(video), video.entry.method) for video in videos)
    table: dict[str, dict[str, int]] = {}
    for (split, method), count in sorted(counts.items()):
        table.setdefault(split, {})[method] = count
    return table


def _videos(
    root: Path, where: Path, named: list[Entry], refused: list[Refused]
) -> tuple[list[_Video], str]:
    """Of the lists and the compression that are there, all that is named in them."""
    places = [_place(root, entry) for entry in named]
    there = [entry for entry, place in zip(named, places, strict=True) if isinstance(place, Path)]
    if not there:
        example = f", such as {brief(named[0].frames[0])}" if named else ""
        raise InputError(
            f"{root} holds none of the frames that {where} names{example}: give --source the folder "
            f"that FaceForensics++, Celeb-DF-v2 and the others are in; expected are {_LAYOUT}; "
            f"{expected.in_it(root)}"
        )
    sources = {entry.source for entry in there}
    refused += [
        Refused(source, "none of the videos that it names is there")
        for source in sorted({entry.source for entry in named} - sources)
    ]
    levels = {entry.compression for entry in there}
    compression = next((level for level in COMPRESSIONS if level in levels), "")
    videos: dict[tuple[str, str], _Video] = {}
    for entry, place in zip(named, places, strict=True):
        if entry.source in sources and entry.compression in ("", compression):
            _add(videos, entry, place)
    return list(videos.values()), compression


def _add(videos: dict[tuple[str, str], _Video], entry: Entry, place: Path | str) -> None:
    folder = place if isinstance(place, Path) else None
    why = "" if isinstance(place, Path) else place
    video = videos.setdefault((entry.method, entry.video), _Video(entry, folder, why))
    if video.entry.group != entry.group or (folder and video.folder and folder != video.folder):
        raise InputError(
            f"{video.entry.source} ({video.entry.group}) and {entry.source} ({entry.group}) both have a "
            f"video {entry.video}: prepare one list at a time, --protocol=FILE"
        )
    if video.folder is None and folder:
        video.entry, video.folder = entry, folder
    video.splits.add(entry.split)


def _place(root: Path, entry: Entry) -> Path | str:
    """The folder of the frames; or why there is none."""
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
            return frames_fault(root, folder) or folder
    return absent.named_in(entry.source)


def _parts(text: str) -> list[str]:
    """Of a path with slashes of either kind."""
    return [part for part in re.split(r"[/\\]", text) if part not in ("", ".")]


def _missing(root: Path, folder: Path, entry: Entry) -> Iterator[Refused]:
    """One line for all frames of a video that are named and not there; the others are taken."""
    there = frame_names(folder)
    names = {_parts(text)[-1] for text in entry.frames}
    gone = sorted(names - there)
    if gone:
        more = f", nor {len(gone) - 1} other frames" if len(gone) > 1 else ""
        relative = f"{folder.relative_to(root).as_posix()}/{gone[0]}"
        yield Refused(relative, f"{absent.named_in(entry.source)}{more}")


def _identities(videos: list[_Video]) -> list[str]:
    """The pair of ids of FaceForensics++, sorted, so that nobody is divided; else the video.

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
    """The one or two ids in the name of a video of FaceForensics++; none for others."""
    match = _IDS.fullmatch(video.entry.video)
    if match is None or video.entry.group not in FFPP_CLASSES:
        return []
    return [one for one in match.groups() if one]


def _split(video: _Video) -> str:
    return next(split for split in _PREFERENCE if split in video.splits)


def _file(
    root: Path, folder: Path, video: _Video, identity: str, refused: list[Refused]
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


def _mask(root: Path, folder: Path, refused: list[Refused]) -> Path | None:
    """Masks beside the frames, or those of c23, which are of all compressions."""
    if folder.parent.name != "frames":
        return None
    home = folder.parent.parent
    for above in (home, home.parent / "c23"):
        mask = above / "masks" / folder.name
        if os.path.isdir(mask):
            why = frames_fault(root, mask)
            if not why and frame_names(mask) == frame_names(folder):
                return mask
            why = why or "its pictures are not those of the frames"
            refused.append(Refused(mask.relative_to(root).as_posix(), why))
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
