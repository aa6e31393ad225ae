"""A trained run from wherever it is kept: a folder, an archive, or an archive behind a URL."""

import hashlib
import http.client
import os
import shutil
import tempfile
import urllib.request
from email.message import Message
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit
from urllib.request import Request

from jaxfake.checkpoints.metadata import METADATA_FILE
from jaxfake.experiment.run_folder import CONFIG, RunFolder
from jaxfake.runtime.archives import unpack
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.progress import say

MOST_BYTES = 16 << 30
"""The most that an archive may have, packed and unpacked. Our choice: a ViT-B run takes some 10 GB."""

_PIECE = 1 << 20
_SECONDS_OF_SILENCE = 60.0
_HERE = ("localhost", "127.0.0.1", "::1")


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
    if path is not None and path.is_dir():
        return _run_in(path)
    if path is not None and not path.is_file():
        raise InputError(f"there is no run {where}: neither a folder nor an archive")
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
            _download(where, path, _room(folder.parent))
        unpacked = Path(scratch) / "run"
        unpacked.mkdir()
        unpack(path, unpacked, _room(folder.parent))
        unpacked.rename(folder)


def _room(folder: Path) -> int:
    return min(MOST_BYTES, shutil.disk_usage(folder).free)


def _local(where: str) -> Path | None:
    """The path of something on this machine; None for what must be downloaded."""
    if "://" not in where:
        return Path(where).expanduser()
    url = urlsplit(where)
    if url.scheme == "file" and url.netloc in ("", "localhost"):
        return Path(urllib.request.url2pathname(url.path))
    _check(where)
    return None


def _check(url: str) -> None:
    """Nobody on the way may exchange what comes: TLS, or a server on this very machine, as of a tunnel."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE):
        raise InputError(f"{parts.scheme}://{parts.hostname} is refused: give an https: URL")


def _name(where: str, path: Path | None) -> str:
    """Name of the folder of an archive; another archive, or a local one that was changed, has another."""
    made_of = where
    if path is not None:
        facts = path.stat()
        made_of = f"{path.resolve()} {facts.st_size} {facts.st_mtime_ns}"
    stem = Path(urlsplit(where).path).stem or "run"
    return f"{stem}-{hashlib.sha256(made_of.encode()).hexdigest()[:12]}"


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to where a URL may lead, and no further."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> Request | None:
        _check(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def _download(url: str, target: Path, most_bytes: int) -> None:
    say(f"fetching from {urlsplit(url).hostname}")
    try:
        opener = urllib.request.build_opener(_Redirects)
        with opener.open(url, timeout=_SECONDS_OF_SILENCE) as response, target.open("wb") as file:
            promised = response.headers.get("Content-Length")
            got = _copy(response, file, most_bytes)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise InputError(f"{url} cannot be fetched: {error}") from error
    if promised not in (None, str(got)):
        raise InputError(f"{url} ended after {got} of {promised} bytes: try again")


def _copy(source: IO[bytes], target: IO[bytes], most_bytes: int) -> int:
    """Bytes copied."""
    got = 0
    while piece := source.read(_PIECE):
        got += len(piece)
        if got > most_bytes:
            raise InputError(f"the archive is refused: more than {most_bytes} bytes")
        target.write(piece)
    return got


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
