"""Which paths in a dataset's folder may be read: regular files that do not leave it, and are no litter.

Links may lead out of the folder only if a person asks for it with --follow_links. `walk` and `confine` are
the two places that decide about links, for the folders of people and for the layouts of datasets.
"""

import dataclasses
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from jaxfake.data.layouts.listing import Excluded, Listing, SourceFile
from jaxfake.faces import clip
from jaxfake.faces.clip import Clip
from jaxfake.runtime.errors import InputError

FLAG = "--follow_links"

LEAVES = f"it is a link that leaves the folder ({FLAG} follows it)"


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


def wrong_class_folder(among_reals: bool) -> str:
    """Why a video is refused whose name belongs to the other class than its folder."""
    if among_reals:
        return "it has the name of a fake and is among the real videos"
    return "it has the name of a real video and is among the fakes"


def fault(path: Path) -> str:
    """Why the path is not read as a file; '' if it is. Links are left to `confine`."""
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


def walk(root: Path, follow_links: bool = False) -> Iterator[tuple[Path, str]]:
    """Every file below a root without litter, and every link to a folder whose files are not read.

    Each with '', or with the reason why it is not read because of a link. A folder is entered once, however
    many links lead to it, so that a link to a folder above itself ends.

    Args:
        root: has to be resolved.
        follow_links: whether links may lead out of the root.
    """
    entered = {_identity(root)}
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        inner = []
        for path in visible(folder):
            if not path.is_dir():
                yield path, _link_fault(root, path, follow_links)
            elif path.is_symlink() and not leaves(root, path):
                pass  # the folder is read where it is
            elif path.is_symlink() and (reason := _folder_fault(root, path, follow_links)):
                yield path, reason
            elif _identity(path) not in entered:
                entered.add(_identity(path))
                inner.append(path)
        waiting += reversed(inner)


def confine(listing: Listing, root: Path, follow_links: bool) -> Listing:
    """A listing without the files that lie outside of the root; or with them, if a person asks for it.

    Args:
        listing: of a layout, which has read names and lists without regard to links.
        root: has to be resolved.
        follow_links: whether links may lead out of the root.

    Raises:
        InputError: nothing is left.
    """
    files: list[SourceFile] = []
    linked: Counter[str] = Counter()
    beside: set[str] = set()
    for file in listing.files:
        link = _leaving_link(root, file.clip)
        linked[link] += bool(link)
        beside |= {
            _leaving_link(root, one) for one in (file.mask, file.original) if one is not None
        }
        if follow_links:
            files.append(_with_named_frames(file))
        elif not link:
            files.append(_with_named_frames(_without_leaving(root, file)))
    linked = +linked
    if follow_links:
        caveats = [*listing.caveats, *_followed(linked)]
        return dataclasses.replace(listing, files=files, caveats=caveats)
    if not files:
        raise InputError(
            f"{root} holds only links that leave it, such as {min(linked)}: give {FLAG} to follow them"
        )
    named = linked | Counter(dict.fromkeys(beside - {""}, 1))
    refused = [*listing.refused, *(_refused(link, count) for link, count in sorted(named.items()))]
    return dataclasses.replace(listing, files=files, refused=refused)


def _identity(folder: Path) -> tuple[int, int]:
    found = folder.stat()
    return found.st_dev, found.st_ino


def _link_fault(root: Path, path: Path, follow_links: bool) -> str:
    return LEAVES if path.is_symlink() and leaves(root, path) and not follow_links else ""


def _folder_fault(root: Path, link: Path, follow_links: bool) -> str:
    """Why a link to a folder outside of the root is not entered; '' if it is."""
    if root.is_relative_to(link.resolve()):
        return "it is a link to a folder that the source is in"
    return "" if follow_links else LEAVES


def _leaving_link(root: Path, source: Clip) -> str:
    """The relative path of the link by which a file, or one of its frames, leaves the root; or ''."""
    paths = list(source) if isinstance(source, tuple) else [source]
    if isinstance(source, Path) and source.is_dir() and not leaves(root, source):
        paths += _links(source)
    for path in paths:
        if leaves(root, path):
            parts = path.relative_to(root).parts
            ways = (root.joinpath(*parts[: n + 1]) for n in range(len(parts)))
            return next(way for way in ways if leaves(root, way)).relative_to(root).as_posix()
    return ""


def _links(folder: Path) -> list[Path]:
    """The links in a folder."""
    with os.scandir(folder) as entries:
        return [folder / entry.name for entry in entries if entry.is_symlink()]


def _without_leaving(root: Path, file: SourceFile) -> SourceFile:
    """The file without a mask or original outside of the root."""

    def inside(source: Clip | None) -> Clip | None:
        return None if source is None or _leaving_link(root, source) else source

    return dataclasses.replace(file, mask=inside(file.mask), original=inside(file.original))


def _with_named_frames(file: SourceFile) -> SourceFile:
    """The file with all frames by name that are links: of a folder, only what does not leave it is read."""
    frames = _named(file.clip)
    return dataclasses.replace(
        file,
        frames=frames if isinstance(frames, tuple) else (),
        mask=file.mask and _named(file.mask),
        original=file.original and _named(file.original),
    )


def _named(source: Clip) -> Clip:
    """The pictures of a folder that holds links; anything else as it is."""
    if isinstance(source, tuple) or not source.is_dir() or not _links(source):
        return source
    return tuple(clip.pictures(source, follow_links=True))


def _refused(link: str, count: int) -> Excluded:
    return Excluded(link, LEAVES if count == 1 else f"{LEAVES}; {count} files are behind it")


def _followed(linked: Counter[str]) -> list[str]:
    """Says how many files lie outside of the source, and by which links."""
    if not linked:
        return []
    more = f" and {len(linked) - 3} more" if len(linked) > 3 else ""
    return [
        f"{linked.total()} files lie outside of the source, by the links {', '.join(sorted(linked)[:3])}"
        f"{more} ({FLAG})."
    ]
