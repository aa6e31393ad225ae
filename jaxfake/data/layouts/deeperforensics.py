"""DeeperForensics-1.0 (Jiang et al., 2020) as its archives unpack.

    SOURCE/manipulated_videos/end_to_end/004_M101.mp4      video 004 of FaceForensics++, face of M101
    SOURCE/lists/splits/train.txt, val.txt, test.txt       names of the fakes, 703 + 96 + 201
    SOURCE/original_sequences/youtube/c23/videos/004.mp4   put there by you, if you have FaceForensics++

The dataset has no real videos: its authors say to take the originals of FaceForensics++ at c23. Without
them only fakes are listed. SOURCE/source_videos holds recordings of the actors whose faces were put in; the
authors warn that they are not the real videos, and they are ignored.

Our choices: by default only the folder end_to_end is taken. Most others contain distorted fakes, while the
originals are clean, so that a detector of distortions would pass for a detector of fakes. The method is the
folder's name, the identity is the target, and an original is in the split of its fake.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from jaxfake import schema
from jaxfake.data.layouts import clips, layout_errors, missing_files, safe_paths
from jaxfake.data.layouts.listing import Excluded, Listing, SourceFile, separate
from jaxfake.data.layouts.untrusted_input import brief, read_text, shown
from jaxfake.runtime.errors import InputError

CLEAN = ("end_to_end", "reenact_postprocess")
VARIANTS = (
    *CLEAN,
    *(f"end_to_end_level_{level}" for level in range(1, 6)),
    "end_to_end_random_level",
    *(f"end_to_end_mix_{number}_distortions" for number in range(2, 5)),
)
OFFICIAL = {"train": 703, "val": 96, "test": 201}
"""Videos of each variant. The authors' text says 21 for test, a slip: the three numbers sum to 1000."""

_REAL = re.compile(r"(\d{3})")
_FAKE = re.compile(r"(\d{3})_[MW]\d{3}")

_NAME = "DeeperForensics-1.0"
_LAYOUT = "manipulated_videos/end_to_end/*.mp4 and lists/splits/train.txt, val.txt, test.txt"


class _Lists:
    """The official splits: the name of the fake of each target, and its split."""

    def __init__(self, folder: Path) -> None:
        self.split_of: dict[str, str] = {}
        self.fake_of: dict[str, str] = {}
        for split in OFFICIAL:
            for target, name in _read_names(folder / f"{split}.txt"):
                if target in self.split_of:
                    raise InputError(f"the lists in {folder} name {target} twice: get them again")
                self.split_of[target], self.fake_of[target] = split, name

    def names(self, method: str) -> list[str]:
        """The names of all fakes of a folder, or of the originals, without suffix."""
        if method == schema.REAL_METHOD:
            return list(self.split_of)
        return list(self.fake_of.values())


def list_deeperforensics(
    root: Path, protocol: Path | None = None, variants: Sequence[str] = CLEAN[:1]
) -> Listing:
    """The fakes of some folders, and the originals if they are in the source.

    Args:
        root: of the dataset.
        protocol: folder of the official train.txt, val.txt and test.txt; None is lists/splits.
        variants: folders of manipulated_videos, of `VARIANTS`.

    Raises:
        InputError: the folders or the official splits are missing.
    """
    root = root.resolve()
    for variant in variants:
        if variant not in VARIANTS or not _fakes(root, variant).is_dir():
            raise layout_errors.wrong_root(root, f"{_NAME} with {variant}", _LAYOUT)
    lists = _Lists(protocol or root / "lists" / "splits")
    folders = dict(_folders(root, variants))
    files, refused = separate(
        _file(root, path, method, lists)
        for method, folder in folders.items()
        for path in safe_paths.visible(folder)
    )
    if not any(file.label == schema.FAKE for file in files):
        raise layout_errors.no_video(root, _NAME, _LAYOUT, refused)
    missing = [
        one
        for method, folder in folders.items()
        for one in missing_files.in_folder(root, folder, lists.names(method), "the official lists")
    ]
    reals = "with" if schema.REAL_METHOD in folders else "without"
    label = f"by the layout of DeeperForensics-1.0, {', '.join(variants)}, {reals} originals"
    official = {split: dict.fromkeys(folders, count) for split, count in OFFICIAL.items()}
    return Listing(files, refused, label, official, missing)


def _fakes(root: Path, variant: str) -> Path:
    return root / "manipulated_videos" / variant


def _originals(root: Path) -> Path:
    return clips.folder_below(root / "original_sequences" / "youtube" / "c23")


def _folders(root: Path, variants: Sequence[str]) -> Iterator[tuple[str, Path]]:
    if _originals(root).is_dir():
        yield schema.REAL_METHOD, _originals(root)
    for variant in variants:
        yield variant, _fakes(root, variant)


def _file(root: Path, path: Path, method: str, lists: _Lists) -> SourceFile | Excluded:
    relative = shown(path.relative_to(root).as_posix())
    real, name = method == schema.REAL_METHOD, clips.stem(path)
    if (_FAKE if real else _REAL).fullmatch(name):
        return Excluded(relative, safe_paths.wrong_class_folder(among_reals=real))
    match = (_REAL if real else _FAKE).fullmatch(name)
    if match is None or (not real and lists.fake_of.get(match[1]) != name):
        return Excluded(relative, clips.misfit(path, "the official lists name no such video"))
    if match[1] not in lists.split_of:
        return Excluded(relative, "no fake in the official lists is made from it")
    if reason := clips.fault(path) or clips.twin(path):
        return Excluded(relative, reason)
    return SourceFile(
        path=path,
        relative=relative,
        label=schema.REAL if real else schema.FAKE,
        method=method,
        identity=match[1],
        video_id=name,
        split=lists.split_of[match[1]],
        original=_original(root, match[1]) if method in CLEAN else None,
    )


def _original(root: Path, target: str) -> Path | None:
    """The original of a fake without distortions; a distorted one differs from it everywhere."""
    return clips.usable(_originals(root), target)


def _read_names(path: Path) -> list[tuple[str, str]]:
    """Target and name of each fake, without suffix."""
    advice = "give --protocol the folder of the official train.txt, val.txt and test.txt"
    names = read_text(path, advice).split()
    for name in names:
        if not _FAKE.fullmatch(clips.listed(name)):
            raise InputError(f"{path} should hold names such as 004_M101.mp4, not {brief(name)}")
    return [(name[:3], clips.listed(name)) for name in names]
