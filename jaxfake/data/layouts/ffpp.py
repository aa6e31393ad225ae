"""FaceForensics++ (Roessler et al., 2019) in the layout that its download script makes, or in Kaggle's.

    SOURCE/original_sequences/youtube/c23/videos/004.mp4
    SOURCE/manipulated_sequences/METHOD/c23/videos/004_982.mp4      target 004, source 982
    SOURCE/manipulated_sequences/METHOD/masks/videos/004_982.mp4
    SOURCE/splits/train.json, val.json, test.json                   pairs of ids, 360 + 70 + 70

`ffpp_folders` describes the other layouts.

A fake belongs to the split of its target, and both ids of a pair are in the same split. The identity is the
pair, so that nobody is in two splits. Without masks the original of a fake is still known: its target's
video.
"""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from jaxfake import schema
from jaxfake.data.layouts import clips, ffpp_folders, layout_errors, missing_files, safe_paths
from jaxfake.data.layouts.ffpp_folders import LAYOUT, METHODS, NAME, Folders
from jaxfake.data.layouts.listing import Excluded, Listing, SourceFile, separate
from jaxfake.data.layouts.untrusted_input import brief, read_json, shown
from jaxfake.runtime.errors import InputError

SPLITS = ("train", "val", "test")
OFFICIAL = {"train": 720, "val": 140, "test": 140}
"""Real videos, two for each pair of ids."""

_REAL = re.compile(r"(\d{3})")
_FAKE = re.compile(r"(\d{3})_(\d{3})")

_SPLITS_ADVICE = "give --protocol the folder of the official train.json, val.json and test.json"


class _Pairs:
    """The official splits, read from a folder."""

    def __init__(self, folder: Path) -> None:
        self.split_of: dict[str, str] = {}
        self.pair_of: dict[str, str] = {}
        self.reals: list[str] = []
        self.fakes: list[str] = []
        for split in SPLITS:
            for pair in _read_pairs(folder / f"{split}.json"):
                for one in pair:
                    if one in self.split_of:
                        raise InputError(f"the splits in {folder} name {one} twice: get them again")
                    self.split_of[one], self.pair_of[one] = split, "_".join(sorted(pair))
                self.reals += pair
                self.fakes += ["_".join(order) for order in (pair, pair[::-1])]

    def names(self, method: str) -> list[str]:
        """The names of all videos of a manipulation, or of the real videos, without suffix."""
        return self.reals if method == schema.REAL_METHOD else self.fakes


def list_ffpp(root: Path, protocol: Path | None = None, subset: bool = False) -> Listing:
    """The real and fake videos of one compression.

    Args:
        root: of the dataset.
        protocol: folder of the official train.json, val.json and test.json; None is ROOT/splits.
        subset: whether the counts of the whole dataset are the official ones, even if the splits are cut.

    Raises:
        InputError: the folders or the official splits are missing.
    """
    root = root.resolve()
    folders = ffpp_folders.find(root)
    pairs = _Pairs(protocol or root / "splits")
    files, refused = separate(
        _file(root, folders, path, method, pairs)
        for method, folder in folders.videos.items()
        for path in safe_paths.visible(folder)
    )
    if not files:
        place = folders.videos[schema.REAL_METHOD].parent
        raise layout_errors.no_video(root, NAME, LAYOUT, refused, place=place)
    missing = [
        one
        for method, folder in folders.videos.items()
        for one in missing_files.in_folder(root, folder, pairs.names(method), "the official splits")
    ]
    counts = OFFICIAL if subset else Counter(pairs.split_of.values())
    return Listing(
        files,
        refused,
        folders.label,
        official(counts),
        missing,
        caveats=_cut_splits(pairs),
    )


def _cut_splits(pairs: _Pairs) -> list[str]:
    """Says if the splits are not the official ones."""
    found = Counter(pairs.split_of.values())
    if found == OFFICIAL:
        return []
    counts = " + ".join(str(found[split] // 2) for split in SPLITS)
    return [f"The splits name {counts} pairs of {NAME}, and the official ones 360 + 70 + 70."]


def official(counts: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """As many fakes of each manipulation as there are real videos."""
    names = (schema.REAL_METHOD, *METHODS)
    return {split: dict.fromkeys(names, counts[split]) for split in SPLITS}


def _file(
    root: Path, folders: Folders, path: Path, method: str, pairs: _Pairs
) -> SourceFile | Excluded:
    relative = shown(path.relative_to(root).as_posix())
    real, name = method == schema.REAL_METHOD, clips.stem(path)
    if (_FAKE if real else _REAL).fullmatch(name):
        return Excluded(relative, safe_paths.wrong_class_folder(among_reals=real))
    match = (_REAL if real else _FAKE).fullmatch(name)
    if match is None or match[1] not in pairs.split_of:
        return Excluded(relative, clips.misfit(path, "the official splits name no such video"))
    if reason := clips.fault(path) or clips.twin(path):
        return Excluded(relative, reason)
    if not real and pairs.pair_of[match[1]] != pairs.pair_of.get(match[2]):
        return Excluded(relative, "its two ids are not a pair of the official splits")
    masks, originals = folders.masks.get(method), folders.videos[schema.REAL_METHOD]
    return SourceFile(
        path=path,
        relative=relative,
        label=schema.REAL if real else schema.FAKE,
        method=method,
        identity=pairs.pair_of[match[1]],
        video_id=name,
        split=pairs.split_of[match[1]],
        mask=clips.usable(masks, name) if masks else None,
        original=None if real else clips.usable(originals, match[1]),
    )


def _read_pairs(path: Path) -> list[list[str]]:
    pairs = read_json(path, _SPLITS_ADVICE)
    if not isinstance(pairs, list):
        raise InputError(
            f"{path} should hold pairs of ids such as ['004', '982'], not {brief(pairs)}"
        )
    for pair in pairs:
        if not (isinstance(pair, list) and len(pair) == 2 and all(map(_is_id, pair))):
            raise InputError(
                f"{path} should hold pairs of ids such as ['004', '982'], not {brief(pair)}"
            )
    return pairs


def _is_id(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"\d{3}", value) is not None
