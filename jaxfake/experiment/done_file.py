"""`DONE`: the results of a run in words, written last, with the digests of what they are the results of.

So it is noticed when it, or a file of results, is not what the run wrote; then they are made again.
"""

import dataclasses
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from jaxfake.checkpoints.checksummed_json import MOST_BYTES
from jaxfake.experiment.run_folder import RECOVER, REPORT, RunFolder
from jaxfake.runtime.files import set_aside, sha256, write_atomically
from jaxfake.runtime.multiprocess import first_says, is_first
from jaxfake.runtime.progress import say

_HEAD = "\n\nsha256 of what these are the results of, and of this file so far:\n"
_CONFIG, _THIS = "config", "DONE"


@dataclasses.dataclass(frozen=True)
class Done:
    """Whole results.

    Attributes:
        words: for the terminal.
        config: digest of the run's config.
    """

    words: str
    config: str


def write(folder: RunFolder, config: str, words: str, results: Path) -> Done:
    """Writes DONE.

    Args:
        folder: of the run.
        config: digest of its config.
        words: the results.
        results: folder with the files of results.
    """
    files = sorted(path for path in _files(folder, results) if path.is_file())
    digests = {_CONFIG: config} | {
        path.relative_to(folder.path).as_posix(): sha256(path) for path in files
    }
    text = words + _HEAD + "".join(f"{digest}  {name}\n" for name, digest in digests.items())
    write_atomically(folder.done, f"{text}{_sha256(text.encode())}  {_THIS}\n")
    return Done(words, config)


def read(folder: RunFolder) -> Done | None:
    """The results, as the first of several processes finds them; None if they are not whole, or not there.

    If something is not what was written, that is said.
    """
    done, wrong = None, ""
    if os.path.lexists(folder.done):
        try:
            done = _read(folder)
        except (OSError, ValueError) as error:
            wrong = str(error)
    if wrong:
        say(f"{wrong}: the results are made again")
    return done if first_says(done is not None) else None


def remove(folder: RunFolder) -> None:
    """Removes a DONE that does not count."""
    if folder.done.is_dir() and not folder.done.is_symlink():
        say(f"{folder.done} is a folder: it is now {set_aside(folder.done).name}")
    folder.done.unlink(missing_ok=True)


def _files(folder: RunFolder, results: Path) -> Iterator[Path]:
    """What the run's own evaluation writes; `evaluate` may add more."""
    yield from (folder.report, folder.training_mask, folder.calibration, folder.probes)
    for place in (results, results / RECOVER):
        if place.is_dir():
            yield from (path for path in place.iterdir() if path.name != REPORT)


def _read(folder: RunFolder) -> Done:
    """Raises OSError or ValueError if anything is not what was written."""
    if not folder.done.is_file():
        raise ValueError(f"{folder.done} is not a file")
    with folder.done.open("rb") as file:
        content = file.read(MOST_BYTES)
    lines = content.splitlines(keepends=True)
    text = b"".join(lines[:-1])
    if not lines or lines[-1] != f"{_sha256(text)}  {_THIS}\n".encode():
        raise ValueError(f"{folder.done} is not what this version writes")
    words, _, listed = text.decode().rpartition(_HEAD)
    digests = {
        name: digest for digest, _, name in (line.partition("  ") for line in listed.splitlines())
    }
    config = digests.pop(_CONFIG)
    for name, digest in digests.items():
        path = folder.path / name
        if is_first() and not (path.is_file() and sha256(path) == digest):
            raise ValueError(f"{path} is not what the run wrote")
    return Done(words, config)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
