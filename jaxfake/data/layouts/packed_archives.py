"""Archives that lie in a dataset's folders: what is packed in them is not prepared, so they are named.

An archive beside a folder of its name is taken as unpacked, unless it ends too early. That is told from
the ends of zip and tar; of tar.gz and others it would take to unpack all of it, and is not told. The
folder may have its number without zeros: dfdc_train_part_00.zip holds dfdc_train_part_0.
"""

import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from jaxfake.data.layouts import inside
from jaxfake.data.layouts.listing import Refused
from jaxfake.data.layouts.untrusted import shown

PACKED = "it is not unpacked"
CUT_SHORT = "it is an archive that is cut short: get it again and unpack it"
UNFINISHED = "it is a download that did not finish: get it again"

_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst", ".7z", ".rar")
_DOWNLOADS = (".part", ".partial", ".crdownload", ".download", ".aria2")

_LOOKED_AT = (*_SUFFIXES, *_DOWNLOADS)
_ZEROS = re.compile(r"(?<!\d)0+(?=\d+$)")

_DEEPEST = 3
"""Folders below the root that are looked into: further down are videos and frames."""


def beside(root: Path) -> list[Refused]:
    """The archives below a root that are not unpacked, cut short, or not wholly there, sorted.

    Args:
        root: resolved.
    """
    named = ((path, why(path)) for path in _files(root))
    return [
        Refused(shown(path.relative_to(root).as_posix()), reason)
        for path, reason in named
        if reason
    ]


def is_archive(path: Path) -> bool:
    """By its suffix."""
    return path.name.lower().endswith(_SUFFIXES)


def why(path: Path) -> str:
    """Why a file of any kind is to be named; '' if it is no archive, or was unpacked."""
    if path.name.lower().endswith(_DOWNLOADS):
        return UNFINISHED
    if not is_archive(path):
        return ""
    if _cut_short(path):
        return CUT_SHORT
    return "" if any(map(inside.visible, _unpacked(path))) else PACKED


def _unpacked(path: Path) -> list[Path]:
    """Where its content would be."""
    name = path.name.partition(".")[0]
    return [path.with_name(name), path.with_name(_ZEROS.sub("", name))]


def _files(root: Path) -> Iterator[Path]:
    """Those that can be archives by their names, which cost nothing to look at, of a hundred thousand."""
    for folder, names, files in os.walk(root):
        deep = len(Path(folder).relative_to(root).parts) >= _DEEPEST
        names[:] = [] if deep else sorted(name for name in names if not name.startswith("."))
        named = (name for name in sorted(files) if not name.startswith("."))
        paths = (Path(folder) / name for name in named if name.lower().endswith(_LOOKED_AT))
        yield from (path for path in paths if not inside.fault(root, path))


def _cut_short(path: Path) -> bool:
    """Only a few bytes of either end are read."""
    try:
        with path.open("rb") as file:
            start, size = file.read(6), os.fstat(file.fileno()).st_size
            file.seek(max(0, size - 1024))
            end = file.read(1024)
        return not size or _ends_early(path, start, end)
    except OSError:
        return True


def _ends_early(path: Path, start: bytes, end: bytes) -> bool:
    """A zip ends with its directory, a tar with two empty blocks."""
    name = path.name.lower()
    if name.endswith(".zip"):
        return not zipfile.is_zipfile(path)
    if name.endswith(".tar"):
        return len(end) < 1024 or any(end)
    return name.endswith("gz") and start[:2] != b"\x1f\x8b"
