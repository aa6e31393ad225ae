"""Finds archives in a dataset's folders that are not unpacked: their content is not prepared.

An archive beside a folder of its name counts as unpacked, unless it is cut short. That is seen at the ends
of zip and tar files; for tar.gz and others all of the archive would have to be read, so it is not checked.
The folder may have its number without leading zeros: dfdc_train_part_00.zip holds dfdc_train_part_0.
"""

import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from jaxfake.data.layouts import safe_paths
from jaxfake.data.layouts.listing import Excluded
from jaxfake.data.layouts.untrusted_input import shown

PACKED = "it is not unpacked"
CUT_SHORT = "it is an archive that is cut short: get it again and unpack it"
UNFINISHED = "its download did not finish: get it again"

_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst", ".7z", ".rar")
_DOWNLOADS = (".part", ".partial", ".crdownload", ".download", ".aria2")

_CHECKED_SUFFIXES = (*_SUFFIXES, *_DOWNLOADS)
_ZEROS = re.compile(r"(?<!\d)0+(?=\d+$)")

_DEEPEST = 3
"""How many levels of folders are searched; further down there are only videos and frames."""


def not_unpacked(root: Path) -> list[Excluded]:
    """The archives below a root that are not unpacked, are cut short, or were not fully downloaded, sorted.

    Args:
        root: has to be resolved.
    """
    named = ((path, reason_to_name(path)) for path in _files(root))
    return [
        Excluded(shown(path.relative_to(root).as_posix()), reason)
        for path, reason in named
        if reason
    ]


def is_archive(path: Path) -> bool:
    """Whether the suffix says archive."""
    return path.name.lower().endswith(_SUFFIXES)


def reason_to_name(path: Path) -> str:
    """Why a file has to be named; '' if it is not an archive, or is unpacked."""
    if path.name.lower().endswith(_DOWNLOADS):
        return UNFINISHED
    if not is_archive(path):
        return ""
    if _cut_short(path):
        return CUT_SHORT
    return "" if any(map(safe_paths.visible, _unpacked(path))) else PACKED


def _unpacked(path: Path) -> list[Path]:
    """The folders that may hold its content."""
    name = path.name.partition(".")[0]
    return [path.with_name(name), path.with_name(_ZEROS.sub("", name))]


def _files(root: Path) -> Iterator[Path]:
    """The files whose suffix says archive. Only names are read: there may be a hundred thousand files."""
    for folder, names, files in os.walk(root, onerror=safe_paths.refuse_unlisted):
        deep = len(Path(folder).relative_to(root).parts) >= _DEEPEST
        names[:] = [] if deep else sorted(name for name in names if not safe_paths.is_litter(name))
        named = (name for name in sorted(files) if not safe_paths.is_litter(name))
        paths = (Path(folder) / name for name in named if name.lower().endswith(_CHECKED_SUFFIXES))
        yield from (path for path in paths if path.is_file() and not safe_paths.leaves(root, path))


def _cut_short(path: Path) -> bool:
    """Whether the end of an archive is missing; only a few bytes of both ends are read."""
    try:
        with path.open("rb") as file:
            start, size = file.read(6), os.fstat(file.fileno()).st_size
            file.seek(max(0, size - 1024))
            end = file.read(1024)
        return not size or _ends_early(path, start, end)
    except OSError:
        return True


def _ends_early(path: Path, start: bytes, end: bytes) -> bool:
    """Whether the end is missing: a zip ends with its directory, a tar with two empty blocks."""
    name = path.name.lower()
    if name.endswith(".zip"):
        return not zipfile.is_zipfile(path)
    if name.endswith(".tar"):
        return len(end) < 1024 or any(end)
    return name.endswith("gz") and start[:2] != b"\x1f\x8b"
