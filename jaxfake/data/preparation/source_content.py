"""What the crops of a source file are made from: a digest of all its bytes, and whether it is still there.

The digest names what was cropped, so it is computed after the crops, from the file as it is then, and the
file must not have changed meanwhile. All of it is read: this takes as long as the disk takes for the whole
file, or about a second for a gigabyte that is in memory, as a file is that has just been decoded.
"""

import errno
import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from jaxfake.data.layouts.listing import SourceFile, content_digest
from jaxfake.faces.clip import Clip
from jaxfake.runtime.progress import Progress

_GONE = frozenset(
    {
        errno.ENOENT,
        errno.ENOTDIR,
        errno.ESTALE,
        errno.ENOTCONN,
        errno.ENODEV,
        errno.ENXIO,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ETIMEDOUT,
    }
)
"""Errors of a disk that was unmounted, a server that does not answer, or a file that was deleted."""


def is_gone(error: OSError, source: SourceFile) -> bool:
    """Whether a file that was listed is not there any more, by the error of reading it.

    A disk that was pulled out gives the error of a bad sector, but does not list its folders either.
    """
    if error.errno in _GONE:
        return True
    try:
        with os.scandir(source.path.parent) as entries:
            next(entries, None)
    except OSError:
        return True
    return False


def digest(source: SourceFile) -> str:
    """Digest of all files that the crops of a source file are made from.

    Raises:
        OSError: one of them cannot be read.
    """
    return " ".join(f"{kind}:{content_digest(path)}" for kind, path in _parts(source))


def digest_or_empty(source: SourceFile) -> str:
    """The same; '' if one of the files cannot be read."""
    try:
        return digest(source)
    except OSError:
        return ""


def digests(sources: Sequence[SourceFile], threads: int) -> list[str]:
    """The digest of each file, in order; '' for those that cannot be read.

    Args:
        sources: the files.
        threads: how many are read at a time.
    """
    found = []
    shown = Progress("reading", len(sources), "files", brief=True)
    with ThreadPoolExecutor(threads) as pool, shown as progress:
        for one in pool.map(digest_or_empty, sources):
            found.append(one)
            progress.advance(1)
    return found


def digest_of_all(sources: Sequence[SourceFile], contents: Sequence[str]) -> str:
    """sha256 of the names and contents of all files, and of what their listing says of each."""
    found = hashlib.sha256()
    for source, content in zip(sources, contents, strict=True):
        said = [source.label, source.method, source.video_id, source.split]
        said += [source.identity, *source.linked]
        found.update(f"{source.relative}\n{content}\n{said}\n".encode())
    return found.hexdigest()


def stamps(source: SourceFile) -> list[tuple[str, int, int]]:
    """Name, size and time of change of all those files: equal if nobody has written to them meanwhile.

    Raises:
        OSError: one of them is not there.
    """
    return [stamp for _, path in _parts(source) for stamp in _stamps(path)]


def own_digest(content: str) -> str:
    """The part of a `digest` that is of the file alone, without its mask and original; '' if unknown."""
    return content.partition(" ")[0].removeprefix("file:")


def _parts(source: SourceFile) -> list[tuple[str, Clip]]:
    """What each file is to the source file, and its path."""
    parts = {"file": source.clip, "mask": source.mask, "original": source.original}
    return [(kind, path) for kind, path in parts.items() if path is not None]


def _stamps(path: Clip) -> list[tuple[str, int, int]]:
    if isinstance(path, tuple):
        return [stamp for one in path for stamp in _stamps(one)]
    facts = os.stat(path)
    own = (str(path), facts.st_size, facts.st_mtime_ns)
    below = sorted(path.iterdir()) if path.is_dir() else []
    there = (one for one in below if one.exists())  # a link in a folder may lead nowhere
    return [own, *(stamp for one in there for stamp in _stamps(one))]
