"""Deepfake Detection Challenge (Dolhansky et al., 2020), the full dataset as it unpacks.

    SOURCE/dfdc_train_part_N/*.mp4, metadata.json    {"x.mp4": {"label": "FAKE", "original": "y.mp4"}}
    SOURCE/train_sample_videos/*.mp4, metadata.json  the same; 400 of these videos, as Kaggle ships them
    SOURCE/validation/*.mp4, labels.csv              filename,label with 1 for a fake
    SOURCE/test/*.mp4, labels.csv or metadata.json   {"x.mp4": {"is_fake": 1}}

The parts may also be in SOURCE/train, and some of them may be missing. Papers that say DFDC often mean its
preview, which is another dataset: see `dfdc_preview`.

Our choice: the training parts are 'train', validation is 'val' and test is 'test', as published. The
identity is the original's name, so that a real video and all its fakes stay together; who is in it is
unknown, and the same person is in several originals. How a fake was made is unknown too: the method of all
is 'dfdc'.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from jaxfake import schema
from jaxfake.data.layouts import clips, dfdc_lists, layout_errors, missing_files, safe_paths
from jaxfake.data.layouts.clips import listed
from jaxfake.data.layouts.dfdc_lists import Entry
from jaxfake.data.layouts.listing import Excluded, Listing, SourceFile
from jaxfake.data.layouts.untrusted_input import shown
from jaxfake.runtime.errors import InputError

METHOD = "dfdc"

OFFICIAL: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "train": {schema.REAL_METHOD: 19154, METHOD: 100000},
        "val": {schema.REAL_METHOD: 2000, METHOD: 2000},
        "test": {schema.REAL_METHOD: 2500, METHOD: 2500},
    }
)
"""Counts of the paper. The test set is the public half of theirs, the 5,000 videos of its labels.csv."""

_SPLITS = {"validation": "val", "test": "test"}

_LAYOUT = (
    "dfdc_train_part_N/ or train_sample_videos/ with *.mp4 and metadata.json, validation/ and test/ "
    "with *.mp4 and labels.csv; unpack the archives first"
)
_PART, _PARTS = "dfdc_train_part_", 50
"""How the names of the folders with training parts begin, and how many there are."""
_SAMPLE = "train_sample_videos"
_UNLABELLED = "test_videos"
"""Kaggle's other folder, whose labels were never given out."""


@dataclass(frozen=True)
class _Part:
    """A folder of videos and its list."""

    folder: Path
    split: str
    source: str  # name of the list
    entries: dict[str, Entry]


def list_dfdc(root: Path, protocol: Path | None) -> Listing:
    """The videos of the existing parts.

    Args:
        root: of the dataset.
        protocol: has to be None; the splits are the dataset's folders.

    Raises:
        InputError: the folders are missing, or a list contradicts itself.
    """
    if protocol:
        raise InputError(f"--protocol={protocol}: DFDC has its splits in its folders; leave it out")
    root = root.resolve()
    files: list[SourceFile] = []
    refused: list[Excluded] = []
    parts = list(_parts(root, refused))
    originals = _originals(root, parts)
    names: dict[str, str] = {}
    _check_originals(parts)
    missing = _missing(root, parts)
    missing_names = {item.relative for item in missing}
    for part in parts:
        for name in part.entries:
            if _relative(root, part, name) in missing_names:
                continue
            file = _file(root, part, name, originals, names)
            if isinstance(file, SourceFile):
                files.append(file)
                names[name] = file.relative
            else:
                refused.append(file)
        refused += _unnamed(root, part)
    if not files:
        raise _nothing(root, [*refused, *missing])
    if (root / _UNLABELLED).is_dir():
        refused.append(Excluded(_UNLABELLED, "Kaggle gives no labels for its videos"))
    files.sort(key=lambda file: file.relative)
    missing += _missing_folders(root)
    return Listing(files, refused, "by the lists of DFDC", OFFICIAL, missing)


def _nothing(root: Path, refused: list[Excluded]) -> InputError:
    if (root / "dataset.json").is_file():
        return InputError(
            f"{root} is the preview of DFDC, not DFDC: it has a dataset.json; expected: {_LAYOUT}"
        )
    return layout_errors.no_video(root, "DFDC", _LAYOUT, refused)


def _check_originals(parts: list[_Part]) -> None:
    known = {name: entry for part in parts for name, entry in part.entries.items()}
    for part in parts:
        dfdc_lists.check_originals(str(part.folder / part.source), part.entries, known)


def _missing(root: Path, parts: list[_Part]) -> list[Excluded]:
    """Videos that the list of a part names and that do not exist."""
    return [
        Excluded(_relative(root, part, name), missing_files.named_in(part.source))
        for part in parts
        for name in part.entries
        if listed(name) and clips.find(part.folder, listed(name)) is None
    ]


def _missing_folders(root: Path) -> list[Excluded]:
    """Folders of the dataset that do not exist. Parts are compared by number, without leading zeros."""
    existing = [folder for folder, _ in _folders(root) if folder.name != _SAMPLE]
    numbers = {folder.name.removeprefix(_PART).lstrip("0") or "0" for folder in existing}
    parts = [f"{_PART}{n}" for n in range(_PARTS) if str(n) not in numbers]
    others = [name for name in _SPLITS if root / name not in existing]
    return [Excluded(name, "it is not there") for name in [*parts, *others]]


def _relative(root: Path, part: _Part, name: str) -> str:
    return f"{part.folder.relative_to(root).as_posix()}/{shown(name)}"


def _parts(root: Path, refused: list[Excluded]) -> Iterator[_Part]:
    for folder, split in _folders(root):
        relative = shown(folder.relative_to(root).as_posix())
        source, entries = dfdc_lists.read(folder)
        if source:
            yield _Part(folder, split, source, entries)
        else:
            refused.append(Excluded(relative, "it has neither labels.csv nor metadata.json"))


def _folders(root: Path) -> Iterator[tuple[Path, str]]:
    for parent in (root, root / "train"):
        for folder in sorted(parent.glob(f"{_PART}*")):
            if folder.is_dir():
                yield folder, "train"
    if (root / _SAMPLE).is_dir():
        yield root / _SAMPLE, "train"
    for name, split in _SPLITS.items():
        if (root / name).is_dir():
            yield root / name, split


def _originals(root: Path, parts: list[_Part]) -> dict[str, Path]:
    """Real videos of all training parts, by name: a fake and its original may be in different parts."""
    return {
        name: path
        for part in parts
        if part.split == "train"
        for name, entry in part.entries.items()
        if not entry.fake and listed(name) and (path := clips.usable(part.folder, listed(name)))
    }


def _file(
    root: Path, part: _Part, name: str, originals: dict[str, Path], names: dict[str, str]
) -> SourceFile | Excluded:
    entry = part.entries[name]
    relative = _relative(root, part, name)
    path = clips.find(part.folder, listed(name)) if listed(name) else None
    reason = "it is not named like a video" if path is None else clips.fault(path)
    if path is None or reason or name in names:
        return Excluded(relative, reason or f"its name is that of {names[name]}")
    return SourceFile(
        path=path,
        relative=shown(path.relative_to(root).as_posix()),
        label=schema.FAKE if entry.fake else schema.REAL,
        method=METHOD if entry.fake else schema.REAL_METHOD,
        identity=Path((entry.fake and entry.original) or name).stem,
        video_id=listed(name),
        split=part.split,
        original=originals.get(entry.original) if entry.fake else None,
    )


def _unnamed(root: Path, part: _Part) -> Iterator[Excluded]:
    named = {listed(name) for name in part.entries}
    for path in safe_paths.visible(part.folder):
        if path.name in part.source.split(" and "):
            continue
        if clips.stem(path) in named and (reason := clips.twin(path)):
            yield Excluded(shown(path.relative_to(root).as_posix()), reason)
        elif clips.stem(path) not in named and path.name not in part.entries:
            relative = shown(path.relative_to(root).as_posix())
            yield Excluded(relative, f"{part.source} does not name it")
