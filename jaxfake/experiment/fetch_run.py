"""A trained run from wherever it is kept: a folder, an archive, or an archive behind a URL."""

import hashlib
import os
import shutil
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from jaxfake.checkpoints.metadata import METADATA_FILE
from jaxfake.experiment.run_folder import CONFIG, RunFolder
from jaxfake.runtime.archives import unpack
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.fetching.download import brief, check_url, download
from jaxfake.runtime.progress import say

MOST_BYTES = 16 << 30
"""The most that an archive may have, packed and unpacked. Our choice: a ViT-B run takes some 10 GB."""

_KEPT_FREE = 1 << 30
"""Bytes of the disk that an archive must leave, whatever is in it."""

_MOST_STEM = 80
"""Characters of a URL's last part in the name of a folder."""


def fetch_run(where: str, into: Path) -> Path:
    """The folder of a run, ready to evaluate.

    Args:
        where: a folder (used where it is), a .zip or .tar archive with one run in it, or with checkpoints
            alone, or the https: or file: URL of either.
        into: folder below which an archive is unpacked. One that was unpacked before is not fetched again.

    Raises:
        InputError: there is no run, it cannot be had, or the archive is refused.
    """
    path = _local(where)
    if path is not None and _is(path, Path.is_dir):
        return _run_in(path)
    if path is not None and not _is(path, Path.is_file):
        raise InputError(f"there is no run {brief(where)}: neither a folder nor an archive")
    folder = into / _name(where, path)
    if folder.is_dir():
        say(f"{folder} was unpacked before; delete it to fetch it anew")
    else:
        into.mkdir(parents=True, exist_ok=True)
        _bring(where, path, folder)
    return _run_in(folder)


def _bring(where: str, path: Path | None, folder: Path) -> None:
    """Fetches and unpacks beside `folder`, and takes that name when all is there."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetch_") as scratch:
        if path is None:
            path = Path(scratch) / folder.name
            say(f"fetching from {urlsplit(where).hostname}")
            download(where, path, _room(folder.parent))
        unpacked = Path(scratch) / "run"
        unpacked.mkdir()
        unpack(path, unpacked, _room(folder.parent))
        unpacked.rename(folder)


def _room(folder: Path) -> int:
    """The most bytes that may come now."""
    return min(MOST_BYTES, max(shutil.disk_usage(folder).free - _KEPT_FREE, 0))


def _is(path: Path, kind: Callable[[Path], bool]) -> bool:
    try:
        return kind(path)
    except OSError:  # a name that is too long
        return False


def _local(where: str) -> Path | None:
    """The path of something on this machine; None for what must be downloaded."""
    if "://" not in where:
        return Path(where).expanduser()
    url = urlsplit(where)
    if url.scheme == "file" and url.netloc in ("", "localhost"):
        return Path(urllib.request.url2pathname(url.path))
    check_url(where)
    return None


def _name(where: str, path: Path | None) -> str:
    """Name of the folder of an archive; another archive, or a local one that was changed, has another."""
    made_of = where
    if path is not None:
        facts = path.stat()
        made_of = f"{path.resolve()} {facts.st_size} {facts.st_mtime_ns}"
    stem = Path(urlsplit(where).path).stem[:_MOST_STEM] or "run"
    return f"{stem}-{hashlib.sha256(made_of.encode()).hexdigest()[:12]}"


def _run_in(folder: Path) -> Path:
    """The one run at or below a folder, or all that is left of it."""
    if RunFolder(folder).config.is_file():
        return folder
    found = [path.parent for path in sorted(folder.rglob(CONFIG))]
    if not found:
        checkpoints = [path.parent.parent for path in folder.rglob(METADATA_FILE)]
        if checkpoints:  # what was saved of a run, see `locate_run`
            return Path(os.path.commonpath(checkpoints))
    if len(found) != 1:
        names = ", ".join(str(run.relative_to(folder)) for run in found) or "none"
        raise InputError(f"{folder} must hold one run, with a {CONFIG}; it holds {names}")
    return found[0]
