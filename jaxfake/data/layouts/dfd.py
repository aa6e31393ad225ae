"""DeepFakeDetection (Google and Jigsaw, 2019) as the download script of FaceForensics++ lays it out.

    SOURCE/original_sequences/actors/c23/videos/01__kitchen_pan.mp4                 actor 01
    SOURCE/manipulated_sequences/DeepFakeDetection/c23/videos/01_02__kitchen_pan__YVGY8LOK.mp4
    SOURCE/manipulated_sequences/DeepFakeDetection/masks/videos/                    the same names

In a fake's name the first number is its target, the actor who was filmed; the second is the actor whose
face was put in. There are no official splits: the field uses all of it as test, and so do we.

Our choices: the identity is the target. Fakes have no original, although there is often a video of the same
actor and scene, because nothing says that the two agree frame by frame.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from jaxfake import schema
from jaxfake.data.layouts import clips, ffpp_folders, layout_errors, missing_files, safe_paths
from jaxfake.data.layouts.listing import Excluded, Listing, SourceFile, separate
from jaxfake.data.layouts.untrusted_input import shown
from jaxfake.runtime.errors import InputError

METHOD = "DeepFakeDetection"
SPLIT = "test"
OFFICIAL = {SPLIT: {schema.REAL_METHOD: 363, METHOD: 3068}}

_NAMES = {
    schema.REAL_METHOD: re.compile(r"(\d\d)__[a-z_]+"),
    METHOD: re.compile(r"(\d\d)_\d\d__[a-z_]+__[A-Z0-9]{8}"),
}

_LAYOUT = (
    "original_sequences/actors/c23/videos/*.mp4 and "
    f"manipulated_sequences/{METHOD}/c23/videos/*.mp4 (or both with c40 or raw); "
    "or images/VIDEO/*.png in place of videos/*.mp4"
)


def list_dfd(root: Path, protocol: Path | None = None) -> Listing:
    """The originals and fakes of one compression, all of the test split.

    Args:
        root: of the dataset; it may be the one of FaceForensics++.
        protocol: has to be None, because there are no official splits.

    Raises:
        InputError: the folders are missing, or a protocol is given.
    """
    if protocol:
        raise InputError(f"--protocol={protocol}: {METHOD} has no official splits, leave it out")
    root = root.resolve()
    level, folders = _folders(root)
    files, refused = separate(
        _file(root, path, method)
        for method, folder in folders.items()
        for path in safe_paths.visible(folder)
    )
    if not files:
        place = folders[schema.REAL_METHOD].parent
        raise layout_errors.no_video(root, METHOD, _LAYOUT, refused, place=place)
    missing = _empty(root, folders, {file.method for file in files})
    label = f"by the layout of {METHOD} {level}, all of it {SPLIT}"
    return Listing(files, refused, label, OFFICIAL, missing)


def _empty(root: Path, folders: Mapping[str, Path], found: set[str]) -> list[Excluded]:
    """Folders without videos. The names of the official videos are unknown, but not their number."""
    return [
        missing_files.empty_folder(root, folder, f"its {OFFICIAL[SPLIT][method]} videos")
        for method, folder in folders.items()
        if method not in found
    ]


def _folders(root: Path) -> tuple[str, dict[str, Path]]:
    """The compression in words, and the folders of the originals and of the fakes.

    It is the first with real and fake videos; else the first with both folders, to name what is missing.
    """
    parents = {
        schema.REAL_METHOD: root / "original_sequences" / "actors",
        METHOD: root / "manipulated_sequences" / METHOD,
    }
    level = ffpp_folders.compression(list(parents.values()))
    if not level:
        found = (ffpp_folders.no_compression(root, parent) for parent in parents.values())
        detail = "; ".join(filter(None, found))
        raise layout_errors.wrong_root(root, METHOD, _LAYOUT, detail)
    bases = {method: ffpp_folders.below(parent, level) for method, parent in parents.items()}
    words = ffpp_folders.in_words(level, bases[schema.REAL_METHOD])
    return words, {method: clips.folder_below(base) for method, base in bases.items()}


def _file(root: Path, path: Path, method: str) -> SourceFile | Excluded:
    relative = shown(path.relative_to(root).as_posix())
    real, name = method == schema.REAL_METHOD, clips.stem(path)
    if _NAMES[METHOD if real else schema.REAL_METHOD].fullmatch(name):
        return Excluded(relative, safe_paths.wrong_class_folder(among_reals=real))
    match = _NAMES[method].fullmatch(name)
    if match is None:
        return Excluded(relative, clips.misfit(path, f"it is not named like a video of {METHOD}"))
    if reason := clips.fault(path) or clips.twin(path):
        return Excluded(relative, reason)
    masks = clips.folder_below(root / "manipulated_sequences" / METHOD / "masks")
    return SourceFile(
        path=path,
        relative=relative,
        label=schema.REAL if real else schema.FAKE,
        method=method,
        identity=match[1],
        video_id=name,
        split=SPLIT,
        mask=None if real else clips.usable(masks, name),
    )
