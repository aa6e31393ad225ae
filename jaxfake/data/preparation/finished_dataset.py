"""The dataset that an earlier preparation has left in OUT: whether it is whole, and of the same settings.

The digests of its files are in coverage.json, and the dataset's own folder holds a copy of that, so that
either can be made again from the other. All bytes of the dataset are read to check it, which takes about a
second for a gigabyte, or as long as the disk takes.
"""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from jaxfake.data.layouts.listing import SourceFile
from jaxfake.data.preparation import coverage, source_content
from jaxfake.data.preparation.coverage import Coverage
from jaxfake.data.preparation.crop_sources import SourceCropper
from jaxfake.data.preparation.disk_room import DiskRoom
from jaxfake.data.preparation.versions import DATASET_VERSION
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import open_regular
from jaxfake.runtime.progress import Progress, say

_ADVICE = "give another --out, or delete that folder"


def dataset_folder(out: Path) -> Path:
    """The folder of the dataset in OUT; it exists if any file gave a face."""
    return out / "folder" / DATASET_VERSION


def find(out: Path, settings: dict[str, Any], threads: int) -> Coverage | None:
    """What is known about the whole dataset in OUT; None if there is none, or it is damaged.

    Args:
        out: folder of the preparation.
        settings: of this preparation.
        threads: how many files are checked at a time.

    Raises:
        InputError: it has other settings, or cannot be checked.
    """
    folder = dataset_folder(out)
    if not folder.exists():
        return None
    found = coverage.read(folder) or coverage.read(out)
    if found is None:
        raise InputError(
            f"{out} holds a dataset of which both copies of {coverage.FILE_NAME} are missing or damaged: "
            f"{_ADVICE}"
        )
    _refuse_other_settings(out, found, settings)
    if not found.written:
        raise InputError(f"{out} was prepared by an earlier version of jaxfake: {_ADVICE}")
    damaged = first_damaged(folder, found.written, threads)
    if damaged:
        say(f"{folder / damaged} is not as it was written: the dataset is made again")
        return None
    _mend_coverage(out, found)
    return found


def refuse_other_files(out: Path, earlier: Coverage, files: list[SourceFile], threads: int) -> None:
    """Checks that a finished dataset was made from the files that are there now.

    A file that could not be used then may be another one now: `more_is_readable` looks at it.

    Raises:
        InputError: it was made from others.
    """
    then = [earlier.unreadable.get(coverage.printable(file.relative)) for file in files]
    used = [file for file, content in zip(files, then, strict=True) if content is None]
    now = iter(source_content.digests(used, threads))
    contents = [next(now) if content is None else content for content in then]
    if source_content.digest_of_all(files, contents) != earlier.source["fingerprint"]:
        raise InputError(f"{out} was prepared from other files than are there now: {_ADVICE}")


def more_is_readable(
    earlier: Coverage, files: list[SourceFile], cropper: SourceCropper, room: DiskRoom
) -> bool:
    """Whether a file that could not be used for a finished dataset can be used now, or is another."""
    then = earlier.unreadable
    unused = [file for file in files if coverage.printable(file.relative) in then]
    changed = [
        name
        for name, status in zip(
            (coverage.printable(file.relative) for file in unused),
            cropper.crop(unused, room),
            strict=True,
        )
        if status.finished or status.content != then[name]
    ]
    if changed:
        say(
            f"{len(changed)} files that could not be read before have changed, such as {changed[0]}: the "
            "dataset is made again"
        )
    return bool(changed)


def describe(folder: Path, threads: int) -> dict[str, str]:
    """The sha256 of each file of a dataset, by name; all of them are on the disk afterwards."""
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    for name in names:
        with open_regular(folder / name) as file:
            os.fsync(file.fileno())
    return dict(zip(names, _digests(folder, names, threads), strict=True))


def first_damaged(folder: Path, written: dict[str, str], threads: int) -> str:
    """Name of the first file that is missing or differs from what was written; '' if all are whole."""
    found = _digests(folder, list(written), threads)
    differing = (name for name, now in zip(written, found, strict=True) if now != written[name])
    return next(differing, "")


def _digests(folder: Path, names: list[str], threads: int) -> list[str]:
    found = []
    shown = Progress("checking", len(names), "files", brief=True)
    with ThreadPoolExecutor(threads) as pool, shown as progress:
        for digest in pool.map(partial(_digest, folder), names):
            found.append(digest)
            progress.advance(1)
    return found


def _digest(folder: Path, name: str) -> str:
    """The sha256 of a file; '' if it cannot be read."""
    try:
        with open_regular(folder / name) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, InputError):
        return ""


def _refuse_other_settings(out: Path, found: Coverage, settings: dict[str, Any]) -> None:
    changed = [key for key, value in settings.items() if found.settings.get(key) != value]
    if changed:
        was = ", ".join(f"{key}={found.settings.get(key)}" for key in changed)
        raise InputError(f"{out} was prepared with {was}: give the same, or {_ADVICE}")


def _mend_coverage(out: Path, found: Coverage) -> None:
    """Writes the copies of coverage.json that are missing or damaged."""
    for folder in (out, dataset_folder(out)):
        if coverage.read(folder) != found:
            with suppress(OSError):  # a read-only disk: the other copy is enough
                coverage.write(folder, found)
