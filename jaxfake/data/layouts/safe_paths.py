"""A dataset's files are taken out of its folder only, and each side out of its own folders."""

from pathlib import Path

LEAVES = "it is a link that leaves the folder"


def leaves(root: Path, path: Path) -> bool:
    """Whether the path ends up outside of the root, which is resolved."""
    return not path.resolve().is_relative_to(root)


def file_inside(root: Path, path: Path) -> Path | None:
    """The path, if such a file is there and in the root, which is resolved."""
    return path if path.is_file() and not leaves(root, path) else None


def of_the_other_side(among_reals: bool) -> str:
    """Why a video is refused that has a name of the other class than its folder."""
    if among_reals:
        return "it has the name of a fake and lies among the reals"
    return "it has the name of a real video and lies among the fakes"


def fault(root: Path, path: Path) -> str:
    """Why this is not taken as a file of the root, which is resolved; '' if it can be."""
    if leaves(root, path):
        return LEAVES
    return "" if path.is_file() else "it is no regular file"


def visible(folder: Path) -> list[Path]:
    """All that lies in a folder, sorted, but for hidden files; nothing if it cannot be read."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return []
