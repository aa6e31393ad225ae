"""Which paths in a dataset's folder may be read: regular files that do not leave it, and are no litter."""

from pathlib import Path

from jaxfake.runtime.errors import InputError

LEAVES = "it is a link that leaves the folder"


_LITTER = frozenset(
    {
        *("@eadir", "@tmp", "@recycle", "@recently-snapshot", "@__thumb", "#recycle", "#snapshot"),
        *("$recycle.bin", "recycler", "system volume information", "found.000", "lost+found"),
        *("thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "network trash folder"),
        "temporary items",
    }
)
"""Folders and files that storage boxes and desktops put beside a person's own, in lower case."""


def is_litter(name: str) -> bool:
    """Whether a file or folder is hidden, or was put there by a storage box or a desktop."""
    return name.startswith(".") or name.casefold() in _LITTER


def leaves(root: Path, path: Path) -> bool:
    """Whether the path leads out of the root, which has to be resolved."""
    return not path.resolve().is_relative_to(root)


def file_inside(root: Path, path: Path) -> Path | None:
    """The path, if it is a file inside the root, which has to be resolved; else None."""
    return path if path.is_file() and not leaves(root, path) else None


def wrong_class_folder(among_reals: bool) -> str:
    """Why a video is refused whose name belongs to the other class than its folder."""
    if among_reals:
        return "it has the name of a fake and is among the real videos"
    return "it has the name of a real video and is among the fakes"


def fault(root: Path, path: Path) -> str:
    """Why the path is not read as a file of the root, which has to be resolved; '' if it is."""
    if leaves(root, path):
        return LEAVES
    return "" if path.is_file() else "it is not a regular file"


def visible(folder: Path) -> list[Path]:
    """The entries of a folder, sorted, without litter; none if there is no such folder.

    Raises:
        InputError: it cannot be listed.
    """
    try:
        return sorted(path for path in folder.iterdir() if not is_litter(path.name))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        refuse_unlisted(error)
        return []


def refuse_unlisted(error: OSError) -> None:
    """For `onerror` of `os.walk`, which would leave out a folder that it cannot list, without a word.

    Raises:
        InputError: always, but for the folder that a Linux disk keeps for itself.
    """
    if Path(error.filename).name == "lost+found":
        return
    raise InputError(
        f"{error.filename} cannot be listed ({error.strerror}), and what is in it would be missing: make "
        "it readable, or move it out of --source"
    ) from error
