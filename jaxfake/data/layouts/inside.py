"""A dataset's files are taken out of its folder only: no link may lead elsewhere."""

from pathlib import Path

LEAVES = "it is a link that leaves the folder"


def leaves(root: Path, path: Path) -> bool:
    """Whether the path ends up outside of the root, which is resolved."""
    return not path.resolve().is_relative_to(root)


def file_inside(root: Path, path: Path) -> Path | None:
    """The path, if such a file is there and in the root, which is resolved."""
    return path if path.is_file() and not leaves(root, path) else None
