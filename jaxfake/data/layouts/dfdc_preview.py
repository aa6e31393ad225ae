"""Preview of the Deepfake Detection Challenge (Dolhansky et al., 2019), DFDCP for short.

    SOURCE/dataset.json      {"method_A/.../x.mp4": {"label": "fake", "set": "train", "target_id": ...}}
    SOURCE/original_videos/.../*.mp4
    SOURCE/method_A/.../*.mp4, SOURCE/method_B/.../*.mp4

Papers that say DFDC often mean this preview; the full dataset is in `dfdc`. Splits are those of
dataset.json, which has no validation videos. Our choice: the identity is the actor whose video it is,
target_id; the actor whose face was put in, swapped_id, is not kept.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jaxfake import schema
from jaxfake.data.layouts import clips, layout_errors, missing_files
from jaxfake.data.layouts.listing import Excluded, Listing, SourceFile, separate
from jaxfake.data.layouts.safe_paths import is_litter, refuse_unlisted
from jaxfake.data.layouts.untrusted_input import as_object, brief, is_plain, read_object, shown
from jaxfake.runtime.errors import InputError

FOLDERS = {
    "original_videos": schema.REAL_METHOD,
    "method_A": "method_A",
    "method_B": "method_B",
}
"""The method of the videos in each folder."""

SPLITS = ("train", "val", "test")

_LIST = "dataset.json"
_NAME = "preview of DFDC"
_LAYOUT = f"{_LIST}, original_videos/, method_A/ and method_B/"
_LABELS = {"real": schema.REAL, "fake": schema.FAKE}


@dataclass(frozen=True)
class _Entry:
    """What dataset.json says about one video."""

    label: int
    split: str
    target: str  # '' if unknown


def list_dfdc_preview(root: Path, protocol: Path | None) -> Listing:
    """The videos that dataset.json names.

    Args:
        root: of the dataset.
        protocol: has to be None; the splits are in dataset.json.

    Raises:
        InputError: dataset.json is missing, or contradicts itself.
    """
    if protocol:
        raise InputError(
            f"--protocol={protocol}: the preview of DFDC has its splits in {_LIST}; leave it out"
        )
    root = root.resolve()
    if not (root / _LIST).is_file():
        raise layout_errors.wrong_root(root, _NAME, _LAYOUT)
    listed = read_object(root / _LIST, "get it again")
    entries = {
        name: _entry(value, f"{root / _LIST}: {shown(name)}") for name, value in listed.items()
    }
    missing = [
        Excluded(shown(name), missing_files.named_in(_LIST))
        for name in sorted(entries)
        if _is_name(name) and _find(root, name) is None
    ]
    gone = {item.relative for item in missing}
    files, refused = separate(
        _file(root, name, entry) for name, entry in entries.items() if shown(name) not in gone
    )
    if not files:
        raise layout_errors.no_video(root, _NAME, _LAYOUT, [*refused, *missing])
    refused += _unnamed(root, entries)
    label = f"by {_LIST} of the preview of DFDC"
    return Listing(files, refused, label, _official(entries), missing)


def _official(entries: dict[str, _Entry]) -> dict[str, dict[str, int]]:
    """Counts by split and method in dataset.json."""
    counts = Counter(
        (entry.split, _method(name)) for name, entry in entries.items() if _method(name)
    )
    table: dict[str, dict[str, int]] = {}
    for (split, method), count in sorted(counts.items()):
        table.setdefault(split, {})[method] = count
    return table


def _method(name: str) -> str:
    """The method of a video, by its folder; '' if that is not a folder of the dataset."""
    return FOLDERS.get(name.partition("/")[0], "")


def _file(root: Path, name: str, entry: _Entry) -> SourceFile | Excluded:
    if not _is_name(name):
        return Excluded(shown(name), "it is not named like a video of the preview of DFDC")
    method = _method(name)
    if (method == schema.REAL_METHOD) != (entry.label == schema.REAL):
        raise InputError(
            f"{root / _LIST}: {name} has a label that contradicts its folder: get the file again"
        )
    path = _find(root, name)
    assert path is not None, "the caller names what is missing"
    if reason := clips.fault(path):
        return Excluded(shown(name), reason)
    return SourceFile(
        path=path,
        relative=path.relative_to(root).as_posix(),
        label=entry.label,
        method=method,
        identity=entry.target or clips.stem(path),
        video_id=_stem(name).partition("/")[2],
        split=entry.split,
    )


def _is_name(name: str) -> bool:
    *folders, file = name.split("/")
    return bool(_method(name) and folders and all(map(is_plain, folders)) and clips.listed(file))


def _stem(name: str) -> str:
    return name[: -len(clips.SUFFIX)]


def _find(root: Path, name: str) -> Path | None:
    folder, _, file = name.rpartition("/")
    return clips.find(root / folder, clips.listed(file))


def _unnamed(root: Path, entries: dict[str, _Entry]) -> Iterator[Excluded]:
    named = {_stem(name) for name in entries if _is_name(name)}
    for place in filter(lambda one: (root / one).is_dir(), FOLDERS):
        for folder, names, files in os.walk(root / place, onerror=refuse_unlisted):
            below = Path(folder).relative_to(root).as_posix()
            names[:] = sorted(
                name for name in names if not is_litter(name) and f"{below}/{name}" not in named
            )
            for name in sorted(name for name in files if not is_litter(name)):
                path = Path(folder) / name
                listed = f"{below}/{clips.stem(path)}" in named
                reason = clips.twin(path) if listed else f"{_LIST} does not name it"
                if reason and f"{below}/{name}" not in entries:
                    yield Excluded(shown(f"{below}/{name}"), reason)


def _entry(value: object, where: str) -> _Entry:
    entry = as_object(value, where)
    label, split, target = entry.get("label"), entry.get("set"), entry.get("target_id")
    if not (isinstance(label, str) and label in _LABELS):
        raise InputError(f"{where} should have the label real or fake, not {brief(label)}")
    if not (isinstance(split, str) and split in SPLITS):
        raise InputError(f"{where} should have the set train or test, not {brief(split)}")
    if not (target is None or isinstance(target, int | str)):
        raise InputError(f"{where} should have a number as target_id, not {brief(target)}")
    return _Entry(_LABELS[label], split, "" if target is None else str(target))
