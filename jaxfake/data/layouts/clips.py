"""Where a layout expects x.mp4: that file, with a suffix in any case, or a folder x of its frames.

Many people extract the frames first. The script of FaceForensics++ writes images/004/0000.png beside
videos/004.mp4, others put the folder 004 where the video was.
"""

from itertools import product
from pathlib import Path

from jaxfake.data.layouts import safe_paths, untrusted_input

SUFFIX = ".mp4"
HOLDERS = ("videos", "images", "frames")
"""Folders that hold videos, or folders of frames. The first that is not empty is taken."""

_SPELLINGS = tuple(map("".join, product(".", "mM", "pP", "4")))
"""The suffix in any case; a folder is not searched, since it may hold a hundred thousand videos."""


def folder_below(base: Path) -> Path:
    """The folder of the videos or frames below a folder such as c23; it may not exist."""
    existing = (base / name for name in HOLDERS if safe_paths.visible(base / name))
    return next(existing, base / HOLDERS[0])


def within(folder: Path) -> Path:
    """The folder itself if videos are directly in it, else the one in it that holds them, if any."""
    beside = (path for path in safe_paths.visible(folder) if path.name not in HOLDERS)
    inner = folder_below(folder)
    return folder if any(map(stem, beside)) or not inner.is_dir() else inner


def listed(name: str) -> str:
    """The name of a video in a list, without its suffix; '' if it is not the plain name of a video."""
    plain = untrusted_input.is_plain(name) and name.lower().endswith(SUFFIX)
    return name[: -len(SUFFIX)] if plain else ""


def stem(path: Path) -> str:
    """The name of a video without its suffix, or of a folder of frames; '' for any other file."""
    if path.name.lower().endswith(SUFFIX):
        return path.name[: -len(SUFFIX)]
    return path.name if path.is_dir() else ""


def find(folder: Path, name: str) -> Path | None:
    """The video or folder of frames of that name, without suffix; None if there is none."""
    files = (folder / f"{name}{suffix}" for suffix in (SUFFIX, *_SPELLINGS))
    found = next((path for path in files if path.exists()), folder / name)
    return found if found.exists() else None


def fault(path: Path) -> str:
    """Why a path is not read as a video or folder of frames; '' if it is."""
    return untrusted_input.frames_fault(path) if path.is_dir() else safe_paths.fault(path)


def usable(folder: Path, name: str) -> Path | None:
    """What `find` gives, if it can be read; else None."""
    path = find(folder, name)
    return None if path is None or fault(path) else path


def misfit(path: Path, reason: str) -> str:
    """Why a layout has no place for a path: the reason, or that it cannot be a video."""
    return reason if stem(path) else f"it is neither an {SUFFIX} nor a folder of frames"


def twin(path: Path) -> str:
    """Why a path is not read because the folder has the same video again; '' if it is read."""
    first = find(path.parent, stem(path))
    return "" if first in (None, path) else f"{first.name} beside it is the same video"
