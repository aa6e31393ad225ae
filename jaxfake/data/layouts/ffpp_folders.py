"""Where a copy of FaceForensics++ has its videos: as the authors' script lays them out, or as Kaggle does.

    SOURCE/original_sequences/youtube/c23/videos/004.mp4              the script; raw may be called c0
    SOURCE/manipulated_sequences/METHOD/c23/videos/004_982.mp4
    SOURCE/original/004.mp4, SOURCE/METHOD/004_982.mp4                Kaggle
    SOURCE/FaceForensics++_C23/original/004.mp4, ...                  Kaggle, below one folder of any name

In place of videos/ there may be images/ or frames/ with a folder of frames for each video. Kaggle's copies
have neither masks nor the official splits, and only their name tells the compression.
"""

from dataclasses import dataclass
from pathlib import Path

from jaxfake import schema
from jaxfake.data.layouts import clips, layout_errors, safe_paths
from jaxfake.data.layouts.untrusted_input import shown

NAME = "FaceForensics++"
METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter")
COMPRESSIONS = ("c23", "c40", "raw")
"""The first that exists is taken."""

LAYOUT = (
    "original_sequences/youtube/c23/videos/*.mp4 and manipulated_sequences/METHOD/c23/videos/*.mp4, "
    "or images/VIDEO/*.png in place of videos/*.mp4"
)

_OLD_NAME = {"raw": "c0"}
"""What the first version of the script called a compression."""

_KAGGLE_REAL = "original"


@dataclass(frozen=True)
class Folders:
    """The folders of one copy; any of them may not exist."""

    videos: dict[str, Path]  # by method, the real videos first
    masks: dict[str, Path]  # by manipulation
    label: str  # which layout and compression it is


def find(root: Path) -> Folders:
    """The folders below a root, which has to be resolved.

    Raises:
        InputError: it is not a copy of FaceForensics++.
    """
    youtube = root / "original_sequences" / "youtube"
    kaggle = _kaggle(root)
    if kaggle is not None and not youtube.is_dir():
        return _of_kaggle(kaggle)
    level = compression([youtube])
    if not level:
        raise layout_errors.wrong_root(root, NAME, LAYOUT, no_compression(root, youtube))
    return _of_script(root, level)


def compression(parents: list[Path]) -> str:
    """The first compression with videos below all folders; else the first that exists; '' if none does."""
    places = {
        level: [clips.folder_below(below(one, level)) for one in parents] for level in COMPRESSIONS
    }
    existing = [level for level, folders in places.items() if all(one.is_dir() for one in folders)]
    filled = (level for level in existing if all(map(safe_paths.visible, places[level])))
    return next(filled, existing[0] if existing else "")


def below(parent: Path, level: str) -> Path:
    """The folder of a compression, by its own name or its old one."""
    old = parent / _OLD_NAME.get(level, level)
    return old if old.is_dir() and not (parent / level).is_dir() else parent / level


def in_words(level: str, folder: Path) -> str:
    """A compression as it is named in results, with the name of its folder if that is another."""
    return level if folder.name == level else f"{level} (its folder is called {folder.name})"


def no_compression(root: Path, parent: Path) -> str:
    """Says what is in a folder instead of the compressions; '' if there is no such folder."""
    known = [level for level in COMPRESSIONS if below(parent, level).is_dir()]
    place = below(parent, known[0]) if known else parent
    if not safe_paths.visible(place):
        return ""
    found = layout_errors.describe_content(place).removeprefix("it ")
    where = f"{shown(place.relative_to(root).as_posix())} {found}"
    if known:
        return f"{where}; {', '.join(f'{name}/' for name in clips.HOLDERS)} are read there"
    return f"{where}; the known compressions are {', '.join(COMPRESSIONS)} (c0 is taken as raw)"


def _of_script(root: Path, level: str) -> Folders:
    manipulated = root / "manipulated_sequences"
    originals = below(root / "original_sequences" / "youtube", level)
    bases = {schema.REAL_METHOD: originals}
    bases |= {method: below(manipulated / method, level) for method in METHODS}
    return Folders(
        videos={method: clips.folder_below(base) for method, base in bases.items()},
        masks={method: clips.folder_below(manipulated / method / "masks") for method in METHODS},
        label=f"by the layout of {NAME} {in_words(level, originals)}",
    )


def _kaggle(root: Path) -> Path | None:
    """The folder with Kaggle's layout: the root, or the only such folder in it."""
    if _is_kaggle(root):
        return root
    found = [path for path in safe_paths.visible(root) if path.is_dir() and _is_kaggle(path)]
    return found[0] if len(found) == 1 else None


def _is_kaggle(folder: Path) -> bool:
    return (folder / _KAGGLE_REAL).is_dir() and any((folder / name).is_dir() for name in METHODS)


def _of_kaggle(folder: Path) -> Folders:
    bases = {schema.REAL_METHOD: folder / _KAGGLE_REAL}
    bases |= {method: folder / method for method in METHODS}
    return Folders(
        videos={method: clips.within(base) for method, base in bases.items()},
        masks={},
        label=f"by Kaggle's layout of {NAME}, which does not tell the compression",
    )
