"""FaceForensics++ (Roessler et al., 2019) in the layout that its download script makes.

    SOURCE/original_sequences/youtube/c23/videos/004.mp4
    SOURCE/manipulated_sequences/METHOD/c23/videos/004_982.mp4      target 004, source 982
    SOURCE/manipulated_sequences/METHOD/masks/videos/004_982.mp4
    SOURCE/splits/train.json, val.json, test.json                   pairs of ids, 360 + 70 + 70

A fake belongs to the split of its target, and both ids of a pair are in the same split. The identity is the
pair, so that nobody is in two splits. Without masks the original of a fake is still known: its target's
video.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from jaxfake import schema
from jaxfake.data.layouts import layout_errors, missing_files, safe_paths
from jaxfake.data.layouts.listing import Excluded, Listing, SourceFile
from jaxfake.data.layouts.untrusted_input import brief, read_json, shown
from jaxfake.runtime.errors import InputError

METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter")
COMPRESSIONS = ("c23", "c40", "raw")
"""The first that exists is taken."""

SPLITS = ("train", "val", "test")

_REAL = re.compile(r"(\d{3})\.mp4")
_FAKE = re.compile(r"(\d{3})_(\d{3})\.mp4")

_NAME = "FaceForensics++"
_SPLITS_ADVICE = "give --protocol the folder of the official train.json, val.json and test.json"
_LAYOUT = (
    "original_sequences/youtube/c23/videos/*.mp4 and manipulated_sequences/METHOD/c23/videos/*.mp4"
)


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
                self.reals += [f"{one}.mp4" for one in pair]
                self.fakes += [f"{'_'.join(order)}.mp4" for order in (pair, pair[::-1])]

    def names(self, method: str) -> list[str]:
        """The names of all videos of a manipulation, or of the real videos."""
        return self.reals if method == schema.REAL_METHOD else self.fakes


def list_ffpp(root: Path, protocol: Path | None = None) -> Listing:
    """The real and fake videos of one compression.

    Args:
        root: of the dataset.
        protocol: folder of the official train.json, val.json and test.json; None is ROOT/splits.

    Raises:
        InputError: the folders or the official splits are missing.
    """
    root = root.resolve()
    compression = _compression(root)
    pairs = _Pairs(protocol or root / "splits")
    files: list[SourceFile] = []
    refused: list[Excluded] = []
    missing: list[Excluded] = []
    for folder, method in _folders(root, compression):
        for path in safe_paths.visible(folder):
            file = _file(root, compression, path, method, pairs)
            if isinstance(file, SourceFile):
                files.append(file)
            else:
                refused.append(file)
        missing += missing_files.in_folder(root, folder, pairs.names(method), "the official splits")
    if not files:
        raise layout_errors.no_video(root, _NAME, _LAYOUT, refused)
    files.sort(key=lambda file: file.relative)
    label = f"by the layout of FaceForensics++ {compression}"
    return Listing(files, refused, 0, label, official(pairs.split_of), missing)


def official(split_of: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """720 + 140 + 140 real videos, and as many fakes of each manipulation."""
    counts = Counter(split_of.values())
    names = (schema.REAL_METHOD, *METHODS)
    return {split: dict.fromkeys(names, counts[split]) for split in SPLITS}


def _compression(root: Path) -> str:
    """The first with videos; else the first with a folder, to name its videos as missing."""
    existing = [level for level in COMPRESSIONS if _originals(root, level).is_dir()]
    if not existing:
        raise layout_errors.wrong_root(root, _NAME, _LAYOUT)
    return next(
        (level for level in existing if safe_paths.visible(_originals(root, level))), existing[0]
    )


def _originals(root: Path, compression: str) -> Path:
    return root / "original_sequences" / "youtube" / compression / "videos"


def _folders(root: Path, compression: str) -> Iterator[tuple[Path, str]]:
    yield _originals(root, compression), schema.REAL_METHOD
    for method in METHODS:
        yield root / "manipulated_sequences" / method / compression / "videos", method


def _file(
    root: Path, compression: str, path: Path, method: str, pairs: _Pairs
) -> SourceFile | Excluded:
    relative = shown(path.relative_to(root).as_posix())
    real = method == schema.REAL_METHOD
    if (_FAKE if real else _REAL).fullmatch(path.name):
        return Excluded(relative, safe_paths.wrong_class_folder(among_reals=real))
    match = (_REAL if real else _FAKE).fullmatch(path.name)
    if match is None or match[1] not in pairs.split_of:
        return Excluded(relative, "the official splits name no such video")
    if reason := safe_paths.fault(root, path):
        return Excluded(relative, reason)
    if not real and pairs.pair_of[match[1]] != pairs.pair_of.get(match[2]):
        return Excluded(relative, "its two ids are not a pair of the official splits")
    mask = root / "manipulated_sequences" / method / "masks" / "videos" / path.name
    original = _originals(root, compression) / f"{match[1]}.mp4"
    return SourceFile(
        path=path,
        relative=relative,
        label=schema.REAL if real else schema.FAKE,
        method=method,
        identity=pairs.pair_of[match[1]],
        video_id=path.stem,
        split=pairs.split_of[match[1]],
        mask=None if real else safe_paths.file_inside(root, mask),
        original=None if real else safe_paths.file_inside(root, original),
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
